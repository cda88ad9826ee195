"""``holdfast secrets enable | disable | list | tune | move``: which engine serves which prefix."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
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
    """Mount a secrets engine at a prefix of its own."""
    parser.add_argument("type", help="kv, kv-v1, kv-v2 or transit")
    parser.add_argument("--path", help="the prefix [the type's name]")
    add_enable_options(parser)
    add_tuning_options(parser, of_tokens=False)
    add_server_options(parser)
    return _enable


def disable(parser: CommandParser) -> Run:
    """Unmount an engine; everything stored in it is erased."""
    parser.add_argument("path")
    add_server_options(parser)
    return _disable


def tune(parser: CommandParser) -> Run:
    """Change what is said of a mount."""
    parser.add_argument("path")
    add_tuning_options(parser, of_tokens=False)
    add_server_options(parser)
    return _tune


def move(parser: CommandParser) -> Run:
    """Move a mount, with all that is stored in it; policies go on to mean the paths that they name."""
    parser.add_argument("source", help="where it is")
    parser.add_argument("target", help="where it shall be")
    add_server_options(parser)
    return _move


def list_mounts(parser: CommandParser) -> Run:
    """List the mounts."""
    parser.add_argument("--detailed", action="store_true", help="with everything that is known of them")
    add_format_option(parser)
    add_server_options(parser)
    return _list


def _enable(arguments: Namespace) -> int:
    path = (arguments.path or arguments.plugin_name or arguments.type).strip("/")
    body = enabling(arguments, arguments.type)
    show_warnings(connect(arguments).request("POST", f"sys/mounts/{path}", body))
    print(f"Success! Enabled the {arguments.type} secrets engine at: {path}/")
    return EXIT_OK


def _disable(arguments: Namespace) -> int:
    connect(arguments).disable_mount(arguments.path)
    print(f"Success! Disabled the secrets engine (if it existed) at: {arguments.path.strip('/')}/")
    return EXIT_OK


def _tune(arguments: Namespace) -> int:
    path, body = arguments.path.strip("/"), tuning(arguments)
    if not body:
        raise UsageError("expected at least one option, such as -default-lease-ttl")
    show_warnings(connect(arguments).request("POST", f"sys/mounts/{path}/tune", body))
    print(f"Success! Tuned the secrets engine at: {path}/")
    return EXIT_OK


def _move(arguments: Namespace) -> int:
    remount(connect(arguments), arguments.source.strip("/"), arguments.target.strip("/"))
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    show_mounts(connect(arguments).mounts(), arguments)
    return EXIT_OK
