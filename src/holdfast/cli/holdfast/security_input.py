"""What the DC/OS commands take in and must not show: passwords, unseal keys, files with private keys.

A password is taken as it is, without the one newline that ends its line; blanks belong to it.
"""

import sys
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.output import warn
from holdfast.cli.typed_input import bytes_of_file, text_of_file, warn_of_inline
from holdfast.model import SecretBytes

_OPEN_TO_OTHERS = 0o077
_NAME = "password"


def add_password_options(parser: CommandParser) -> None:
    """Declare where a password comes from; without these it is piped in, or asked for without echo."""
    parser.add_argument("--password", "-p", help="the password itself; better asked for, piped or in a file")
    parser.add_argument("--password-file", metavar="FILE", help="file that holds it; - is standard input")


def password_of(arguments: Namespace, *, otherwise: str = "", confirm: bool = False) -> SecretBytes:
    """Return the password that was given in one of the ways there are.

    Args:
        arguments: parsed, with the options above.
        otherwise: what to use before anybody is asked; empty for nothing.
        confirm: whether who is asked has to type it twice.

    Raises:
        UsageError: it was given in two ways.
        LocalError: it is empty, or was not typed the same twice.
    """
    if arguments.password is not None and arguments.password_file is not None:
        raise UsageError("expected at most one of --password and --password-file")
    if arguments.password is not None:
        warn_of_inline("--password")
        text = arguments.password
    elif arguments.password_file is not None:
        text = _line(text_of_file(arguments.password_file, name="password file"))
    else:
        text = otherwise or (_asked(confirm=confirm) if sys.stdin.isatty() else _line(sys.stdin.readline()))
    if not text:
        raise LocalError(f"{_NAME}: expected one; type it at the prompt, pipe it in or name its file")
    return SecretBytes(text.encode("utf-8", "surrogateescape"))


def bytes_of_private_key(path: str) -> bytes:
    """Return the content of a file that holds a private key, with a warning if others can read it."""
    if path != "-" and Path(path).stat().st_mode & _OPEN_TO_OTHERS:
        warn(f"{path}: others can read this private key; repair with: chmod 600 {path}")
    return bytes_of_file(path, name="key file")


def _asked(*, confirm: bool) -> str:
    from getpass import getpass

    text = getpass("Password (will be hidden): ", stream=sys.stderr)
    if confirm and getpass("Once more: ", stream=sys.stderr) != text:
        raise LocalError(f"{_NAME}: expected the same one twice")
    return text


def _line(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
