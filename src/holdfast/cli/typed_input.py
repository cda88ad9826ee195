"""Values that a person hands to a command: typed at a hidden prompt, piped in, in a file, or on the line.

A value on the command line is visible to every user of the machine while the command runs and stays
in the shell's history, so it is accepted with a warning. Values from a pipe or a file are taken
exactly, including a last newline; keys and tokens lose the blanks around them.
"""

import sys
from pathlib import Path

from holdfast.cli.errors import LocalError
from holdfast.cli.output import warn
from holdfast.model import SecretBytes

MAX_INPUT_BYTES = 32 * 1024 * 1024


def secret_word(
    given: str | None, *, prompt: str, name: str, ask: bool = True, with_blanks: bool = False
) -> SecretBytes:
    """Return a key or token: as given on the line, else from a pipe, else asked for without echo.

    Args:
        given: the word on the command line; ``-`` means standard input, which has no echo on a terminal.
        prompt: what to ask on a terminal.
        name: for messages, such as ``unseal key``.
        ask: whether somebody may be asked.
        with_blanks: whether blanks around it are a part of it, as they may be of a passphrase.

    Raises:
        LocalError: nothing was given.
    """
    if given and given != "-":
        warn_of_inline(name)
        text = given
    elif not sys.stdin.isatty():
        text = _piped_line(name)
    elif not ask and given != "-":
        raise LocalError(f"{name}: expected one from a pipe, because -non-interactive was given")
    else:
        from getpass import getpass

        text = getpass(f"{prompt} (will be hidden): ", stream=sys.stderr)
    if not text.strip():
        raise LocalError(f"{name}: expected one; type it at the prompt or pipe it in")
    try:
        return SecretBytes(text.strip("\r\n" if with_blanks else None).encode())
    except UnicodeEncodeError:
        raise LocalError(f"{name}: expected UTF-8 text") from None


def _piped_line(name: str) -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise LocalError(f"{name}: expected UTF-8 text") from None


def text_of_file(path: str, *, name: str) -> str:
    """Return the text of a file, of standard input for ``-``.

    Raises:
        LocalError: not UTF-8, or too long.
    """
    try:
        return bytes_of_file(path, name=name).decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{name}: expected UTF-8 text; encode binary content as base64 first") from None


def bytes_of_file(path: str, *, name: str) -> bytes:
    """Return the content of a file, of standard input for ``-``.

    Raises:
        LocalError: too long.
    """
    if path == "-":
        content = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    else:
        with Path(path).open("rb") as file:
            content = file.read(MAX_INPUT_BYTES + 1)
    if len(content) > MAX_INPUT_BYTES:
        raise LocalError(f"{name}: expected at most {MAX_INPUT_BYTES} bytes")
    return content


def warn_of_inline(name: str, *, instead: str = "") -> None:
    """Warn that a value was typed where others can see it, and say what keeps it from them."""
    rest = f"; {instead}" if instead else ""
    warn(f"{name}: a value on the command line is visible to others and stays in the shell's history{rest}.")
