"""What commands have in common that handle the records of a whole store: options, files, progress."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.ticker import Ticker

if TYPE_CHECKING:
    from holdfast.server.config import ServerConfig
    from holdfast.server.records.copying import Progress

MIB = 1 << 20


def add_config_option(parser: CommandParser) -> None:
    """Declare where the server's configuration is."""
    parser.add_argument(
        "--config", action="append", default=[], metavar="PATH", help="configuration of the server"
    )


def add_resume_option(parser: CommandParser) -> None:
    """Declare that a copy may have been begun."""
    parser.add_argument("--resume", action="store_true", help="go on with the same copy, which broke off")


def load_server_config(arguments: Namespace) -> "ServerConfig":
    """Return what the configuration files say."""
    from holdfast.server.config_file import load_config

    return load_config(arguments.config)


@contextmanager
def reading(name: str) -> Iterator[BinaryIO]:
    """Open a file to be read.

    Raises:
        LocalError: it cannot be.
    """
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise LocalError(f"{name}: cannot be read: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def progress(done: str) -> "Iterator[Progress]":
    """Return what says how many records are ``done``."""
    ticker = Ticker()
    try:
        yield lambda count, size: ticker.say(lambda: f"{count} records {done}, {size / MIB:.1f} MiB")
    finally:
        ticker.finish()
