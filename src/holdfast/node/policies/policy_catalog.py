"""Storage policies in the node's storage.

storage-policies/<name>     PolicyRecord
default-storage-policy      the name of the one that counts for volumes that name none
"""

from collections.abc import Callable

from holdfast.node.named_records import NamedRecords
from holdfast.node.policies.policy_records import (
    PolicyRecord,
    check_policy_name,
    decode_policy,
    encode_policy,
)
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

RECORDS = "storage-policies/"
DEFAULT = "default-storage-policy"


class PolicyCatalog(NamedRecords[PolicyRecord]):
    """The collection of storage policies; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        super().__init__(
            storage, kind="storage policy", prefix=RECORDS, encode=encode_policy, decode=decode_policy
        )

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it may name a policy, or raise."""
        return check_policy_name(reference)

    def default(self) -> PolicyRecord | None:
        """Return the policy that counts for volumes that name none, if there is one."""

        def read(reader: Reader) -> bytes | None:
            name = reader.get(DEFAULT)
            return None if name is None else reader.get(RECORDS + name.decode())

        stored = read_one_state(self._storage, read)
        return None if stored is None else decode_policy(stored)

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
            self._get(transaction, name)
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
                self._get(transaction, name)
                transaction.put(DEFAULT, name.encode())

        self._storage.write(change)
