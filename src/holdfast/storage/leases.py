"""Leases with fencing numbers, kept as ordinary records of the storage they guard.

A lease is one record under ``core/lease/``. It outlives its holders, because the fencing number in it
must grow with each of them: whoever lost a lease and does not know it yet still carries a smaller number,
and writes that compare numbers inside their transaction refuse it.

Time is the host's wall clock, as a lease must run out even when its holder is gone. A clock that
jumps can end or stretch a lease; it can never make two holders share a number.
"""

import msgspec

from holdfast.clock import Clock
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.interface import Storage, Transaction

LEASE_PREFIX = "core/lease/"


class LeaseRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is stored; fields are append-only.

    Attributes:
        version: layout of the record, 1.
        fence: the number of the newest holder.
        holder: who that is, for people who read it.
        expires_at: Unix seconds; 0 after a release.
    """

    version: int
    fence: int
    holder: str
    expires_at: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LeaseRecord).decode


class StoredLease:
    """A lease that was taken; see ``interface.Lease``."""

    __slots__ = ("_clock", "_fence", "_holder", "_key", "_storage", "_ttl_seconds")

    def __init__(
        self, storage: Storage, clock: Clock, key: str, *, holder: str, fence: int, ttl_seconds: float
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._key = key
        self._holder = holder
        self._fence = fence
        self._ttl_seconds = ttl_seconds

    @property
    def fence(self) -> int:
        """The number of this holder."""
        return self._fence

    def renew(self) -> bool:
        """Extend the lease from now on; ``False`` when it was released or somebody else took it."""

        def change(transaction: Transaction) -> bool:
            record = read_lease(transaction, self._key)
            if record is None or record.fence != self._fence or record.expires_at == 0:
                return False
            self._put(transaction, self._clock.now() + self._ttl_seconds)
            return True

        return self._storage.write(change)

    def release(self) -> None:
        """Give it up, so that the next holder need not wait; nothing happens if it is lost already."""

        def change(transaction: Transaction) -> None:
            record = read_lease(transaction, self._key)
            if record is not None and record.fence == self._fence:
                self._put(transaction, 0)

        self._storage.write(change)

    def _put(self, transaction: Transaction, expires_at: float) -> None:
        transaction.put(self._key, _encode(LeaseRecord(1, self._fence, self._holder, expires_at)))


def acquire(
    storage: Storage, clock: Clock, name: str, *, holder: str, ttl_seconds: float
) -> StoredLease | None:
    """Take the lease ``name``; ``None`` while it is held, be it by the same ``holder``.

    Raises:
        StorageError: as for any write.
    """
    if ttl_seconds <= 0:
        raise ValueError("a lease lasts longer than no time")
    key = LEASE_PREFIX + name

    def change(transaction: Transaction) -> StoredLease | None:
        record = read_lease(transaction, key)
        now = clock.now()
        if record is not None and now < record.expires_at:
            return None
        fence = record.fence + 1 if record is not None else 1
        transaction.put(key, _encode(LeaseRecord(1, fence, holder, now + ttl_seconds)))
        return StoredLease(storage, clock, key, holder=holder, fence=fence, ttl_seconds=ttl_seconds)

    return storage.write(change)


def read_lease(transaction: Transaction, key: str) -> LeaseRecord | None:
    """Return the record of a lease, ``None`` if nobody ever held it.

    Raises:
        StorageBrokenError: the record is not one of ours, so no number can be trusted.
    """
    stored = transaction.get(key)
    if stored is None:
        return None
    try:
        record = _decode(stored)
    except msgspec.DecodeError as error:
        raise StorageBrokenError("storage: a lease record is damaged", detail=str(error)) from error
    if record.version != 1:
        raise StorageBrokenError("storage: a lease record was written by a newer Holdfast")
    return record
