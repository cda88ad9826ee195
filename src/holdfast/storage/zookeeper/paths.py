"""Where a key lives in the tree of znodes, and back.

    key                     znode below the root
    team/db                 /data/+team/=db
    team/db/user            /data/+team/+db/=user

A segment that holds a value starts with ``=``, one that holds further segments with ``+``, so a key can
be a value and a parent at once, one reading of a directory's children tells which is which, and no name is
one that ZooKeeper keeps for itself (``.``, ``..``). Whatever a znode's name cannot hold is percent-encoded.
"""

from urllib.parse import quote, unquote

from holdfast.storage.keys import encode_key, encode_prefix

VALUE = "="
DIRECTORY = "+"

_READABLE = "!$&'()*,;:@ "  # beside letters, digits and "_.-~", which are never encoded


def value_path(root: str, key: str) -> str:
    """Return the znode that holds the value at ``key``.

    Raises:
        InvalidKeyError: no such key can exist.
    """
    encode_key(key)
    *parents, name = key.split("/")
    return directory_path(root, "".join(f"{parent}/" for parent in parents)) + f"/{VALUE}{_quoted(name)}"


def directory_path(root: str, prefix: str) -> str:
    """Return the znode below which everything under ``prefix`` lies.

    Args:
        root: the znode of the empty prefix.
        prefix: empty, or ending in a slash.

    Raises:
        InvalidKeyError: no key can start like this.
    """
    encode_prefix(prefix)
    return root + "".join(f"/{DIRECTORY}{_quoted(segment)}" for segment in prefix.split("/")[:-1])


def name_of(znode: str) -> str:
    """Return the listed name that a child of a directory's znode stands for."""
    name = unquote(znode[1:], errors="strict")
    return name + "/" if znode[0] == DIRECTORY else name


def parent_of(prefix_or_key: str) -> str:
    """Return the prefix of the directory in which a key or a directory lies; that of a top one is empty."""
    head, slash, _ = prefix_or_key.removesuffix("/").rpartition("/")
    return head + slash


def _quoted(segment: str) -> str:
    return quote(segment, safe=_READABLE)


def entry_name(revision: int) -> str:
    """Return the name of the znode of an entry in the log of commits; names sort like numbers."""
    return f"{revision:019d}"
