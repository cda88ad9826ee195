"""``holdfast kv get | list``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import (
    data_of,
    no_names_found,
    nothing_found,
    show_field,
    show_names,
    show_warnings,
)
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.kv_tables import print_fields, print_path
from holdfast.cli.holdfast.kv_target import add_path_argument, find_target
from holdfast.cli.holdfast.wrapping import add_wrap_option, show_wrapped
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client.errors import RemoteNotFoundError


def get(parser: CommandParser) -> Run:
    """Read a secret: its newest version, or a given one."""
    add_path_argument(parser)
    parser.add_argument("--version", type=int, help="an older version, by number")
    parser.add_argument("--field", help="print this field only, exactly")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _get


def list_names(parser: CommandParser) -> Run:
    """List the names one level below a path; a name with more below it ends in a slash."""
    add_path_argument(parser, may_be_mount=True)
    add_format_option(parser)
    add_server_options(parser)
    return _list


def _get(arguments: Namespace) -> int:
    client = connect(arguments)
    target = find_target(client, arguments)
    query = None
    if arguments.version is not None:
        target.require_versions()
        query = {"version": str(arguments.version)}
    path = target.api_path("data")
    try:
        answer = client.request("GET", path, query=query, wrap_ttl=arguments.wrap_ttl)
    except RemoteNotFoundError as error:
        answer = dict(error.answer)  # of a deleted version: when, and so which one to undelete
        if not data_of(answer):
            return nothing_found(path, answer)
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    data = data_of(answer)
    metadata = data.get("metadata") if target.is_versioned else None
    fields = (data.get("data") or {}) if target.is_versioned else data
    if arguments.field:
        return show_field(fields, arguments.field, arguments.format)
    show_warnings(answer)
    if arguments.format != "table":
        print_result(answer, arguments.format)
        return EXIT_OK
    if metadata:
        print_path("Secret Path", path)
        print_fields("Metadata", metadata)
        print()
    if metadata is None or data.get("data") is not None:
        print_fields("Data", fields)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    client = connect(arguments)
    path = find_target(client, arguments).api_path("metadata").rstrip("/") + "/"
    try:
        answer = client.request("LIST", path)
    except RemoteNotFoundError:
        return no_names_found(path, arguments.format)
    return show_names(answer, path, arguments.format)
