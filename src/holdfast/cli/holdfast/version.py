"""``holdfast version`` and ``holdfast version-history``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_OK, Run
from holdfast.version import VERSION


def version(_parser: CommandParser) -> Run:
    """Print the version."""
    return _version


def version_history(parser: CommandParser) -> Run:
    """List the versions that a store has run, and since when."""
    add_format_option(parser)
    add_server_options(parser)
    return _version_history


def _version(_arguments: Namespace) -> int:
    print(f"Holdfast v{VERSION}")
    return EXIT_OK


def _version_history(arguments: Namespace) -> int:
    answer = connect(arguments).request("LIST", "sys/version-history")
    if arguments.format != "table":
        print_result(answer, arguments.format)
        return EXIT_OK
    about = data_of(answer).get("key_info") or {}
    rows = [
        (name, about.get(name, {}).get("timestamp_installed"), about.get(name, {}).get("build_date"))
        for name in data_of(answer).get("keys") or []
    ]
    print_table(("Version", "Installation Time", "Build Date"), rows)
    return EXIT_OK
