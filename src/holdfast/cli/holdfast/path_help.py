"""``holdfast path-help``: what the store says about one of its paths."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_result, printable
from holdfast.cli.program import EXIT_OK, Run


def path_help(parser: CommandParser) -> Run:
    """Say what a path of the API is for and what it takes; for a mount, which paths it has."""
    parser.add_argument("path")
    add_format_option(parser)
    add_server_options(parser)
    return _path_help


def _path_help(arguments: Namespace) -> int:
    path = arguments.path.rstrip("/")
    told = connect(arguments).request("GET", path, query={"help": "1"})
    if arguments.format == "table":
        print(printable(str(told.get("help", "")).rstrip("\n")))
    else:
        print_result(told, arguments.format)
    return EXIT_OK
