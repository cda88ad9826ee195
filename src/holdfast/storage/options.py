"""Options of a storage stanza as the types that they have to be; an error names the stanza and the option."""

from collections.abc import Mapping
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.model import parse_duration

LONGEST_SECONDS = 300.0


class OptionReader:
    """Reads the options of one kind of stanza.

    Args:
        kind: as in ``storage "<kind>" {}``.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def refuse(self, text: str) -> InvalidInputError:
        """Return the error to raise; ``text`` names the option and never its value."""
        return InvalidInputError(f'storage "{self._kind}": {text}')

    def flag(self, options: Mapping[str, Any], name: str, *, default: bool) -> bool:
        """Return a switch.

        Raises:
            InvalidInputError: it is neither on nor off.
        """
        value = options.get(name, default)
        if value in (True, "true"):
            return True
        if value in (False, "false"):
            return False
        raise self.refuse(f"{name}: expected true or false")

    def seconds(self, options: Mapping[str, Any], name: str, default: float) -> float:
        """Return a duration in seconds.

        Raises:
            InvalidInputError: it is none, or shorter than a second, or longer than ``LONGEST_SECONDS``.
        """
        if name not in options:
            return default
        value = options[name]
        seconds = parse_duration(value, field=name) if isinstance(value, str | int | float) else 0
        if not 1 <= seconds <= LONGEST_SECONDS:
            raise self.refuse(f"{name}: expected a duration from 1s to {LONGEST_SECONDS:.0f}s")
        return float(seconds)
