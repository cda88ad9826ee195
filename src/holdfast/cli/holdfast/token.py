"""``holdfast token create | lookup | renew | revoke``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import show_auth, show_data, show_field
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.holdfast.wrapping import add_wrap_option, show_wrapped
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word

_CREATE_FIELDS = ("ttl", "explicit_max_ttl", "period", "display_name", "type", "use_limit")


def create(parser: CommandParser) -> Run:
    """Make a token; without options it has the policies of the one that makes it."""
    parser.add_argument("--policy", action="append", default=[], help="give this policy; may be repeated")
    parser.add_argument("--ttl", help="how long it lives, such as 30m")
    parser.add_argument("--explicit-max-ttl", help="no renewal beyond this")
    parser.add_argument("--period", help="lives on as long as it is renewed within this")
    parser.add_argument("--display-name", help="for audit records")
    parser.add_argument(
        "--metadata", action="append", default=[], metavar="KEY=VALUE", help="for audit records"
    )
    parser.add_argument("--type", type=one_of("service", "batch"), help="service or batch")
    parser.add_argument("--use-limit", type=int, help="ends after this many requests")
    parser.add_argument("--orphan", action="store_true", help="outlives the token that makes it")
    parser.add_argument("--no-default-policy", action="store_true", help="without the policy default")
    parser.add_argument(
        "--renewable", type=one_of("true", "false"), default="true", help="whether its life can be extended"
    )
    parser.add_argument("--role", help="as this token role says")
    parser.add_argument("--field", help="print this field only, such as token")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _create


def lookup(parser: CommandParser) -> Run:
    """Show what a token is: by default the one in use."""
    parser.add_argument("token", nargs="?", help="another token; - reads it from standard input")
    parser.add_argument("--accessor", help="look up by accessor instead")
    add_format_option(parser)
    add_server_options(parser)
    return _lookup


def renew(parser: CommandParser) -> Run:
    """Extend the life of a token: by default the one in use."""
    parser.add_argument("token", nargs="?", help="another token; - reads it from standard input")
    parser.add_argument("--increment", help="by how long, such as 1h")
    add_format_option(parser)
    add_server_options(parser)
    return _renew


def revoke(parser: CommandParser) -> Run:
    """End a token and all its children at once."""
    parser.add_argument("token", nargs="?", help="the token; - reads it from standard input")
    parser.add_argument("--self", action="store_true", help="the token in use")
    parser.add_argument("--accessor", help="by accessor instead")
    add_server_options(parser)
    return _revoke


def _create(arguments: Namespace) -> int:
    body: dict[str, Any] = {name: getattr(arguments, name) for name in _CREATE_FIELDS}
    body["num_uses"] = body.pop("use_limit")
    body = {name: value for name, value in body.items() if value is not None}
    body |= {
        "policies": arguments.policy,
        "meta": parse_option_pairs(arguments.metadata, option="--metadata"),
        "no_default_policy": arguments.no_default_policy,
        "renewable": arguments.renewable == "true",
    }
    path = "auth/token/create-orphan" if arguments.orphan else "auth/token/create"
    if arguments.role:
        if arguments.orphan:
            raise UsageError("-role: expected no -orphan with it; the role says that")
        path = f"auth/token/create/{arguments.role}"
    answer = connect(arguments).request("POST", path, body, wrap_ttl=arguments.wrap_ttl)
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    if arguments.field:
        auth = answer.get("auth") or {}
        return show_field({**auth, "token": auth.get("client_token")}, arguments.field)
    show_auth(answer, arguments.format)
    return EXIT_OK


def _lookup(arguments: Namespace) -> int:
    client = connect(arguments)
    if arguments.accessor:
        answer = client.request("POST", "auth/token/lookup-accessor", {"accessor": arguments.accessor})
    elif arguments.token:
        answer = client.request("POST", "auth/token/lookup", {"token": _other_token(arguments)})
    else:
        answer = client.request("GET", "auth/token/lookup-self")
    show_data(answer, arguments.format)
    return EXIT_OK


def _renew(arguments: Namespace) -> int:
    client = connect(arguments)
    body = {"increment": arguments.increment} if arguments.increment else {}
    if arguments.token:
        answer = client.request("PUT", "auth/token/renew", {**body, "token": _other_token(arguments)})
    else:
        answer = client.request("PUT", "auth/token/renew-self", body)
    show_auth(answer, arguments.format)
    return EXIT_OK


def _revoke(arguments: Namespace) -> int:
    if sum(map(bool, (arguments.token, arguments.self, arguments.accessor))) != 1:
        raise UsageError("expected exactly one of a token, -self or -accessor=...")
    client = connect(arguments)
    if arguments.accessor:
        client.request("PUT", "auth/token/revoke-accessor", {"accessor": arguments.accessor})
    elif arguments.self:
        client.revoke_self()
    else:
        client.revoke_token(_other_token(arguments))
    print("Success! Revoked token (if it existed)")
    return EXIT_OK


def _other_token(arguments: Namespace) -> str:
    return secret_word(arguments.token, prompt="Token", name="token").reveal().decode()
