"""``holdfast auth enable | disable | list | tune``: which auth method is mounted where."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import data_of, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_OK, Run

_TUNED = ("description", "default_lease_ttl", "max_lease_ttl", "token_type", "listing_visibility")


def enable(parser: CommandParser) -> Run:
    """Mount an auth method at a path below auth/."""
    parser.add_argument("type", help="approle, cert, jwt, kubernetes or userpass")
    parser.add_argument("--path", help="the path below auth/ [the type's name]")
    _add_tuning(parser)
    add_server_options(parser)
    return _enable


def disable(parser: CommandParser) -> Run:
    """Unmount an auth method; its roles and users are erased, and tokens that came from it end."""
    parser.add_argument("path", help="the path below auth/")
    add_server_options(parser)
    return _disable


def list_methods(parser: CommandParser) -> Run:
    """List the auth methods."""
    add_format_option(parser)
    add_server_options(parser)
    return _list


def tune(parser: CommandParser) -> Run:
    """Change what a mounted auth method says about its tokens."""
    parser.add_argument("path", help="the path below auth/")
    _add_tuning(parser)
    add_server_options(parser)
    return _tune


def _add_tuning(parser: CommandParser) -> None:
    parser.add_argument("--description", help="for people")
    parser.add_argument("--default-lease-ttl", help="life of tokens whose role says nothing, such as 30m")
    parser.add_argument("--max-lease-ttl", help="longest life of tokens, such as 24h")
    parser.add_argument("--token-type", help="default-service, default-batch, service or batch")
    parser.add_argument("--listing-visibility", help="unauth lets anybody know that it is there")


def _tuning(arguments: Namespace) -> dict[str, str]:
    return {name: value for name in _TUNED if (value := getattr(arguments, name)) is not None}


def _enable(arguments: Namespace) -> int:
    path = (arguments.path or arguments.type).strip("/") + "/"
    config = _tuning(arguments)
    body = {"type": arguments.type, "description": config.pop("description", ""), "config": config}
    show_warnings(connect(arguments).request("POST", f"sys/auth/{path.rstrip('/')}", body))
    print(f"Success! Enabled {arguments.type} auth method at: {path}")
    return EXIT_OK


def _disable(arguments: Namespace) -> int:
    path = arguments.path.strip("/")
    connect(arguments).request("DELETE", f"sys/auth/{path}")
    print(f"Success! Disabled the auth method (if it existed) at: {path}/")
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    methods = data_of(connect(arguments).request("GET", "sys/auth"))
    if arguments.format != "table":
        print_result(methods, arguments.format)
        return EXIT_OK
    rows = [
        (path, method.get("type"), method.get("accessor"), method.get("description"))
        for path, method in sorted(methods.items())
    ]
    print_table(("Path", "Type", "Accessor", "Description"), rows)
    return EXIT_OK


def _tune(arguments: Namespace) -> int:
    path, tuning = arguments.path.strip("/"), _tuning(arguments)
    if not tuning:
        raise UsageError("expected at least one option, such as --default-lease-ttl")
    show_warnings(connect(arguments).request("POST", f"sys/auth/{path}/tune", tuning))
    print(f"Success! Tuned the auth method at: {path}/")
    return EXIT_OK
