"""Storage policies in the node's storage.

storage-policies/<name>     PolicyRecord
default-storage-policy      the name of the one that counts for volumes that name none
"""

from collections.abc import Callable, Iterator

import msgspec

from holdfast.errors import NotFoundError
from holdfast.node.access.ownership_note import note_of
from holdfast.node.errors import PolicyExistsError
from holdfast.node.policies.policy_records import (
    PolicyRecord,
    check_policy_name,
    decode_policy,
    encode_policy,
)
from holdfast.node.stored import read_all
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

RECORDS = "storage-policies/"
DEFAULT = "default-storage-policy"


class PolicyCatalog:
    """The collection of storage policies; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    kind = "storage policy"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it may name a policy, or raise."""
        return check_policy_name(reference)

    def find(self, reference: str) -> PolicyRecord | None:
        """Return the policy of this name, or ``None``."""
        stored = self._storage.get(RECORDS + reference)
        return None if stored is None else decode_policy(stored)

    def enumerate(self) -> Iterator[PolicyRecord]:
        """Yield all policies, by name."""
        for _, stored in read_all(self._storage, RECORDS):
            yield decode_policy(stored)

    def default(self) -> PolicyRecord | None:
        """Return the policy that counts for volumes that name none, if there is one."""

        def read(reader: Reader) -> bytes | None:
            name = reader.get(DEFAULT)
            return None if name is None else reader.get(RECORDS + name.decode())

        stored = read_one_state(self._storage, read)
        return None if stored is None else decode_policy(stored)

    def insert(self, record: PolicyRecord) -> None:
        """Store a new policy.

        Raises:
            PolicyExistsError: the name is taken.
        """

        def change(transaction: Transaction) -> None:
            if transaction.get(RECORDS + record.name) is not None:
                raise PolicyExistsError("name: another storage policy has it already")
            transaction.put(RECORDS + record.name, encode_policy(record))

        self._storage.write(change)

    def update(self, name: str, edit: Callable[[PolicyRecord], PolicyRecord]) -> PolicyRecord:
        """Change a policy; the name stays.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> PolicyRecord:
            edited = edit(_get(transaction, name))
            transaction.put(RECORDS + name, encode_policy(edited))
            return edited

        return self._storage.write(change)

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> PolicyRecord:
        """Change whom a policy belongs to.

        Raises:
            NotFoundError: it is gone.
        """
        return self.update(
            identity,
            lambda now: msgspec.structs.replace(now, stored_ownership=note_of(edit(now.ownership))),
        )

    def remove(self, name: str, *, check_default: Callable[[], None]) -> bool:
        """Forget a policy; if it is the default, there is none from then on.

        Args:
            name: of the policy.
            check_default: raises if the default policy is not to be removed.

        Returns:
            Whether it was the default.

        Raises:
            NotFoundError: somebody else was faster.
        """

        def change(transaction: Transaction) -> bool:
            _get(transaction, name)
            is_default = transaction.get(DEFAULT) == name.encode()
            if is_default:
                check_default()
                transaction.delete(DEFAULT)
            transaction.delete(RECORDS + name)
            return is_default

        return self._storage.write(change)

    def set_default(self, name: str | None) -> None:
        """Let a policy count for volumes that name none; ``None`` for none.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> None:
            if name is None:
                transaction.delete(DEFAULT)
            else:
                _get(transaction, name)
                transaction.put(DEFAULT, name.encode())

        self._storage.write(change)


def _get(transaction: Transaction, name: str) -> PolicyRecord:
    stored = transaction.get(RECORDS + name)
    if stored is None:
        raise NotFoundError("the storage policy is gone")
    return decode_policy(stored)
