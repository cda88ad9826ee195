"""``holdfast kv put | patch | rollback``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.answers import data_of, nothing_found, show_field, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.kv_tables import print_version
from holdfast.cli.holdfast.kv_target import KvTarget, add_path_argument, find_target
from holdfast.cli.holdfast.pairs import parse_pairs
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client import VaultClient
from holdfast.client.errors import (
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteUnsupportedError,
)


def put(parser: CommandParser) -> Run:
    """Write a secret: field=text, field=@file, field=- for standard input, or @file.json for all fields."""
    _add_write_options(parser)
    return _put


def patch(parser: CommandParser) -> Run:
    """Change the fields given and keep the others."""
    _add_write_options(parser)
    parser.add_argument(
        "--remove-data", action="append", default=[], metavar="FIELD", help="take this field away"
    )
    parser.add_argument(
        "--method",
        type=one_of("patch", "rw"),
        help="patch: ask the store to merge; rw: read, merge here, write back [patch, then rw]",
    )
    return _patch


def rollback(parser: CommandParser) -> Run:
    """Write an older version anew, as the newest one; what came in between stays in the history."""
    add_path_argument(parser)
    parser.add_argument("--version", type=int, help="the version to go back to")
    add_format_option(parser)
    add_server_options(parser)
    return _rollback


def _add_write_options(parser: CommandParser) -> None:
    add_path_argument(parser)
    parser.add_argument("fields", nargs="*", metavar="field=value")
    parser.add_argument(
        "--cas", type=int, help="only if this is the current version; 0: only if there is none"
    )
    parser.add_argument("--field", help="print this field of the answer only, such as version")
    add_format_option(parser)
    add_server_options(parser)


def _put(arguments: Namespace) -> int:
    fields = _fields(arguments)
    client = connect(arguments)
    target = find_target(client, arguments)
    if arguments.cas is not None:
        target.require_versions()
    path = target.api_path("data")
    answer = client.request("PUT", path, _body(fields, arguments.cas) if target.is_versioned else fields)
    return _show(arguments, answer, path)


def _patch(arguments: Namespace) -> int:
    removed: dict[str, Any] = dict.fromkeys(arguments.remove_data)
    fields = removed if removed and not arguments.fields else {**removed, **_fields(arguments)}
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path("data")
    try:
        if arguments.method == "rw":
            answer = _merge_here(client, target, fields, arguments.cas)
        else:
            try:
                answer = client.request("PATCH", path, _body(fields, arguments.cas))
            except (RemotePermissionDeniedError, RemoteUnsupportedError):
                if arguments.method == "patch":
                    raise
                # Policies written before the capability existed grant read and update only.
                answer = _merge_here(client, target, fields, arguments.cas)
    except RemoteNotFoundError:
        return nothing_found(path)
    return _show(arguments, answer, path)


def _merge_here(
    client: VaultClient, target: KvTarget, fields: dict[str, Any], cas: int | None
) -> dict[str, Any]:
    """Read, merge and write back; check-and-set keeps a write in between from being lost."""
    found = data_of(client.request("GET", target.api_path("data")))
    expected = cas if cas is not None else found["metadata"]["version"]
    removed = {name for name, value in fields.items() if value is None}
    merged = {name: value for name, value in {**found["data"], **fields}.items() if name not in removed}
    return client.request("PUT", target.api_path("data"), _body(merged, expected))


def _rollback(arguments: Namespace) -> int:
    if arguments.version is None or arguments.version < 1:
        raise UsageError("--version: expected the number of the version to go back to")
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path("data")
    try:
        newest = client.request("GET", path)
    except RemoteNotFoundError as error:  # a deleted one has a number, too
        newest = dict(error.answer)
        if not data_of(newest):
            return nothing_found(path)
    try:
        wanted = data_of(client.request("GET", path, query={"version": str(arguments.version)}))
    except RemoteNotFoundError as error:
        if not data_of(error.answer):
            return nothing_found(f"{path}, version {arguments.version}")
        raise LocalError("--version: expected one that is neither deleted nor destroyed") from None
    expected = data_of(newest)["metadata"]["version"]
    return _show(arguments, client.request("PUT", path, _body(wanted["data"], expected)), path)


def _fields(arguments: Namespace) -> dict[str, Any]:
    if not arguments.fields:
        raise UsageError("expected field=value after the path")
    return parse_pairs(arguments.fields)


def _body(fields: dict[str, Any], cas: int | None) -> dict[str, Any]:
    return {"data": fields, "options": {} if cas is None else {"cas": cas}}


def _show(arguments: Namespace, answer: dict[str, Any], path: str) -> int:
    show_warnings(answer)
    if getattr(arguments, "field", None):
        return show_field(data_of(answer), arguments.field, arguments.format)
    if not data_of(answer):
        print(f"Success! Data written to: {path}")
    elif arguments.format == "table":
        print_version(data_of(answer))
    else:
        print_result(answer, arguments.format)
    return EXIT_OK
