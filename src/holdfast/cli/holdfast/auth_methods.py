"""``holdfast auth enable | disable | list | tune | move | help``: which auth method is mounted where."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import data_of, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.login_methods import METHODS, POD_TOKEN
from holdfast.cli.holdfast.mount_options import (
    add_enable_options,
    add_tuning_options,
    enabling,
    show_mounts,
    tuning,
)
from holdfast.cli.holdfast.remount import remount
from holdfast.cli.program import EXIT_OK, Run


def enable(parser: CommandParser) -> Run:
    """Mount an auth method at a path below auth/."""
    parser.add_argument("type", help="approle, cert, jwt, kubernetes or userpass")
    parser.add_argument("--path", help="the path below auth/ [the type's name]")
    add_enable_options(parser)
    add_tuning_options(parser, of_tokens=True)
    add_server_options(parser)
    return _enable


def disable(parser: CommandParser) -> Run:
    """Unmount an auth method; its roles and users are erased, and tokens that came from it end."""
    parser.add_argument("path", help="the path below auth/")
    add_server_options(parser)
    return _disable


def list_methods(parser: CommandParser) -> Run:
    """List the auth methods."""
    parser.add_argument("--detailed", action="store_true", help="with everything that is known of them")
    add_format_option(parser)
    add_server_options(parser)
    return _list


def tune(parser: CommandParser) -> Run:
    """Change what a mounted auth method says about its tokens."""
    parser.add_argument("path", help="the path below auth/")
    add_tuning_options(parser, of_tokens=True)
    add_server_options(parser)
    return _tune


def move(parser: CommandParser) -> Run:
    """Move an auth method, with its roles and users; tokens that came from it end."""
    parser.add_argument("source", help="where it is, below auth/")
    parser.add_argument("target", help="where it shall be, below auth/")
    add_server_options(parser)
    return _move


def explain(parser: CommandParser) -> Run:
    """Say what a login by an auth method takes; for a path, ask the store which method that is."""
    parser.add_argument(
        "what", metavar="TYPE | PATH", help="a type such as userpass, or a path such as team/"
    )
    add_server_options(parser)
    return _explain


def _enable(arguments: Namespace) -> int:
    path = (arguments.path or arguments.plugin_name or arguments.type).strip("/")
    body = enabling(arguments, arguments.type)
    show_warnings(connect(arguments).request("POST", f"sys/auth/{path}", body))
    print(f"Success! Enabled {arguments.type} auth method at: {path}/")
    return EXIT_OK


def _disable(arguments: Namespace) -> int:
    path = arguments.path.strip("/")
    connect(arguments).request("DELETE", f"sys/auth/{path}")
    print(f"Success! Disabled the auth method (if it existed) at: {path}/")
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    methods = data_of(connect(arguments).request("GET", "sys/auth"))
    show_mounts(methods, arguments, with_version=True)
    return EXIT_OK


def _tune(arguments: Namespace) -> int:
    path, body = arguments.path.strip("/"), tuning(arguments)
    if not body:
        raise UsageError("expected at least one option, such as --default-lease-ttl")
    show_warnings(connect(arguments).request("POST", f"sys/auth/{path}/tune", body))
    print(f"Success! Tuned the auth method at: {path}/")
    return EXIT_OK


def _move(arguments: Namespace) -> int:
    source, target = (
        "auth/" + word.strip("/").removeprefix("auth/") for word in (arguments.source, arguments.target)
    )
    remount(connect(arguments), source, target)
    return EXIT_OK


def _explain(arguments: Namespace) -> int:
    kind = arguments.what
    if kind not in METHODS:
        path = arguments.what.strip("/").removeprefix("auth/") + "/"
        mounted = data_of(connect(arguments).request("GET", "sys/auth")).get(path)
        if mounted is None:
            raise UsageError(f"expected one of {', '.join(METHODS)}, or the path of an auth method")
        kind = mounted.get("type")
    wanted = METHODS.get(kind)
    if wanted is None:
        print(f"Log in with a token: holdfast login\nThe type {kind} takes nothing else here.")
        return EXIT_OK
    words = [f"{name}=..." for name in wanted.required]
    print(f"holdfast login -method={kind} {' '.join(words)}".rstrip())
    if wanted.secret and wanted.file:
        print(f"\n{wanted.secret} is taken from {POD_TOKEN}; {wanted.secret}=@file names another file.")
    elif wanted.secret:
        print(
            f"\n{wanted.secret} is asked for without echo, or read from a pipe or from {wanted.secret}=@file."
        )
    print("\nMounted elsewhere than at its name: -path=PATH.")
    return EXIT_OK
