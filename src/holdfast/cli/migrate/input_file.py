"""A whole document from a file or from standard input, up to a size."""

import sys
from pathlib import Path

from holdfast.cli.errors import LocalError, UsageError


def read_document(path: str, *, name: str, max_bytes: int) -> bytes:
    """Return what a file holds; ``-`` is standard input.

    Raises:
        LocalError: it is longer than ``max_bytes``.
        UsageError: standard input is a terminal.
        OSError: the file cannot be read.
    """
    if path == "-":
        if sys.stdin.isatty():
            raise UsageError(f"{name}: expected it on standard input, from a pipe or a file")
        content = sys.stdin.buffer.read(max_bytes + 1)
    else:
        with Path(path).open("rb") as file:
            content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise LocalError(f"{name}: expected at most {max_bytes} bytes")
    return content
