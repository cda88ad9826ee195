"""Every revocation of a cluster, in its storage: bounded in number, gone when nothing is left to revoke."""

from collections.abc import Iterator

from holdfast.errors import LimitReachedError
from holdfast.node.tokens.revocation_records import (
    REVOCATIONS,
    STATE,
    RevocationKind,
    RevocationRecord,
    RevocationState,
    decode_revocation,
    decode_state,
    encode,
)
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state
from holdfast.tokens.renewal import family_of
from holdfast.tokens.revocation import Revocations

MAX_REVOCATIONS = 10_000
TIDY_SECONDS = 3600
MAX_TIDIED = 500  # one change must fit a transaction of any engine
PAGE = 500


class RevocationBook:
    """Reads and writes of revocations; each change is one transaction.

    Args:
        storage: where they are kept.
        max_revocations: how many there may be.
    """

    def __init__(self, storage: Storage, *, max_revocations: int = MAX_REVOCATIONS) -> None:
        self._storage = storage
        self._max_revocations = max_revocations

    def catch_up(self) -> int:
        """Return the number of changes that there were, by whichever node, before this call.

        Raises:
            StorageUnavailableError: it cannot be told.
        """
        if self._storage.shared:
            self._storage.catch_up()
        return decode_state(self._storage.get(STATE)).number

    def load(self) -> tuple[int, Revocations]:
        """Return all revocations, and the number of changes up to which they are complete.

        Raises:
            StorageUnavailableError: they cannot be read.
            InternalError: one cannot be understood.
        """

        def read(reader: Reader) -> tuple[int, Revocations]:
            return decode_state(reader.get(STATE)).number, _revocations(list(_all(reader)))

        return read_one_state(self._storage, read)

    def records(self) -> list[RevocationRecord]:
        """Return all revocations as they are kept, the newest first."""
        found = read_one_state(self._storage, lambda reader: list(_all(reader)))
        return sorted(found, key=lambda record: record.revoked_at, reverse=True)

    def add(self, record: RevocationRecord, *, by_administrator: bool = True) -> RevocationRecord:
        """Keep a revocation, and return it; one of the same is only ever made wider.

        Args:
            record: the revocation.
            by_administrator: whether a storage administrator makes it. Half of the room is for them, so that
                nobody fills it with tokens of his own.

        Raises:
            LimitReachedError: there are as many as there may be.
        """
        needless, tidied_at = self._needless(record)
        most = self._max_revocations if by_administrator else self._max_revocations // 2

        def change(transaction: Transaction) -> RevocationRecord:
            state = decode_state(transaction.get(STATE))
            removed = 0
            for other in needless:
                stored = transaction.get(other.key)
                if stored is not None and decode_revocation(stored) == other:
                    transaction.delete(other.key)
                    removed += 1
            present = transaction.get(record.key)
            wider = record if present is None else _wider(decode_revocation(present), record)
            count = state.count - removed + (present is None)
            if present is None and count > most:
                raise LimitReachedError(
                    "there are as many revocations as there may be; revoke all tokens of the issuer up to "
                    "now, which replaces those of single tokens"
                )
            transaction.put(record.key, encode(wider))
            transaction.put(
                STATE, encode(RevocationState(number=state.number + 1, count=count, tidied_at=tidied_at))
            )
            return wider

        return self._storage.write(change)

    def _needless(self, new: RevocationRecord) -> tuple[list[RevocationRecord], int]:
        """Return those that are needless with a new one, if it is time to look, and when it last was."""
        state = decode_state(self._storage.get(STATE))
        is_time = new.revoked_at - state.tidied_at >= TIDY_SECONDS
        if not (is_time or state.count >= self._max_revocations or new.kind is RevocationKind.ISSUER):
            return [], state.tidied_at
        found = (each for each in self.records() if each.key != new.key)
        ended = [each for each in found if each.ends_at <= new.revoked_at or _covers(new, each)]
        return ended[:MAX_TIDIED], max(state.tidied_at, new.revoked_at)


def _covers(new: RevocationRecord, old: RevocationRecord) -> bool:
    return (
        new.kind is RevocationKind.ISSUER
        and old.issuer == new.issuer
        and old.issued_until <= new.issued_until
        and old.ends_at <= new.ends_at
    )


def _wider(old: RevocationRecord, new: RevocationRecord) -> RevocationRecord:
    return RevocationRecord(
        kind=new.kind,
        issuer=new.issuer,
        value=new.value,
        issued_until=max(old.issued_until, new.issued_until),
        ends_at=max(old.ends_at, new.ends_at),
        revoked_at=new.revoked_at,
        revoked_by=new.revoked_by,
    )


def _revocations(records: list[RevocationRecord]) -> Revocations:
    return Revocations(
        token_ids=frozenset(
            (each.issuer, family_of(each.value)) for each in records if each.kind is RevocationKind.TOKEN
        ),
        subjects={
            (each.issuer, each.value): each.issued_until
            for each in records
            if each.kind is RevocationKind.SUBJECT
        },
        issuers={each.issuer: each.issued_until for each in records if each.kind is RevocationKind.ISSUER},
    )


def _all(reader: Reader) -> Iterator[RevocationRecord]:
    after = ""
    while names := reader.list(REVOCATIONS, after=after, limit=PAGE):
        for name in names:
            stored = reader.get(REVOCATIONS + name)
            if stored is not None:
                yield decode_revocation(stored)
        after = names[-1]
