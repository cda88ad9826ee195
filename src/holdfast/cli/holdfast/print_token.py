"""``holdfast print token``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.connection import configured_token
from holdfast.cli.program import EXIT_OK, Run


def print_token(_parser: CommandParser) -> Run:
    """Print the token that commands act as: of the environment, else the one that login kept."""
    return _print_token


def _print_token(_arguments: Namespace) -> int:
    token = configured_token()
    if token is None:
        raise LocalError("there is no token, neither in the environment nor from a login")
    print(token.reveal().decode())
    return EXIT_OK
