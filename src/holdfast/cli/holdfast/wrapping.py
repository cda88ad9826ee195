"""``holdfast unwrap``, and ``-wrap-ttl`` of the commands whose answers can wait in the store."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.answers import data_of, duration, show_auth, show_data, show_field, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, configured_token, connect
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word

_ROWS = (
    ("wrapping_token", "token"),
    ("wrapping_accessor", "accessor"),
    ("wrapping_token_ttl", "ttl"),
    ("wrapping_token_creation_time", "creation_time"),
    ("wrapping_token_creation_path", "creation_path"),
    ("wrapped_accessor", "wrapped_accessor"),
)


def add_wrap_option(parser: CommandParser) -> None:
    """Declare that the answer can wait in the store."""
    parser.add_argument(
        "--wrap-ttl",
        default="",
        metavar="TTL",
        help="leave the answer in the store for so long, such as 5m, and print the one-time token for it",
    )


def show_wrapped(answer: Mapping[str, Any], arguments: Namespace) -> int:
    """Print what stands for an answer that waits.

    Raises:
        LocalError: there is no such field; or the server wrapped nothing, and what it sent is not shown.
    """
    info = answer.get("wrap_info")
    if not isinstance(info, dict):
        raise LocalError("-wrap-ttl: the server did not wrap its answer, which is therefore not shown")
    fields = {name: info[member] for name, member in _ROWS if member in info}
    if field := getattr(arguments, "field", None):
        return show_field(fields, field)
    show_warnings(answer)
    if arguments.format != "table":
        print_result(answer, arguments.format)
    else:
        fields["wrapping_token_ttl"] = duration(info.get("ttl", 0))
        print_pairs(list(fields.items()))
    return EXIT_OK


def unwrap(parser: CommandParser) -> Run:
    """Fetch an answer that waits in the store: by its one-time token, or by the token in use."""
    parser.add_argument("token", nargs="?", help="the one-time token; - reads it from standard input")
    parser.add_argument("--field", help="print this field only")
    add_format_option(parser)
    add_server_options(parser)
    return _unwrap


def _unwrap(arguments: Namespace) -> int:
    own = configured_token()
    if arguments.token or own is None:
        token = secret_word(arguments.token, prompt="Wrapping token", name="wrapping token")
        client = connect(arguments, token=own or token)
        body = {} if own is None else {"token": token.reveal().decode()}
    else:
        client, body = connect(arguments), {}
    answer = client.request("PUT", "sys/wrapping/unwrap", body)
    auth = answer.get("auth")
    if arguments.field:
        fields = {**auth, "token": auth.get("client_token")} if auth else data_of(answer)
        return show_field(fields, arguments.field)
    if auth:
        show_auth(answer, arguments.format)
    else:
        show_data(answer, arguments.format)
    return EXIT_OK
