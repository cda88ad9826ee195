"""The operator's log: one line a record, so that no text from outside can look like a record of its own.

Names of roles in a token, what a provider's server answers: much in a log was chosen by somebody else.
"""

import logging
import sys


class OneLine(logging.Formatter):
    """Writes characters that cannot be seen, the ends of lines among them, as escapes."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the Formatter's shape
        """Return the line; a traceback, if there is one, follows it."""
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(_visible, line))


def log_to_stderr(words: str, *, level: int = logging.INFO) -> None:
    """Send everything to standard error from now on.

    Args:
        words: what is in a line, as ``logging`` takes it.
        level: what is left out below.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(words))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
