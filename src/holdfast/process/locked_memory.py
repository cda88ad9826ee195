"""Memory of its own for one secret: never in swap, in no core dump, in no child, and zeros when it is let go.

Each piece is a page by itself, so that unlocking it cannot unlock another's.
"""

import ctypes
import mmap
import os

from holdfast.errors import UnavailableError

_MADV_DONTFORK = 10
_MADV_DONTDUMP = 16

_libc = ctypes.CDLL(None, use_errno=True)
for _call in (_libc.mlock, _libc.munlock):
    _call.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class LockedBytes:
    """A copy of a secret in locked memory.

    Args:
        value: the secret; at least one byte.

    Raises:
        UnavailableError: the system does not lock any more memory for us.
    """

    __slots__ = ("_length", "_memory")

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        self._length = len(value)
        self._memory: mmap.mmap | None = mmap.mmap(-1, self._length, flags=mmap.MAP_PRIVATE)
        if _on(self._memory, _libc.mlock) != 0:
            code = ctypes.get_errno()
            self._memory.close()
            self._memory = None
            raise UnavailableError(f"no memory can be locked ({os.strerror(code)}); raise the limit memlock")
        self._memory.madvise(_MADV_DONTDUMP)
        self._memory.madvise(_MADV_DONTFORK)
        self._memory[:] = bytes(value) if not isinstance(value, bytes) else value

    def copy(self) -> bytearray:
        """Return a copy; empty once the secret was wiped."""
        return bytearray(self._memory) if self._memory is not None else bytearray()

    def wipe(self) -> None:
        """Overwrite and let go. Safe to call twice."""
        memory, self._memory = self._memory, None
        if memory is not None:
            memory[:] = bytes(self._length)
            _on(memory, _libc.munlock)
            memory.close()

    def __len__(self) -> int:
        return self._length if self._memory is not None else 0

    def __repr__(self) -> str:
        return "LockedBytes(****)"

    def __del__(self) -> None:
        self.wipe()


def _on(memory: mmap.mmap, call: "ctypes._NamedFuncPointer") -> int:
    anchor = ctypes.c_char.from_buffer(memory)
    try:
        return int(call(ctypes.addressof(anchor), len(memory)))
    finally:
        del anchor  # or the memory could not be closed
