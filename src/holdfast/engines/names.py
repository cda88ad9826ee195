r"""Where a KV mount keeps its secrets, and how their names are listed.

    s/<path>                      the secret at <path>; for kv2 with its current version
    s/<path>\x01/<number>          an older version of it (kv2 only)
    config                        settings of the mount (kv2 only)

Older versions sort directly behind their secret, so that a write touches neighbouring keys. A name
has no control characters (``holdfast.model.path`` refuses them), hence no name can reach into
another secret's versions. To a listing they look like one directory, ``<name>\\x01/``, which is
left out here and which a storage engine skips without visiting what is in it.
"""

from collections.abc import Iterator

from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader

SECRETS = "s/"
_OLDER_VERSIONS = "\x01/"
_PAGE = 256


def secret_key(path: str) -> str:
    """Return the storage key of the secret at ``path``.

    Args:
        path: canonical path text relative to the mount, without slash at either end.

    Raises:
        InvalidInputError: the path is empty, names a directory, or holds the reserved character.
    """
    if not path or path[-1] == "/" or "\x01" in path:
        raise InvalidInputError("path: expected the name of a secret, not of a directory")
    return SECRETS + path


def older_version_key(path: str, number: int) -> str:
    """Return the storage key of a version of the secret at ``path`` that is no longer current."""
    return f"{secret_key(path)}{_OLDER_VERSIONS}{number}"


def list_names(reader: Reader, directory: str, *, after: str = "", limit: int = 1000) -> list[str]:
    """Return the names one level below ``directory``, sorted by their UTF-8 bytes.

    Args:
        reader: the mount.
        directory: empty for the mount itself, or path text ending in a slash.
        after: only names that sort after this one; the last name of the page before.
        limit: at most this many names.

    Returns:
        Names of secrets; a directory's name ends in a slash.

    Raises:
        InvalidInputError: ``directory`` is not one, or ``limit`` is below 1.
    """
    if limit < 1:
        raise InvalidInputError("limit: expected at least 1")
    prefix = _directory_key(directory)
    names: list[str] = []
    while len(names) < limit:
        wanted = limit - len(names)
        page = reader.list(prefix, after=after, limit=wanted)
        names.extend(name for name in page if not name.endswith(_OLDER_VERSIONS))
        if len(page) < wanted:
            break
        after = page[-1]
    return names


def walk(reader: Reader, directory: str, *, after: str = "") -> Iterator[str]:
    """Yield the path of every secret below ``directory``, relative to it, sorted by UTF-8 bytes.

    Args:
        reader: the mount.
        directory: empty for the mount itself, or path text ending in a slash.
        after: only paths that sort after this one; for resuming.
    """
    first, below, rest = after.partition("/")
    if below:
        yield from _walk_into(reader, directory, first + "/", after=rest)
        after = first + "/"
    while True:
        page = list_names(reader, directory, after=after, limit=_PAGE)
        for name in page:
            if name.endswith("/"):
                yield from _walk_into(reader, directory, name, after="")
            else:
                yield name
        if len(page) < _PAGE:
            return
        after = page[-1]


def _walk_into(reader: Reader, directory: str, name: str, *, after: str) -> Iterator[str]:
    for path in walk(reader, directory + name, after=after):
        yield name + path


def _directory_key(directory: str) -> str:
    if (directory and directory[-1] != "/") or "\x01" in directory:
        raise InvalidInputError("path: expected a directory ending in a slash")
    return SECRETS + directory
