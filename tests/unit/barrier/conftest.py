from collections.abc import Callable, Iterator, MutableMapping

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
from holdfast.model import SecretBytes
from holdfast.storage.memory import MemoryStorage


class Disk(MutableMapping[str, bytes]):
    """The records as somebody sees and changes them who holds the disk and no key."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    def __getitem__(self, path: str) -> bytes:
        record = self._storage.get(path)
        if record is None:
            raise KeyError(path)
        return record

    def __setitem__(self, path: str, record: bytes) -> None:
        self._storage.write(lambda tx: tx.put(path, record))

    def __delitem__(self, path: str) -> None:
        self._storage.write(lambda tx: tx.delete(path))

    def __iter__(self, below: str = "") -> Iterator[str]:
        for name in self._storage.list(below):
            if name.endswith("/"):
                yield from self.__iter__(below + name)
            else:
                yield below + name

    def __len__(self) -> int:
        return sum(1 for _ in self)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def storage(clock: ManualClock) -> MemoryStorage:
    return MemoryStorage(clock=clock)


@pytest.fixture
def disk(storage: MemoryStorage) -> Disk:
    return Disk(storage)


@pytest.fixture
def initial(storage: MemoryStorage, clock: ManualClock) -> InitialKeys:
    """The keys of ``storage``, initialised 3 of 5."""
    return storage.write(lambda tx: initialize(tx, shares=5, threshold=3, now=clock.now()))


@pytest.fixture
def sealed(storage: MemoryStorage, initial: InitialKeys, clock: ManualClock) -> Sealed:
    state = current_state(storage, clock)
    assert isinstance(state, Sealed)
    return state


@pytest.fixture
def open_store(storage: MemoryStorage, initial: InitialKeys, sealed: Sealed) -> Callable[[], Unsealed]:
    """Unseal ``storage``, once for every process that a test plays."""

    def unseal_once() -> Unsealed:
        key = combine([share.reveal() for share in initial.shares[:3]])
        return unseal(storage, sealed, SecretBytes(key))

    return unseal_once


@pytest.fixture
def unsealed(storage: MemoryStorage, open_store: Callable[[], Unsealed]) -> Unsealed:
    """The store as the one process that writes holds it."""
    state = open_store()
    reserve_encryptions(storage, state)
    return state
