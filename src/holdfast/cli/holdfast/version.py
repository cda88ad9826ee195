"""``holdfast version``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.program import EXIT_OK, Run
from holdfast.version import VERSION


def version(_parser: CommandParser) -> Run:
    """Print the version."""
    return _version


def _version(_arguments: Namespace) -> int:
    print(f"Holdfast v{VERSION}")
    return EXIT_OK
