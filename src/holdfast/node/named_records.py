"""Records of the node that people know by a name: each kind is a collection, each change one transaction."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.node.access.ownership_note import OwnershipNote, note_of
from holdfast.node.errors import PolicyExistsError
from holdfast.node.stored import read_all
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Storage, Transaction

MAX_NAME_CHARACTERS = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class NamedRecord(Protocol):
    """A struct of msgspec's with these fields."""

    @property
    def name(self) -> str:
        """Unique within the cluster."""
        ...

    @property
    def stored_ownership(self) -> OwnershipNote:
        """Whom it belongs to, as it is stored."""
        ...

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        ...


R = TypeVar("R", bound=NamedRecord)


class NamedRecords(Generic[R]):
    """The collection of one kind.

    Args:
        storage: where they are kept.
        kind: what errors and the audit log call one of them.
        prefix: below which they are stored, by name.
        encode: writes one as it is stored.
        decode: reads one, or raises ``InternalError``.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        kind: str,
        prefix: str,
        encode: Callable[[R], bytes],
        decode: Callable[[bytes], R],
    ) -> None:
        self.kind = kind
        self._storage = storage
        self._prefix = prefix
        self._encode = encode
        self._decode = decode

    def find(self, reference: str) -> R | None:
        """Return the record of this name, or ``None``."""
        stored = self._storage.get(self._prefix + reference)
        return None if stored is None else self._decode(stored)

    def enumerate(self) -> Iterator[R]:
        """Yield all records, by name."""
        for _, stored in read_all(self._storage, self._prefix):
            yield self._decode(stored)

    def insert(self, record: R) -> None:
        """Store a new record.

        Raises:
            PolicyExistsError: the name is taken.
        """

        def change(transaction: Transaction) -> None:
            if transaction.get(self._prefix + record.name) is not None:
                raise PolicyExistsError(f"name: another {self.kind} has it already")
            transaction.put(self._prefix + record.name, self._encode(record))

        self._storage.write(change)

    def update(self, name: str, edit: Callable[[R], R]) -> R:
        """Change a record; the name stays.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> R:
            edited = edit(self._get(transaction, name))
            transaction.put(self._prefix + name, self._encode(edited))
            return edited

        return self._storage.write(change)

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> R:
        """Change whom a record belongs to.

        Raises:
            NotFoundError: it is gone.
        """

        def change(now: Any) -> Any:
            return msgspec.structs.replace(now, stored_ownership=note_of(edit(now.ownership)))

        return self.update(identity, change)

    def _get(self, transaction: Transaction, name: str) -> R:
        stored = transaction.get(self._prefix + name)
        if stored is None:
            raise NotFoundError(f"the {self.kind} is gone")
        return self._decode(stored)


def check_name(name: str, *, missing: str) -> str:
    """Return ``name`` if a record may have it.

    Args:
        name: as somebody gave it.
        missing: what he is told if he gave none.

    Raises:
        InvalidInputError: none, other characters, or too long.
    """
    if not name:
        raise InvalidInputError(f"name: {missing}")
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"name: expected 1 to {MAX_NAME_CHARACTERS} letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit"
        )
    return name
