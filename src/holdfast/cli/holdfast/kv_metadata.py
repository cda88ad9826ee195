"""``holdfast kv metadata get | delete``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of, nothing_found, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.kv_tables import print_fields, print_path
from holdfast.cli.holdfast.kv_target import add_path_argument, find_target
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client.errors import RemoteNotFoundError


def get(parser: CommandParser) -> Run:
    """Show the settings of a secret and all its versions, without values."""
    add_path_argument(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _get


def delete(parser: CommandParser) -> Run:
    """Erase a secret with all its versions, for good."""
    add_path_argument(parser)
    add_server_options(parser)
    return _delete


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
