"""What a handler of one of the store's own paths is given: an authorised request in an open store."""

from typing import Any

from holdfast.barrier import BarrierReader
from holdfast.store.caller import Caller
from holdfast.store.layout import Place
from holdfast.store.open_store import OpenStore
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

    __slots__ = ("argument", "caller", "now", "request", "store", "warnings")

    def __init__(
        self,
        request: StoreRequest,
        argument: str,
        *,
        caller: Caller,
        store: OpenStore,
        now: float,
    ) -> None:
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
        return self.store.view(place)
