"""A secret that a command takes: from a file, a variable, a pipe or a prompt; or where others can see it."""

import os
import sys
from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl.signing import read_key_file
from holdfast.cli.typed_input import secret_word, warn_of_inline
from holdfast.model import SecretBytes


def add_secret_options(parser: CommandParser, option: str, *, what: str, in_file_only: bool = False) -> None:
    """Declare the ways to give one secret.

    Args:
        parser: of the command.
        option: such as ``--s3-secret-key``.
        what: what it is, for the help.
        in_file_only: it is too long to be typed.
    """
    if not in_file_only:
        parser.add_argument(option, metavar="TEXT", help=f"{what}, which others can see here; - reads it")
        parser.add_argument(f"{option}-env", metavar="NAME", help=f"{what} in this environment variable")
    parser.add_argument(f"{option}-file", metavar="FILE", help=f"{what} in this file")


def given_secret(arguments: Namespace, option: str, *, prompt: str = "") -> str | None:
    """Return a secret, whichever way it is given.

    Args:
        arguments: of the command.
        option: as it was declared.
        prompt: what to ask for where none is named; empty for a secret that may be left out.

    Raises:
        UsageError: it is given in more than one way.
        LocalError: it cannot be read, or is empty: nothing is encrypted by a passphrase that was not there.
    """
    secret = _given(arguments, option, prompt)
    if secret is not None and not secret.strip():
        raise LocalError(f"{option}: expected one that is not empty")
    return secret


def _given(arguments: Namespace, option: str, prompt: str) -> str | None:
    destination = option.lstrip("-").replace("-", "_")
    typed = getattr(arguments, destination, None)
    variable = getattr(arguments, f"{destination}_env", None)
    file = getattr(arguments, f"{destination}_file", None)
    if sum(way is not None for way in (typed, variable, file)) > 1:
        raise UsageError(f"{option}: expected it in one way: {option}, {option}-env or {option}-file")
    if file is not None:
        return _text(SecretBytes(read_key_file(file, f"{option}-file").strip(b"\r\n")), f"{option}-file")
    if variable is not None:
        if not os.environ.get(variable):
            raise LocalError(f"{option}-env: that variable is not set, or not exported to this program")
        return os.environ[variable]
    if typed == "-" and sys.stdin.isatty():
        wanted = prompt or option.lstrip("-")
        return _text(secret_word(typed, prompt=wanted, name=option, with_blanks=True), option)
    if typed == "-":
        return sys.stdin.readline().strip("\r\n")
    if typed is not None:
        warn_of_inline(option)
        return str(typed)
    return _text(secret_word(None, prompt=prompt, name=option), option) if prompt else None


def _text(secret: SecretBytes, name: str) -> str:
    try:
        return secret.reveal().decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{name}: expected UTF-8 text") from None
