"""``holdfast kv metadata get | put | patch | delete``."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import data_of, nothing_found, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.kv_tables import print_fields, print_path
from holdfast.cli.holdfast.kv_target import add_path_argument, find_target
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client.errors import RemoteNotFoundError


def get(parser: CommandParser) -> Run:
    """Show the settings of a secret and all its versions, without values."""
    add_path_argument(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _get


def put(parser: CommandParser) -> Run:
    """Set settings and custom metadata of a secret, which need not exist yet."""
    _add_settings(parser)
    return _put


def patch(parser: CommandParser) -> Run:
    """Change some settings and custom metadata of a secret, and keep the others."""
    _add_settings(parser)
    parser.add_argument(
        "--remove-custom-metadata",
        action="append",
        default=[],
        metavar="KEY",
        help="take this one away; may be repeated",
    )
    return _patch


def delete(parser: CommandParser) -> Run:
    """Erase a secret with all its versions, for good."""
    add_path_argument(parser)
    add_server_options(parser)
    return _delete


def _add_settings(parser: CommandParser) -> None:
    add_path_argument(parser)
    parser.add_argument("--max-versions", type=int, help="how many versions are kept; 0 for the mount's")
    parser.add_argument(
        "--cas-required",
        nargs="?",
        const="true",
        type=one_of("true", "false"),
        help="whether every write must name the version that it follows",
    )
    parser.add_argument(
        "--delete-version-after", help="after which time new versions are deleted, such as 720h; 0s for never"
    )
    parser.add_argument(
        "--custom-metadata",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a note for whoever may read metadata; may be repeated",
    )
    add_server_options(parser)


def _put(arguments: Namespace) -> int:
    return _change(
        arguments, "PUT", parse_option_pairs(arguments.custom_metadata, option="--custom-metadata")
    )


def _patch(arguments: Namespace) -> int:
    notes: dict[str, str | None] = dict.fromkeys(arguments.remove_custom_metadata)
    given = parse_option_pairs(arguments.custom_metadata, option="--custom-metadata")
    if both := notes.keys() & given.keys():
        raise UsageError(
            f"--remove-custom-metadata: expected no name that is given a value ({len(both)} are)"
        )
    return _change(arguments, "PATCH", {**notes, **given})


def _change(arguments: Namespace, method: str, notes: Mapping[str, str | None]) -> int:
    body: dict[str, Any] = {
        name: value
        for name in ("max_versions", "delete_version_after")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.cas_required is not None:
        body["cas_required"] = arguments.cas_required == "true"
    if notes:
        body["custom_metadata"] = notes
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path("metadata")
    try:
        answer = client.request(method, path, body)
    except RemoteNotFoundError:
        return nothing_found(path)
    show_warnings(answer)
    print(f"Success! Data written to: {path}")
    return EXIT_OK


def _get(arguments: Namespace) -> int:
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path("metadata")
    try:
        answer = client.request("GET", path)
    except RemoteNotFoundError:
        return nothing_found(path)
    show_warnings(answer)
    if arguments.format != "table":
        print_result(answer, arguments.format)
        return EXIT_OK
    metadata = data_of(answer)
    versions = metadata.pop("versions", {})
    print_path("Metadata Path", path)
    print_fields("Metadata", metadata)
    for number in sorted(versions, key=int):
        print()
        print_fields(f"Version {number}", versions[number])
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path("metadata")
    client.request("DELETE", path)
    print(f"Success! Data deleted (if it existed) at: {path}")
    return EXIT_OK
