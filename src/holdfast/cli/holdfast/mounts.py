"""``holdfast secrets enable | disable | list | move``: which engine serves which prefix."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_OK, Run


def enable(parser: CommandParser) -> Run:
    """Mount a secrets engine at a prefix of its own."""
    parser.add_argument("type", help="kv, kv-v1, kv-v2 or transit")
    parser.add_argument("--path", help="the prefix [the type's name]")
    parser.add_argument("--description", default="", help="for people")
    parser.add_argument("--version", type=int, help="1 or 2, for type kv")
    parser.add_argument("--options", action="append", default=[], metavar="KEY=VALUE", help="for the engine")
    add_server_options(parser)
    return _enable


def disable(parser: CommandParser) -> Run:
    """Unmount an engine; everything stored in it is erased."""
    parser.add_argument("path")
    add_server_options(parser)
    return _disable


def move(parser: CommandParser) -> Run:
    """Move a mount, with all that is stored in it; policies go on to mean the paths that they name."""
    parser.add_argument("source", help="where it is")
    parser.add_argument("target", help="where it shall be")
    add_server_options(parser)
    return _move


def list_mounts(parser: CommandParser) -> Run:
    """List the mounts."""
    add_format_option(parser)
    add_server_options(parser)
    return _list


def _enable(arguments: Namespace) -> int:
    options = parse_option_pairs(arguments.options, option="--options")
    if arguments.version is not None:
        options["version"] = str(arguments.version)
    path = (arguments.path or arguments.type).strip("/") + "/"
    connect(arguments).enable_mount(path, arguments.type, options=options, description=arguments.description)
    print(f"Success! Enabled the {arguments.type} secrets engine at: {path}")
    return EXIT_OK


def _disable(arguments: Namespace) -> int:
    connect(arguments).disable_mount(arguments.path)
    print(f"Success! Disabled the secrets engine (if it existed) at: {arguments.path.strip('/')}/")
    return EXIT_OK


def _move(arguments: Namespace) -> int:
    body = {"from": arguments.source, "to": arguments.target}
    connect(arguments).request("POST", "sys/remount", body)
    print(f"Success! Moved {arguments.source.strip('/')}/ to {arguments.target.strip('/')}/")
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    mounts = connect(arguments).mounts()
    if arguments.format != "table":
        print_result(mounts, arguments.format)
        return EXIT_OK
    rows = [
        (path, mount.get("type"), mount.get("accessor"), mount.get("description"))
        for path, mount in sorted(mounts.items())
    ]
    print_table(("Path", "Type", "Accessor", "Description"), rows)
    return EXIT_OK
