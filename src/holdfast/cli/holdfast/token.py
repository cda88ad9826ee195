"""``holdfast token create | lookup | renew | revoke | capabilities``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import data_of, fields_of, show_auth, show_data, show_field
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.holdfast.wrapping import add_wrap_option, show_wrapped
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word

_CREATE_FIELDS = (
    "id",
    "ttl",
    "explicit_max_ttl",
    "period",
    "display_name",
    "type",
    "use_limit",
    "entity_alias",
)
_WHOSE = "the token; - reads it from standard input; with -accessor, the accessor of the token"


def create(parser: CommandParser) -> Run:
    """Make a token; without options it has the policies of the one that makes it."""
    parser.add_argument("--policy", action="append", default=[], help="give this policy; may be repeated")
    parser.add_argument("--id", help="the token itself, if it is not to be made up: others can see it here")
    parser.add_argument("--ttl", help="how long it lives, such as 30m")
    parser.add_argument("--explicit-max-ttl", help="no renewal beyond this")
    parser.add_argument("--period", help="lives on as long as it is renewed within this")
    parser.add_argument("--display-name", help="for audit records")
    parser.add_argument(
        "--metadata", action="append", default=[], metavar="KEY=VALUE", help="for audit records"
    )
    parser.add_argument("--type", type=one_of("service", "batch"), help="service or batch")
    parser.add_argument("--entity-alias", help="of whom, as the token role allows")
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
    _add_whose(parser)
    add_wrap_option(parser)
    parser.add_argument("--field", help="print this field only, such as ttl")
    add_format_option(parser)
    add_server_options(parser)
    return _lookup


def renew(parser: CommandParser) -> Run:
    """Extend the life of a token: by default the one in use."""
    _add_whose(parser)
    parser.add_argument("--increment", "-i", help="by how long, such as 1h")
    parser.add_argument("--field", help="print this field only, such as token_duration")
    add_wrap_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _renew


def revoke(parser: CommandParser) -> Run:
    """End a token and all its children at once."""
    _add_whose(parser)
    parser.add_argument("--self", action="store_true", help="the token in use")
    parser.add_argument(
        "--mode",
        type=one_of("orphan", "path"),
        help="orphan: its children live on; path: all tokens that came from the path given",
    )
    add_server_options(parser)
    return _revoke


def capabilities(parser: CommandParser) -> Run:
    """Say what a token may do at a path: by default the one in use."""
    parser.add_argument("words", nargs="+", metavar="[TOKEN] PATH", help=_WHOSE)
    parser.add_argument("--accessor", action="store_true", help="the first word is an accessor")
    add_format_option(parser)
    add_server_options(parser)
    return _capabilities


def _add_whose(parser: CommandParser) -> None:
    parser.add_argument("token", nargs="?", help=_WHOSE)
    parser.add_argument(
        "--accessor", nargs="?", const="", help="it is an accessor that is given, not the token"
    )


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
    return _show(answer, arguments)


def _lookup(arguments: Namespace) -> int:
    client = connect(arguments)
    body, suffix = _whose(arguments)
    method = "POST" if body else "GET"
    answer = client.request(method, f"auth/token/lookup{suffix}", body or None, wrap_ttl=arguments.wrap_ttl)
    return _show(answer, arguments)


def _renew(arguments: Namespace) -> int:
    client = connect(arguments)
    body, suffix = _whose(arguments)
    if arguments.increment:
        body["increment"] = arguments.increment
    answer = client.request("PUT", f"auth/token/renew{suffix}", body, wrap_ttl=arguments.wrap_ttl)
    return _show(answer, arguments)


def _show(answer: dict[str, Any], arguments: Namespace) -> int:
    if arguments.wrap_ttl:
        return show_wrapped(answer, arguments)
    if arguments.field:
        return show_field(fields_of(answer), arguments.field, arguments.format)
    if answer.get("auth"):
        show_auth(answer, arguments.format)
    else:
        show_data(answer, arguments.format)
    return EXIT_OK


def _revoke(arguments: Namespace) -> int:
    given = bool(arguments.token or arguments.accessor)
    if given == arguments.self or (arguments.accessor == "" and not given):
        raise UsageError("expected exactly one of a token, -accessor with an accessor, or -self")
    if arguments.mode and (arguments.self or arguments.accessor is not None):
        raise UsageError("-mode: expected a token or a path with it")
    client = connect(arguments)
    if arguments.mode == "path":
        client.request("PUT", f"sys/leases/revoke-prefix/{arguments.token.strip('/')}")
    else:
        body, suffix = _whose(arguments)
        client.request("PUT", f"auth/token/revoke{'-orphan' if arguments.mode else suffix}", body or None)
    print("Success! Revoked token (if it existed)")
    return EXIT_OK


def _capabilities(arguments: Namespace) -> int:
    *whose, path = arguments.words
    if len(whose) > 1 or (arguments.accessor and not whose):
        raise UsageError("expected a path, with a token or an accessor before it if it is not about our own")
    client = connect(arguments)
    body: dict[str, Any] = {"paths": [path]}
    if arguments.accessor:
        call, body = "sys/capabilities-accessor", {**body, "accessor": whose[0]}
    elif whose:
        call, body = "sys/capabilities", {**body, "token": _secret(whose[0], arguments)}
    else:
        call = "sys/capabilities-self"
    answer = data_of(client.request("POST", call, body))
    found = sorted(answer.get("capabilities") or answer.get(path) or [])
    if arguments.format == "table":
        print(", ".join(found))
    else:
        print_result(found, arguments.format)
    return EXIT_OK


def _whose(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Return what names the token that is meant, and how the path of the call ends that takes it."""
    if arguments.accessor is not None:
        accessor = arguments.accessor or arguments.token
        if not accessor or (arguments.accessor and arguments.token):
            raise UsageError("-accessor: expected one accessor")
        return {"accessor": accessor}, "-accessor"
    if arguments.token:
        return {"token": _secret(arguments.token, arguments)}, ""
    return {}, "-self"


def _secret(word: str, arguments: Namespace) -> str:
    ask = not arguments.non_interactive
    return secret_word(word, prompt="Token", name="token", ask=ask).reveal().decode()
