"""``holdfast login``: try a token, or get one by an auth method; keep it for the commands that follow."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.answers import fields_of, show_auth, show_field
from holdfast.cli.holdfast.connection import DEFAULT_ADDRESS, add_format_option, add_server_options, connect
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.holdfast.login_browser import log_in_with_browser, read_fields
from holdfast.cli.holdfast.login_methods import METHODS, OIDC, login_request
from holdfast.cli.holdfast.pairs import parse_pairs
from holdfast.cli.holdfast.token_file import write_token
from holdfast.cli.output import remark, warn
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word
from holdfast.model import SecretBytes


def login(parser: CommandParser) -> Run:
    """Log in with a token or by an auth method, and keep the token in ~/.holdfast-token."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="token | field=value",
        help="a token, better left out because it is asked for without echo; or what the method needs",
    )
    parser.add_argument(
        "--method",
        type=one_of("token", OIDC, *METHODS),
        default="token",
        help=f"token, {OIDC}, {', '.join(METHODS)}",
    )
    parser.add_argument("--path", help="where the method is mounted below auth/ [its name]")
    parser.add_argument("--no-store", action="store_true", help="do not keep the token")
    parser.add_argument("--no-print", action="store_true", help="do not show what the token is")
    parser.add_argument("--token-only", action="store_true", help="print the token alone, and do not keep it")
    parser.add_argument("--field", help="print this field of the answer alone, such as token or policies")
    add_format_option(parser)
    add_server_options(parser)
    return _login


def _login(arguments: Namespace) -> int:
    if arguments.method != "token":
        return _log_in_by_method(arguments)
    if len(arguments.words) > 1:
        raise UsageError("expected fewer words after the command")
    given = arguments.words[0].removeprefix("token=") if arguments.words else None
    ask = not arguments.non_interactive
    with secret_word(given, prompt="Token", name="token", ask=ask) as token:
        about = connect(arguments, token=token).lookup_self()
        return _finish(arguments, token, {"auth": _as_auth(about, token.reveal().decode())})


def _log_in_by_method(arguments: Namespace) -> int:
    path, client = arguments.path or arguments.method, connect(arguments, anonymous=True)
    if arguments.method == OIDC:
        wanted = read_fields(path, parse_pairs(arguments.words, secrets=()))
        address = arguments.address or setting("ADDR") or DEFAULT_ADDRESS
        namespace = arguments.namespace or setting("NAMESPACE")
        answer = log_in_with_browser(client, wanted, address, namespace)
    else:
        given = parse_pairs(arguments.words, secrets={METHODS[arguments.method].secret})
        ask = not arguments.non_interactive
        answer = client.request("POST", *login_request(arguments.method, path, given, ask=ask))
    auth = answer.get("auth")
    if not isinstance(auth, dict) or not auth.get("client_token"):
        raise LocalError("the server's answer holds no token (is this the path of an auth method?)")
    with SecretBytes(str(auth["client_token"]).encode()) as token:
        return _finish(arguments, token, answer)


def _finish(arguments: Namespace, token: SecretBytes, answer: dict[str, Any]) -> int:
    if arguments.token_only:
        print(token.reveal().decode())
        return EXIT_OK
    if not arguments.no_store:
        path = write_token(Path.home(), token)
        remark(f"Success! The token is kept in {path}; the commands that follow act as it.")
        if setting("TOKEN"):
            warn("HOLDFAST_TOKEN or VAULT_TOKEN is set in the environment, and wins over the file.")
    if arguments.field:
        return show_field(fields_of(answer), arguments.field, arguments.format)
    if not arguments.no_print:
        show_auth(answer, arguments.format)
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
