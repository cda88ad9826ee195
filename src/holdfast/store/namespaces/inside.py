"""How a request finds the namespace that it is for, and what a process keeps of namespaces.

A request names a namespace in a header, at the beginning of its path, or the first part of it here and the
rest there. What the header says has to be there; of the path, the longest part that names a namespace counts.

Nothing is read before it is asked for. What was read is kept until something shared changes, and so many
namespaces at most are kept open, however many there are.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from holdfast.errors import NotFoundError, UnavailableError
from holdfast.storage.interface import Reader
from holdfast.store.namespaces import records
from holdfast.store.namespaces.records import ROOT, Namespace

NOT_FOUND = "namespace not found"
UNLOCK = "sys/namespaces/api-lock/unlock"
MAX_OPEN = 256
MAX_KNOWN = 16_384

_ABOUT_ANY = frozenset({"sys", "auth"})
_TOKEN_KINDS = ("hvs.", "hvb.")
_ID_LENGTH = 6


class Refreshed(Protocol):
    """What is opened for a namespace."""

    def refresh(self) -> None:
        """Drop what is out of date."""
        ...


T = TypeVar("T", bound=Refreshed)


class Inside(Generic[T]):
    """The namespaces of an open store.

    Args:
        root: what is open for the root namespace.
        view: reads the records of namespaces.
        open_namespace: opens another.

    Attributes:
        has_any: whether there is any namespace but the root.
    """

    def __init__(self, root: T, view: Callable[[], Reader], open_namespace: Callable[[Namespace], T]) -> None:
        self._root = root
        self._view = view
        self._open_namespace = open_namespace
        self._known: dict[str, Namespace | None] = {}
        self._paths: dict[str, str] = {}
        self._concerned: dict[str, bool] = {}
        self._open: OrderedDict[str, T] = OrderedDict()
        self.has_any = False

    def forget(self) -> None:
        """Drop what is known, because something shared has changed."""
        self._known.clear()
        self._paths.clear()
        self._concerned.clear()
        self.has_any = records.has_any(self._view())
        if not self.has_any:
            self._open.clear()

    def concerns(self, path: str) -> bool:
        """Whether a request without a header could be for another namespace, or about one: a quick look."""
        if not self.has_any:
            return False
        name = path.partition("/")[0]
        known = self._concerned.get(name)
        if known is None:
            if len(self._concerned) >= MAX_KNOWN:
                self._concerned.clear()
            known = self._concerned[name] = name in _ABOUT_ANY or self.find(f"{name}/") is not None
        return known

    def find(self, path: str) -> Namespace | None:
        """Return the namespace at a path that ends in a slash; ``None`` for none, or one that was deleted."""
        if path not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            found = records.load_at(self._view(), path)
            if found is not None:
                # Notes may be long, and nobody asks for them here.
                found = None if found.is_tainted else msgspec.structs.replace(found, metadata={})
            self._known[path] = found
        return self._known[path]

    def at(self, path: str) -> T:
        """Return what is open for the namespace at ``path``.

        Raises:
            NotFoundError: there is none.
        """
        if not path:
            return self._root
        namespace = self.find(path)
        if namespace is None:
            raise NotFoundError(NOT_FOUND)
        opened = self._open.get(namespace.uuid)
        if opened is None:
            opened = self._open[namespace.uuid] = self._open_namespace(namespace)
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(namespace.uuid)
            opened.refresh()
        return opened

    def enter(self, asked: str, path: str) -> tuple[T, str]:
        """Return what is open for the namespace of a request, and the path as it is seen from there.

        Args:
            asked: the namespace that is named beside the path, with a trailing slash; may be empty.
            path: of the request.

        Raises:
            NotFoundError: there is no namespace ``asked``.
            UnavailableError: it is locked, or one that it is in.
        """
        here, locked = ROOT, ROOT
        for name in asked.split("/")[:-1]:
            below = self.find(f"{here.path}{name}/")
            if below is None:
                raise NotFoundError(NOT_FOUND)
            here, locked = below, below if below.lock and not locked.lock else locked
        while self.has_any:
            name, slash, rest = path.partition("/")
            below = self.find(f"{here.path}{name}/") if slash and name not in records.RESERVED else None
            if below is None:
                break
            here, path = below, rest
            locked = below if below.lock and not locked.lock else locked
        if locked.lock and not (locked is here and path == UNLOCK):
            raise UnavailableError(
                "API access to this namespace has been locked by an administrator - "
                f'"{locked.path}" must be unlocked to gain access.'
            )
        return self.at(here.path), path

    def home_of(self, token: str) -> T | None:
        """Return what is open for the namespace that a token says it is of; ``None`` if there is none."""
        short = _namespace_id(token)
        if not short:
            return self._root
        if short not in self._paths:
            if len(self._paths) >= MAX_KNOWN:
                self._paths.clear()
            found = records.load_by_id(self._view(), short)
            self._paths[short] = "" if found is None else found.path
        path = self._paths[short]
        return self.at(path) if path and self.find(path) is not None else None


def _namespace_id(token: str) -> str:
    if not token.startswith(_TOKEN_KINDS):
        return ""
    short = token[len(_TOKEN_KINDS[0]) :].rpartition(".")[2] if token.count(".") > 1 else ""
    return short if len(short) == _ID_LENGTH and short.isascii() and short.isalnum() else ""
