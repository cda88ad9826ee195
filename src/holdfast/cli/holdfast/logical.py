"""``holdfast read | write | patch | list | scan | delete``: any path of the Vault dialect."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import (
    data_of,
    fields_of,
    no_names_found,
    nothing_found,
    show_answer,
    show_field,
    show_names,
    show_warnings,
)
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.environment import switch
from holdfast.cli.holdfast.pairs import parse_pairs
from holdfast.cli.holdfast.wrapping import add_wrap_option, show_wrapped
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client.errors import RemoteNotFoundError

WRAP = "sys/wrapping/wrap"
DEFAULT_WRAP_TTL = "5m"
_ENVELOPE = frozenset({"auth", "data", "lease_id", "request_id", "warnings", "wrap_info"})


def read(parser: CommandParser) -> Run:
    """Read a path of the API; what follows it goes with the question: field=text, field=@file, field=-."""
    parser.add_argument("path")
    parser.add_argument("fields", nargs="*", default=[], metavar="field=value")
    parser.add_argument("--field", help="print this field only")
    add_wrap_option(parser)
    add_format_option(parser, "raw")
    add_server_options(parser)
    return _read


def write(parser: CommandParser) -> Run:
    """Write fields to a path of the API: field=text, field=@file, field=- for standard input."""
    _add_write_options(parser)
    return _write


def patch(parser: CommandParser) -> Run:
    """Change the fields given of what is at a path of the API, and keep the others."""
    _add_write_options(parser)
    return _patch


def list_names(parser: CommandParser) -> Run:
    """List the names one level below a path of the API."""
    _add_list_options(parser)
    return lambda arguments: _list(arguments, "LIST")


def scan(parser: CommandParser) -> Run:
    """List the names of everything below a path of the API, however deep."""
    _add_list_options(parser)
    return lambda arguments: _list(arguments, "SCAN")


def delete(parser: CommandParser) -> Run:
    """Delete what is at a path of the API."""
    parser.add_argument("path")
    parser.add_argument("fields", nargs="*", default=[], metavar="field=value")
    add_format_option(parser)
    add_server_options(parser)
    return _delete


def _add_write_options(parser: CommandParser) -> None:
    parser.add_argument("path")
    parser.add_argument("fields", nargs="*", default=[], metavar="field=value")
    parser.add_argument("--force", "-f", action="store_true", help="write without any field")
    parser.add_argument("--field", help="print this field of the answer only")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)


def _add_list_options(parser: CommandParser) -> None:
    parser.add_argument("path")
    parser.add_argument("--after", help="only names behind this one")
    parser.add_argument("--limit", type=int, help="at most so many names")
    parser.add_argument(
        "--detailed",
        action="store_true",
        default=switch("DETAILED"),
        help="with what the store says of each name [HOLDFAST_DETAILED]",
    )
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)


def _read(arguments: Namespace) -> int:
    client, query = connect(arguments), _query(arguments)
    if arguments.format == "raw" and not arguments.field:
        sys.stdout.buffer.write(client.read_raw(arguments.path, query=query))
        return EXIT_OK
    try:
        answer = client.request("GET", arguments.path, query=query, wrap_ttl=arguments.wrap_ttl)
    except RemoteNotFoundError as error:
        answer = dict(error.answer)
        if not data_of(answer):
            return nothing_found(arguments.path, answer)
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    if arguments.field:
        return show_field(fields_of(answer), arguments.field, arguments.format)
    show_answer(_in_envelope(answer), arguments.format)
    return EXIT_OK


def _write(arguments: Namespace) -> int:
    body = _body(arguments)
    wrap_ttl = arguments.wrap_ttl or (DEFAULT_WRAP_TTL if arguments.path.strip("/") == WRAP else "")
    answer = connect(arguments).request("PUT", arguments.path, body, wrap_ttl=wrap_ttl)
    if wrap_ttl and answer:
        return show_wrapped(answer, arguments)
    return _tell_of_write(arguments, answer)


def _patch(arguments: Namespace) -> int:
    body = _body(arguments)
    answer = connect(arguments).request("PATCH", arguments.path, body, wrap_ttl=arguments.wrap_ttl)
    if arguments.wrap_ttl and answer:
        return show_wrapped(answer, arguments)
    return _tell_of_write(arguments, answer)


def _body(arguments: Namespace) -> dict[str, Any]:
    if not arguments.fields and not arguments.force:
        raise UsageError("expected field=value after the path, or -force to write nothing")
    return parse_pairs(arguments.fields)


def _tell_of_write(arguments: Namespace, answer: Mapping[str, Any]) -> int:
    if arguments.field:
        return show_field(fields_of(answer), arguments.field, arguments.format)
    answer = _in_envelope(answer)
    if answer.get("auth") or data_of(answer):
        show_answer(answer, arguments.format)
        return EXIT_OK
    show_warnings(answer)
    if arguments.format == "table":
        print(f"Success! Data written to: {arguments.path}")
    return EXIT_OK


def _in_envelope(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer with its data where they belong; some paths answer with a bare document."""
    return answer if not answer or _ENVELOPE & set(answer) else {"data": answer}


def _list(arguments: Namespace, method: str) -> int:
    query = {} if arguments.after is None else {"after": arguments.after}
    query |= {} if arguments.limit is None else {"limit": str(arguments.limit)}
    path = arguments.path.rstrip("/") + "/" if method == "SCAN" else arguments.path
    try:
        answer = connect(arguments).request(method, path, query=query, wrap_ttl=arguments.wrap_ttl)
    except RemoteNotFoundError:
        return no_names_found(arguments.path, arguments.format)
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    about = data_of(answer).get("key_info")
    if not arguments.detailed or not isinstance(about, dict):
        return show_names(answer, arguments.path, arguments.format)
    _show_details(data_of(answer).get("keys") or [], about, arguments.format)
    return EXIT_OK


def _show_details(names: list[str], about: dict[str, Any], output_format: str) -> None:
    if output_format != "table":
        print_result(about, output_format)
        return
    columns = sorted({column for entry in about.values() if isinstance(entry, dict) for column in entry})
    rows = [(name, *((about.get(name) or {}).get(column) for column in columns)) for name in names]
    print_table(("Keys", *columns), rows)


def _delete(arguments: Namespace) -> int:
    answer = connect(arguments).request("DELETE", arguments.path, query=_query(arguments))
    show_warnings(answer)
    if data_of(answer) or arguments.format != "table":
        if answer:
            show_answer(answer, arguments.format)
        return EXIT_OK
    print(f"Success! Data deleted (if it existed) at: {arguments.path}")
    return EXIT_OK


def _query(arguments: Namespace) -> dict[str, str | list[str]]:
    fields = parse_pairs(arguments.fields, secrets=())
    return {name: value if isinstance(value, list) else str(value) for name, value in fields.items()}
