"""Roles, users and configurations of an auth mount: read, and changed by commands for the writer.

A change is made of what was read: should the record be another one by the time of the commit, nothing is
changed, and the caller is told to look again. Nothing here is kept in memory by readers, so that no change
makes them forget what they know.
"""

from typing import TypeVar

import msgspec

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError
from holdfast.model import parse_path
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.auth.mounts import AuthMount, load_auth_mounts
from holdfast.store.command import Command, Scope
from holdfast.store.layout import MOUNTS, auth_place
from holdfast.store.permit import Permit
from holdfast.store.request import Answer

MAX_LISTED = 100_000
_PAGE = 1000

T = TypeVar("T")


class AuthCommand(Command, frozen=True, kw_only=True):
    """A change below one auth mount.

    Attributes:
        mount: uuid of the mount; the change is refused if the mount is gone by then.
    """

    mount: str

    def view(self, scope: Scope) -> Transaction:
        """Return the mount's records, if the mount still exists."""
        if self.mount not in load_auth_mounts(scope.view(MOUNTS)).uuids:
            raise NotFoundError("no handler for route: the mount was removed")
        return scope.view(auth_place(AuthMount.prefix_of(self.mount)))


class SaveAuthRecord(AuthCommand, frozen=True, kw_only=True):
    """Store one record.

    Attributes:
        key: where, below the mount.
        value: the new record.
        before: the record that it was made of; ``None`` if there was none.
        permit: whether the caller may create it, or change it.
    """

    key: str
    value: bytes
    before: bytes | None
    permit: Permit

    def run(self, scope: Scope) -> Answer:
        """Store it, unless somebody else was faster."""
        view = self.view(scope)
        check_unchanged(view, self.key, self.before)
        self.permit.check(exists=self.before is not None)
        view.put(self.key, self.value)
        return Answer()


class RemoveAuthRecord(AuthCommand, frozen=True, kw_only=True):
    """Remove one record; an absent one is fine."""

    key: str

    def run(self, scope: Scope) -> Answer:
        """Remove it."""
        self.view(scope).delete(self.key)
        return Answer()


def check_unchanged(view: Reader, key: str, before: bytes | None) -> None:
    """Return if the record at ``key`` is still the one that a change was made of.

    Raises:
        ConflictError: it is not.
    """
    if view.get(key) != before:
        raise ConflictError(
            "somebody else changed this at the same moment: look again, then repeat the request"
        )


def fold_role(name: str, *, field: str = "name") -> str:
    """Return the form in which names of roles and users are stored and compared.

    Raises:
        InvalidInputError: not a name.
    """
    folded = parse_path(name, field=field).text.lower()
    if not folded or "/" in folded:
        raise InvalidInputError(f"{field}: expected a name without a slash")
    return folded


def list_names(view: Reader, prefix: str) -> list[str]:
    """Return the names of all records one level below ``prefix``."""
    names: list[str] = []
    after = ""
    while len(names) < MAX_LISTED and (page := view.list(prefix, after=after, limit=_PAGE)):
        names.extend(name for name in page if not name.endswith("/"))
        after = page[-1]
    return names


def encode_record(record: msgspec.Struct) -> bytes:
    """Return the stored form of a record."""
    return msgspec.msgpack.encode(record)


def decode_record(stored: bytes, kind: type[T]) -> T:
    """Return the record that ``encode_record`` wrote."""
    return msgspec.msgpack.decode(stored, type=kind)


def load_record(view: Reader, key: str, kind: type[T]) -> T | None:
    """Return the record at ``key``, or ``None``."""
    stored = view.get(key)
    return None if stored is None else decode_record(stored, kind)
