"""What a handler of one of the store's own paths is given: an authorised request in an open store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.barrier import BarrierReader
from holdfast.storage.interface import Storage
from holdfast.store.layout import Place, reading
from holdfast.store.open_store import Caller, OpenStore
from holdfast.store.request import StoreRequest


class Visit:
    """One authorised request.

    Attributes:
        request: as the dialect built it.
        argument: what the placeholder of the route's pattern stands for.
        caller: who asks; already authenticated and authorised for the path.
        store: the open store, as this process sees it.
        now: Unix seconds.
        warnings: sentences to add to the answer.
    """

    __slots__ = ("_storage", "argument", "caller", "now", "request", "store", "warnings")

    def __init__(
        self,
        request: StoreRequest,
        argument: str,
        *,
        caller: Caller,
        store: OpenStore,
        storage: Storage,
        now: float,
    ) -> None:
        self._storage = storage
        self.request = request
        self.argument = argument
        self.caller = caller
        self.store = store
        self.now = now
        self.warnings: list[str] = []

    @property
    def values(self) -> dict[str, Any]:
        """The members of the request body."""
        return self.request.body.values

    def view(self, place: Place) -> BarrierReader:
        """Return a view that reads ``place``; each read sees the newest committed state."""
        return reading(self._storage, self.store.keyring, place)

    @contextmanager
    def snapshot(self, place: Place) -> Iterator[BarrierReader]:
        """Open a view of ``place`` in which all reads see one state."""
        with self._storage.snapshot() as snapshot:
            yield reading(snapshot, self.store.keyring, place)
