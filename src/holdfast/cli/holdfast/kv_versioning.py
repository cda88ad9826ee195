"""``holdfast kv enable-versioning``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import show_warnings
from holdfast.cli.holdfast.connection import add_server_options, connect
from holdfast.cli.program import EXIT_OK, Run


def enable_versioning(parser: CommandParser) -> Run:
    """Have a mount keep versions from now on; what it holds becomes version 1. There is no way back."""
    parser.add_argument("mount", help="path of the mount")
    add_server_options(parser)
    return _enable


def _enable(arguments: Namespace) -> int:
    mount = arguments.mount.strip("/")
    body = {"options": {"version": "2"}}
    show_warnings(connect(arguments).request("POST", f"sys/mounts/{mount}/tune", body))
    print(f"Success! Tuned the secrets engine at: {mount}/")
    return EXIT_OK
