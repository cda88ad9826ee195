"""Bytes that must not be seen: masked in every text form, never pickled, wiped when let go.

Wiping is best effort. The buffer kept here is overwritten; a copy that a caller made of it, as bytes
or text, cannot be. Keep secrets in this form until the call that needs the plain bytes.
"""

from contextlib import suppress
from types import TracebackType
from typing import NoReturn, Self


class SecretBytes:
    """A wiped-after-use buffer of secret bytes.

    Use as a context manager where the secret's life ends with a block.

    Args:
        value: the bytes to hold; a ``bytearray`` passed in is copied, not adopted.
    """

    __slots__ = ("_buffer",)

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        self._buffer = bytearray(value)

    def reveal(self) -> bytes:
        """Return a plain copy, for the call that needs it. The copy cannot be wiped."""
        return bytes(self._buffer)

    def view(self) -> memoryview:
        """Return a view of the buffer itself, for calls that accept one."""
        return memoryview(self._buffer)

    def wipe(self) -> None:
        """Overwrite the buffer with zeros and empty it. Safe to call twice."""
        self._buffer[:] = bytes(len(self._buffer))
        # A view that somebody still has, such as the traceback of the error that led here, keeps the
        # buffer from being emptied. What it shows is zeros.
        with suppress(BufferError):
            self._buffer.clear()

    def __len__(self) -> int:
        return len(self._buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "SecretBytes(****)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("secret bytes are never pickled")
