"""What a namespace is, where the records lie that say which there are, and which names it can have.

    namespaces/path/<path>     the record
    namespaces/uuid/<uuid>     -> path
    namespaces/id/<id>         -> path
    namespaces/gone/<uuid>     -> path; marks one that was deleted, until everything in it is removed

Everything that a namespace holds lies below ``ns/<uuid>/``, in the same layout as that of the root namespace
has from the top, see ``layout``. Tokens of all namespaces lie side by side, and say by their names which
namespace they are of, see ``tokens.records``. The uuid is never used again.
"""

import msgspec

from holdfast.crypto.identifiers import new_short_id, new_uuid
from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.storage.interface import Reader, Transaction

GONE = "gone/"
MAX_PATH_BYTES = 512  # half of what a request path may have
RESERVED = frozenset({"root", "sys", "audit", "auth", "acs", "cubbyhole", "identity", "api-lock", ".", ".."})
_PAGE = 500


class Namespace(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One namespace. Fields are only ever appended: their order is the record format.

    Attributes:
        uuid: names what it holds; empty for the root namespace.
        id: six characters at the end of its tokens, by which these are told from others.
        path: from the root, with its trailing slash, such as ``team/db/``; empty for the root namespace.
        metadata: notes of those who administer it.
        lock: what the key is compared with that unlocks it; empty while it is not locked.
        is_tainted: whether it was deleted, and is about to vanish.
    """

    uuid: str
    id: str
    path: str
    metadata: dict[str, str] = {}
    lock: str = ""
    is_tainted: bool = False

    @property
    def home(self) -> str:
        """What is put before the place of everything that it holds."""
        return f"ns/{self.uuid}/" if self.uuid else ""

    @property
    def parent_path(self) -> str:
        """The path of the namespace that it is in."""
        above = self.path[:-1].rpartition("/")[0]
        return f"{above}/" if above else ""

    def is_at_or_below(self, other: "Namespace") -> bool:
        """Whether it is ``other``, or somewhere in it."""
        return self.path.startswith(other.path)


ROOT = Namespace("", "", "")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Namespace).decode


def new_namespace(view: Reader, parent: Namespace, name: str, metadata: dict[str, str]) -> Namespace:
    """Return a new namespace with an id that no other has.

    Raises:
        InvalidInputError: its path is too long.
    """
    path = f"{parent.path}{name}/"
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InvalidInputError(f"path: expected at most {MAX_PATH_BYTES} bytes with those above it")
    short = new_short_id()
    while view.get(f"id/{short}") is not None:
        short = new_short_id()
    return Namespace(new_uuid(), short, path, metadata)


def namespace_name(text: str) -> str:
    """Return the name of a namespace in its parent.

    Raises:
        InvalidInputError: it is none.
    """
    name = parse_path(text, field="namespace").text.rstrip("/")
    if "/" in name:
        raise InvalidInputError(
            "namespace: name must not contain /; name its parent as the request's namespace"
        )
    if not name or name in RESERVED:
        raise InvalidInputError(f"namespace: expected another name than {', '.join(sorted(RESERVED))}")
    if any(character.isspace() or character in "+*" for character in name):
        raise InvalidInputError("namespace: expected a name without blanks, + and *")
    return name


def load_at(view: Reader, path: str) -> Namespace | None:
    """Return the namespace at a path that ends in a slash, or ``None``; one that was deleted included."""
    record = view.get(f"path/{path[:-1]}") if path else None
    return None if record is None else _decode(record)


def load_by_uuid(view: Reader, uuid: str) -> Namespace | None:
    """Return the namespace with this uuid, or ``None``."""
    return _pointed_at(view, f"uuid/{uuid}")


def load_by_id(view: Reader, short: str) -> Namespace | None:
    """Return the namespace with this id, or ``None``."""
    return _pointed_at(view, f"id/{short}")


def has_any(view: Reader, path: str = "") -> bool:
    """Whether there is a namespace directly in that at ``path``."""
    return bool(view.list(f"path/{path}", limit=1))


def children(view: Reader, path: str, *, after: str = "", limit: int) -> list[Namespace]:
    """Return the namespaces directly in that at ``path``, by name, those that were deleted included."""
    found: list[Namespace] = []
    while len(found) < limit and (page := view.list(f"path/{path}", after=after, limit=_PAGE)):
        for name in page:
            # A namespace that has others in it is there twice: as a record, and as a directory.
            namespace = None if name.endswith("/") else load_at(view, f"{path}{name}/")
            if namespace is not None and len(found) < limit:
                found.append(namespace)
        after = page[-1]
    return found


def save_new(tx: Transaction, namespace: Namespace) -> None:
    """Store a namespace that was not there before."""
    path = namespace.path.encode()
    save(tx, namespace)
    tx.put(f"uuid/{namespace.uuid}", path)
    tx.put(f"id/{namespace.id}", path)


def save(tx: Transaction, namespace: Namespace) -> None:
    """Replace the record of a namespace."""
    tx.put(f"path/{namespace.path[:-1]}", _encode(namespace))


def mark_gone(tx: Transaction, namespace: Namespace) -> None:
    """Have what a namespace holds removed; nobody gets in from now on."""
    save(tx, msgspec.structs.replace(namespace, is_tainted=True))
    tx.put(GONE + namespace.uuid, namespace.path.encode())


def forget(tx: Transaction, namespace: Namespace) -> None:
    """Remove the records that say that there is this namespace."""
    tx.delete(f"path/{namespace.path[:-1]}")
    tx.delete(f"uuid/{namespace.uuid}")
    tx.delete(f"id/{namespace.id}")
    tx.delete(GONE + namespace.uuid)


def uuids(view: Reader, *, after: str = "", limit: int) -> list[str]:
    """Return the uuids of namespaces, sorted, from behind ``after`` on."""
    return view.list("uuid/", after=after, limit=limit)


def has_gone(view: Reader) -> bool:
    """Whether a namespace was deleted that still holds something."""
    return bool(view.list(GONE, limit=1))


def first_gone(view: Reader) -> Namespace | None:
    """Return a namespace that was deleted and still holds something, or ``None``."""
    gone = view.list(GONE, limit=1)
    return load_by_uuid(view, gone[0]) if gone else None


def _pointed_at(view: Reader, key: str) -> Namespace | None:
    path = view.get(key)
    return None if path is None else load_at(view, path.decode())
