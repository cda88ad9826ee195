"""Every key of a storage, one after the other."""

from collections.abc import Iterator

from holdfast.storage.interface import Reader

_PAGE = 1000


def walk(reader: Reader, prefix: str = "") -> Iterator[str]:
    """Yield every key below ``prefix``, in the order in which levels are listed.

    Args:
        reader: best a snapshot; else keys that come and go meanwhile may be there or not.
        prefix: empty, or a key ending in ``/``.
    """
    after = ""
    while names := reader.list(prefix, after=after, limit=_PAGE):
        for name in names:
            if name.endswith("/"):
                yield from walk(reader, prefix + name)
            else:
                yield prefix + name
        after = names[-1]
