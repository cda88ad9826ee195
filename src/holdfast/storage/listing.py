"""One level of a sorted map of keys: the walk that every engine shares.

The walk seeks past what it need not see: after a key inside a sub-directory it continues behind that
whole directory, so that a level costs one seek a name, however much lies below.
"""

from collections.abc import Callable

from holdfast.storage.interface import MAX_KEY_BYTES
from holdfast.storage.keys import encode_name, encode_prefix

Seek = Callable[[bytes], bytes | None]
"""Return the first key that is equal to or sorts after the argument, or ``None``."""

_AFTER_SLASH = bytes([ord("/") + 1])


def names_below(seek: Seek, prefix: str, *, after: str, limit: int) -> list[str]:
    """Return the names one level below ``prefix``, as ``interface.Reader.list`` promises.

    Names come out sorted because a directory's name with its slash sorts where its keys sort.

    Raises:
        InvalidKeyError: ``prefix`` does not end in a slash, or one of the texts is not UTF-8.
    """
    level = encode_prefix(prefix)
    depth = len(level)
    position = level + _behind(encode_name(after)) if after else level
    names: list[str] = []
    while len(names) < limit:
        # Cutting is safe: what is longer than every key sorts the same one byte behind the longest key.
        key = seek(position[: MAX_KEY_BYTES + 1])
        if key is None or not key.startswith(level):
            break
        slash = key.find(b"/", depth)
        name = key[depth:] if slash < 0 else key[depth : slash + 1]
        names.append(name.decode())
        position = level + _behind(name)
    return names


def _behind(name: bytes) -> bytes:
    """Return where the level goes on after ``name``: behind the key, or behind the whole directory."""
    return name[:-1] + _AFTER_SLASH if name.endswith(b"/") else name + b"\0"
