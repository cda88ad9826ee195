"""Storage in a dictionary, small enough to be seen through: the barrier's own tests need no engine."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from holdfast.barrier import (
    InitialKeys,
    Sealed,
    Unsealed,
    current_state,
    initialize,
    reserve_encryptions,
    unseal,
)
from holdfast.clock import ManualClock
from holdfast.crypto.shamir import combine
from holdfast.errors import UnavailableError
from holdfast.model import SecretBytes

T = TypeVar("T")


class DictTransaction:
    def __init__(self, records: dict[str, bytes]) -> None:
        self.records = dict(records)

    def get(self, key: str) -> bytes | None:
        return self.records.get(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        below = (key[len(prefix) :] for key in self.records if key.startswith(prefix))
        names = {head + slash for head, slash, _ in (name.partition("/") for name in below)}
        return sorted(name for name in names if name > after)[:limit]

    def put(self, key: str, value: bytes) -> None:
        self.records[key] = value

    def delete(self, key: str) -> None:
        self.records.pop(key, None)


class DictStorage(DictTransaction):
    """Writes that happen wholly or, when the disk is full, not at all."""

    def __init__(self) -> None:
        super().__init__({})
        self.disk_is_full = False

    def write(self, change: Callable[[DictTransaction], T]) -> T:
        tx = DictTransaction(self.records)
        result = change(tx)
        if self.disk_is_full:
            raise UnavailableError("no room left")
        self.records = tx.records
        return result


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def storage() -> DictStorage:
    return DictStorage()


@pytest.fixture
def initial(storage: DictStorage, clock: ManualClock) -> InitialKeys:
    """The keys of ``storage``, initialised 3 of 5."""
    return storage.write(lambda tx: initialize(tx, shares=5, threshold=3, now=clock.now()))


@pytest.fixture
def sealed(storage: DictStorage, initial: InitialKeys, clock: ManualClock) -> Sealed:
    state = current_state(storage, clock)
    assert isinstance(state, Sealed)
    return state


@pytest.fixture
def open_store(storage: DictStorage, initial: InitialKeys, sealed: Sealed) -> Callable[[], Unsealed]:
    """Unseal ``storage``, once for every process that a test plays."""

    def unseal_once() -> Unsealed:
        key = combine([share.reveal() for share in initial.shares[:3]])
        return unseal(storage, sealed, SecretBytes(key))

    return unseal_once


@pytest.fixture
def unsealed(storage: DictStorage, open_store: Callable[[], Unsealed]) -> Unsealed:
    """The store as the one process that writes holds it."""
    state = open_store()
    reserve_encryptions(storage, state)
    return state
