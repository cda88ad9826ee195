"""``holdfast version``."""

from argparse import Namespace
from importlib.metadata import version as installed_version

from holdfast.cli.arguments import CommandParser
from holdfast.cli.program import EXIT_OK, Run


def version(_parser: CommandParser) -> Run:
    """Print the version."""
    return _version


def version_text() -> str:
    """Return the program's name and version."""
    return f"Holdfast v{installed_version('holdfast')}"


def _version(_arguments: Namespace) -> int:
    print(version_text())
    return EXIT_OK
