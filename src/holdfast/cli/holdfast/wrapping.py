"""``holdfast unwrap``, and ``-wrap-ttl`` of the commands whose answers can wait in the store."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.answers import fields_of, show_answer, show_field, show_wrapping
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, configured_token, connect
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word


def add_wrap_option(parser: CommandParser) -> None:
    """Declare that the answer can wait in the store."""
    parser.add_argument(
        "--wrap-ttl",
        default=setting("WRAP_TTL"),
        metavar="TTL",
        help="leave the answer in the store for so long, such as 5m; print its token [HOLDFAST_WRAP_TTL]",
    )


def show_wrapped(answer: Mapping[str, Any], arguments: Namespace) -> int:
    """Print what stands for an answer that waits.

    Raises:
        LocalError: there is no such field; or the server wrapped nothing, and what it sent is not shown.
    """
    if not isinstance(answer.get("wrap_info"), dict):
        raise LocalError("-wrap-ttl: the server did not wrap its answer, which is therefore not shown")
    if field := getattr(arguments, "field", None):
        return show_field(fields_of(answer), field, arguments.format)
    show_wrapping(answer, arguments.format)
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
        token = secret_word(
            arguments.token, prompt="Wrapping token", name="wrapping token", ask=not arguments.non_interactive
        )
        client = connect(arguments, token=own or token)
        body = {} if own is None else {"token": token.reveal().decode()}
    else:
        client, body = connect(arguments), {}
    answer = client.request("PUT", "sys/wrapping/unwrap", body)
    if arguments.field:
        return show_field(fields_of(answer), arguments.field, arguments.format)
    if answer:
        show_answer(answer, arguments.format)
    elif arguments.format == "table":
        print("Success! There was nothing more to say than that it was done.")
    return EXIT_OK
