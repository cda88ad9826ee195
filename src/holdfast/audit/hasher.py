"""Values made comparable but unreadable: ``hmac-sha256:`` and HMAC-SHA256 under a device's salt.

Data comes as JSON text, the form that every request and answer has anyway. A secret in bytes is
base64 text by then, so there is no second kind of value that could be forgotten.

``ClearValues`` stands in for it on a device that was told to show everything.
"""

from collections.abc import Container
from typing import Any, Protocol

import msgspec

from holdfast.crypto.mac import PreparedHmac

PREFIX = "hmac-sha256:"


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


# Numbers stay in clear; fractions keep their digits rather than pass through a double.
_decode = msgspec.json.Decoder(float_hook=_as_written).decode
_encode = msgspec.json.Encoder().encode


NOTHING: frozenset[str] = frozenset()


class Shower(Protocol):
    """How a device shows values."""

    def text(self, value: str) -> str:
        """Return what stands for a token, an accessor or another text of its own."""
        ...

    def json(self, document: bytes, clear: Container[str] = NOTHING) -> bytes:
        """Return what stands for a JSON document, without a line feed in it.

        Args:
            document: JSON text.
            clear: names of members of it whose values are shown as they are.
        """
        ...


class ClearValues:
    """Shows everything as it is."""

    __slots__ = ()

    def text(self, value: str) -> str:
        """Return ``value``."""
        return value

    def json(self, document: bytes, clear: Container[str] = NOTHING) -> bytes:  # noqa: ARG002
        """Return the document written anew: what a client sent may hold line feeds."""
        return _encode(_decode(document))


class ValueHasher:
    """Hashes texts with one device's salt.

    Args:
        salt: the device's own random key; kept by the store under its barrier.
    """

    __slots__ = ("_hash_of_empty", "_hexdigest")

    def __init__(self, salt: bytes) -> None:
        self._hexdigest = PreparedHmac(salt).hexdigest
        self._hash_of_empty = PREFIX + self._hexdigest(b"")

    def text(self, value: str) -> str:
        """Return the hash that stands for ``value`` in this device's lines."""
        return PREFIX + self._hexdigest(value.encode()) if value else self._hash_of_empty

    def json(self, document: bytes, clear: Container[str] = NOTHING) -> bytes:
        """Return a JSON document with every text value hashed; names and numbers stay.

        Args:
            document: JSON text.
            clear: names of members of it whose values are shown as they are.
        """
        value = _decode(document)
        if clear is NOTHING or type(value) is not dict:
            return _encode(self._hashed(value))
        shown = {name: member for name, member in value.items() if name in clear}
        return _encode({**value, **self._hashed({n: m for n, m in value.items() if n not in clear}), **shown})

    def _hashed(self, value: Any) -> Any:
        # The containers were decoded here a moment ago, so they are changed in place. The loop over
        # members hashes texts itself: a call for each would double the time of an ordinary secret.
        kind = type(value)
        if kind is dict:
            hexdigest = self._hexdigest
            for name, member in value.items():
                if type(member) is str:
                    value[name] = PREFIX + hexdigest(member.encode()) if member else self._hash_of_empty
                elif type(member) is dict or type(member) is list:
                    self._hashed(member)
        elif kind is list:
            for index, element in enumerate(value):
                value[index] = self._hashed(element)
        elif kind is str:
            return self.text(value)
        return value
