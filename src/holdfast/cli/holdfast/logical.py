"""``holdfast read | write | list | delete``: any path of the Vault dialect."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import (
    data_of,
    nothing_found,
    show_auth,
    show_data,
    show_field,
    show_names,
    show_warnings,
)
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_pairs
from holdfast.cli.holdfast.wrapping import add_wrap_option, show_wrapped
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client.errors import RemoteNotFoundError


def read(parser: CommandParser) -> Run:
    """Read a path of the API."""
    parser.add_argument("path")
    parser.add_argument("--field", help="print this field only")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _read


def write(parser: CommandParser) -> Run:
    """Write fields to a path of the API: field=text, field=@file, field=- for standard input."""
    parser.add_argument("path")
    parser.add_argument("fields", nargs="*", metavar="field=value")
    parser.add_argument("--force", "-f", action="store_true", help="write without any field")
    parser.add_argument("--field", help="print this field of the answer only")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _write


def list_names(parser: CommandParser) -> Run:
    """List the names one level below a path of the API."""
    parser.add_argument("path")
    add_format_option(parser)
    add_server_options(parser)
    return _list


def delete(parser: CommandParser) -> Run:
    """Delete what is at a path of the API."""
    parser.add_argument("path")
    add_server_options(parser)
    return _delete


def _read(arguments: Namespace) -> int:
    try:
        answer = connect(arguments).request("GET", arguments.path, wrap_ttl=arguments.wrap_ttl)
    except RemoteNotFoundError as error:
        answer = dict(error.answer)
        if not data_of(answer):
            return nothing_found(arguments.path, answer)
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    if arguments.field:
        return show_field(data_of(answer), arguments.field)
    show_data(answer, arguments.format)
    return EXIT_OK


def _write(arguments: Namespace) -> int:
    if not arguments.fields and not arguments.force:
        raise UsageError("expected field=value after the path, or -force to write nothing")
    answer = connect(arguments).request(
        "PUT", arguments.path, parse_pairs(arguments.fields), wrap_ttl=arguments.wrap_ttl
    )
    if arguments.wrap_ttl and answer:
        return show_wrapped(answer, arguments)
    if arguments.field:
        return show_field(data_of(answer) or answer.get("auth") or {}, arguments.field)
    if answer.get("auth"):
        show_auth(answer, arguments.format)
    elif data_of(answer):
        show_data(answer, arguments.format)
    else:
        show_warnings(answer)
        print(f"Success! Data written to: {arguments.path}")
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    try:
        answer = connect(arguments).request("LIST", arguments.path)
    except RemoteNotFoundError:
        return nothing_found(arguments.path)
    return show_names(answer, arguments.path, arguments.format)


def _delete(arguments: Namespace) -> int:
    show_warnings(connect(arguments).request("DELETE", arguments.path))
    print(f"Success! Data deleted (if it existed) at: {arguments.path}")
    return EXIT_OK
