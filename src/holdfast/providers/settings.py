"""A provider's settings: what the configuration says, then the environment, then Kubernetes, then nothing.

An entry of the configuration wins over the rest even when it is empty. Blanks around a value do not count.
"""

from collections.abc import Mapping
from pathlib import Path

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.model.duration import parse_duration

# The words that Go programs take for a truth value, as the original's settings are read.
GO_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
GO_FALSE = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})

MAX_FILE_BYTES = 1 << 20


class Settings:
    """Named texts from several places.

    Args:
        places: the places, the one that wins first. Within a place a name either is there or not.
    """

    def __init__(self, *places: Mapping[str, str]) -> None:
        self._places = places

    def __repr__(self) -> str:
        return "Settings(****)"

    def text(self, *names: str, default: str = "") -> str:
        """Return the first of the names that is set, without blanks around it; else ``default``."""
        for name in names:
            for place in self._places:
                if name in place:
                    return place[name].strip() or default
        return default

    def required(self, name: str, *, message: str = "") -> str:
        """Return a setting.

        Raises:
            InvalidInputError: it is missing or empty.
        """
        value = self.text(name)
        if not value:
            raise InvalidInputError(message or f"{name} not set")
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value in the words of Go; not set means no.

        Raises:
            InvalidInputError: another word.
        """
        word = self.text(name)
        if word not in GO_TRUE | GO_FALSE:
            raise InvalidInputError(f"{name} is invalid: expected true or false")
        return word in GO_TRUE

    def seconds(self, name: str, default: float) -> float:
        """Return a duration such as ``90s``.

        Raises:
            InvalidInputError: it is none.
        """
        word = self.text(name)
        return float(parse_duration(word, field=name)) if word else default

    def secret(self, name: str) -> SecretBytes | None:
        """Return a secret given as text, or as ``<name>_FILE``; ``None`` if it is given neither way.

        Raises:
            InvalidInputError: the file cannot be read or is empty, or the text is no printable ASCII word.
        """
        word = self.text(name)
        if not word and (path := self.text(f"{name}_FILE")):
            return secret_word_of_file(path, field=f"{name}_FILE")
        return secret_word(word, field=name) if word else None


def secret_word(word: str, *, field: str) -> SecretBytes:
    """Return a token or the like, which goes into a header or a JSON text.

    Raises:
        InvalidInputError: it is no printable ASCII without blanks.
    """
    if not (word.isascii() and word.isprintable()) or " " in word:
        raise InvalidInputError(f"{field}: expected printable ASCII without blanks")
    return SecretBytes(word.encode())


def secret_word_of_file(path: str, *, field: str) -> SecretBytes:
    """Return what a file holds, without blanks around it.

    Raises:
        InvalidInputError: it cannot be read, is empty, or holds something else than one word.
    """
    try:
        with Path(path).open("rb") as file:
            word = file.read(MAX_FILE_BYTES).strip().decode()
    except (OSError, UnicodeDecodeError):
        word = ""
    if not word:
        raise InvalidInputError(f"{field}: expected a readable file with one word in it")
    return secret_word(word, field=field)
