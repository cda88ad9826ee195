"""``holdfast kv read-many | search``: across the key-value mounts of a store."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.kv_target import visible_mounts
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.output import print_names, print_result, print_table, remark
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run

if TYPE_CHECKING:
    from holdfast.client.vault_across import ManyResult


def read_many(parser: CommandParser) -> Run:
    """Read many secrets at once; one that cannot be read is named, and the others are printed."""
    parser.add_argument(
        "paths", nargs="+", metavar="path", help="mount/name; - for standard input, one a line"
    )
    parser.add_argument("--mount", help="path of the mount, if the paths do not start with one")
    parser.add_argument("--field", help="print this field of each secret only")
    add_format_option(parser)
    add_server_options(parser)
    return _read_many


def search(parser: CommandParser) -> Run:
    """Find secrets by name, wherever the token may list its way to them."""
    parser.add_argument("text", nargs="?", help="somewhere in the name, in upper or lower case")
    parser.add_argument("--below", default="", help="a mount, or a directory in one [all mounts]")
    parser.add_argument("--prefix", help="what the name begins with, below there")
    parser.add_argument(
        "--glob", help="pattern with * and ? for the last part of the name, or all of it if it has a slash"
    )
    parser.add_argument(
        "--custom-metadata",
        action="append",
        default=[],
        metavar="KEY=PATTERN",
        help="custom metadata that it has; may be repeated",
    )
    parser.add_argument("--limit", type=int, help="stop after so many")
    add_format_option(parser)
    add_server_options(parser)
    return _search


def _read_many(arguments: Namespace) -> int:
    from holdfast.client.vault_across import read_many as fetch

    paths = _paths(arguments)
    client = connect(arguments)
    mounts = visible_mounts(client)
    results = list(fetch(client, [mounts.read_path(path) for path in paths]))
    if arguments.format == "table":
        _show_tables(paths, results, arguments.field)
    else:
        described = [
            _describe(path, result, arguments.field) for path, result in zip(paths, results, strict=True)
        ]
        print_result(described, arguments.format)
    for path, result in zip(paths, results, strict=True):
        if _values(result) is None:
            remark(f"{path}: {_reason(result)}")
    return EXIT_OK if all(_values(result) is not None for result in results) else EXIT_REMOTE_ERROR


def _paths(arguments: Namespace) -> list[str]:
    paths: list[str] = []
    for word in arguments.paths:
        if word == "-":
            paths += [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
        else:
            paths.append(word)
    if not paths:
        raise UsageError("path: expected at least one")
    mount = f"{arguments.mount.strip('/')}/" if arguments.mount else ""
    return [mount + path.strip("/") for path in paths]


def _values(result: "ManyResult") -> dict[str, Any] | None:
    """Return the fields of a secret, of either version of the engine; ``None`` if it cannot be read."""
    data = result.data
    if data is None or "metadata" not in data:
        return data
    values = data.get("data")
    return values if isinstance(values, dict) else None


def _reason(result: "ManyResult") -> str:
    if result.errors:
        return " ".join("; ".join(result.errors).split())
    return "its newest version is deleted" if result.data else "no secret is there"


def _describe(path: str, result: "ManyResult", field: str | None) -> dict[str, Any]:
    values = _values(result)
    described: dict[str, Any] = {"path": path, "status": result.status}
    if field:
        return described | {"value": (values or {}).get(field)}
    metadata = (result.data or {}).get("metadata") if values is not result.data else None
    return described | {"data": values, "metadata": metadata, "errors": list(result.errors)}


def _show_tables(paths: Sequence[str], results: "Sequence[ManyResult]", field: str | None) -> None:
    rows = [
        (path, name, values[name])
        for path, result in zip(paths, results, strict=True)
        for values in [_values(result) or {}]
        for name in sorted(values)
        if field in {None, name}
    ]
    if rows and field:
        print_table(("Path", "Value"), [(path, value) for path, _, value in rows])
    elif rows:
        print_table(("Path", "Field", "Value"), rows)


def _search(arguments: Namespace) -> int:
    from holdfast.client.vault_across import search as find

    if arguments.limit is not None and arguments.limit < 1:
        raise UsageError("--limit: expected at least 1")
    what: dict[str, Any] = {"below": arguments.below, "contains": arguments.text or ""}
    what |= {name: value for name in ("prefix", "glob") if (value := getattr(arguments, name))}
    if arguments.custom_metadata:
        what["custom_metadata"] = parse_option_pairs(arguments.custom_metadata, option="--custom-metadata")
    found = list(islice(find(connect(arguments), what), arguments.limit))
    if arguments.format != "table":
        print_result([asdict(secret) for secret in found], arguments.format)
    elif found:
        print_names(secret.mount + secret.name for secret in found)
    if not found:
        remark("No secret found")
        return EXIT_REMOTE_ERROR
    return EXIT_OK
