"""``holdfast login``: try a token, and keep it for the commands that follow."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.holdfast.answers import show_auth
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.holdfast.token_file import write_token
from holdfast.cli.output import remark, warn
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word


def login(parser: CommandParser) -> Run:
    """Ask the store whether a token is good, and keep it in ~/.holdfast-token if so."""
    parser.add_argument("token", nargs="?", help="better left out: it is asked for without echo")
    parser.add_argument("--method", type=one_of("token"), default="token", help="token")
    parser.add_argument("--no-store", action="store_true", help="do not keep the token")
    parser.add_argument("--no-print", action="store_true", help="do not show what the token is")
    add_format_option(parser)
    add_server_options(parser)
    return _login


def _login(arguments: Namespace) -> int:
    given = arguments.token.removeprefix("token=") if arguments.token else None
    with secret_word(given, prompt="Token", name="token") as token:
        about = connect(arguments, token=token).lookup_self()
        if not arguments.no_store:
            path = write_token(Path.home(), token)
            remark(f"Success! The token is kept in {path}; the commands that follow act as it.")
            if setting("TOKEN"):
                warn("HOLDFAST_TOKEN or VAULT_TOKEN is set in the environment, and wins over the file.")
        if not arguments.no_print:
            show_auth({"auth": _as_auth(about, token.reveal().decode())}, arguments.format)
    return EXIT_OK


def _as_auth(about: dict[str, Any], token: str) -> dict[str, Any]:
    """Shape what a lookup says like the answer of a login, which is what scripts expect here."""
    return {
        "client_token": token,
        "accessor": about.get("accessor"),
        "lease_duration": about.get("ttl", 0),
        "renewable": about.get("renewable", False),
        "token_policies": about.get("policies"),
        "identity_policies": about.get("identity_policies"),
        "policies": about.get("policies"),
    }
