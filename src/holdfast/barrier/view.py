"""Views: the barrier confined to one prefix and one kind of record.

A view offers the ``Reader`` or ``Transaction`` of ``storage.interface`` over plaintext. Its keys are
relative to its prefix, and nothing outside the prefix can be named through it. Names are not
encrypted: what a view lists is what storage lists.
"""

from holdfast.barrier.keyring import Keyring
from holdfast.barrier.record import RecordKind
from holdfast.errors import InternalError
from holdfast.storage.interface import Reader, Transaction


class BarrierReader:
    """Reads the plaintext of the records below a prefix.

    Args:
        reader: the storage underneath.
        keyring: opens the records.
        prefix: ends in a slash.
        kind: what every record below the prefix is.
    """

    __slots__ = ("_keyring", "_kind", "_prefix", "_reader")

    def __init__(self, reader: Reader, keyring: Keyring, prefix: str, kind: RecordKind) -> None:
        if not prefix.endswith("/"):
            # "logical/a" would reach into "logical/ab".
            raise InternalError("a view is out of bounds", detail="barrier view with an open-ended prefix")
        self._reader = reader
        self._keyring = keyring
        self._prefix = prefix
        self._kind = kind

    def get(self, key: str) -> bytes | None:
        """Return the plaintext at ``key``, or ``None``.

        Raises:
            RecordError: what is stored there is not what was put there.
            SealedError: the keyring was wiped.
        """
        path = self._prefix + key
        record = self._reader.get(path)
        return None if record is None else self._keyring.open(self._kind, path, record)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``, as storage does."""
        return self._reader.list(self._prefix + prefix, after=after, limit=limit)


class BarrierTransaction(BarrierReader):
    """Reads and changes the records below a prefix, within one transaction.

    Args:
        tx: the storage transaction underneath.
        keyring: opens and seals the records.
        prefix: ends in a slash.
        kind: what every record below the prefix is.
    """

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction, keyring: Keyring, prefix: str, kind: RecordKind) -> None:
        super().__init__(tx, keyring, prefix, kind)
        self._tx = tx

    def put(self, key: str, value: bytes) -> None:
        """Store ``value`` at ``key``, encrypted with the active term.

        Raises:
            AllowanceError: no reserved encryption is left.
            SealedError: the keyring was wiped.
        """
        path = self._prefix + key
        self._tx.put(path, self._keyring.seal(self._kind, path, value))

    def delete(self, key: str) -> None:
        """Remove ``key``; nothing happens if it is not there."""
        self._tx.delete(self._prefix + key)
