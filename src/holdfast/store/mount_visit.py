"""What a secrets engine is given: an authorised request that was routed to a mount of its type."""

from contextlib import AbstractContextManager, nullcontext

import msgspec

from holdfast.errors import TooLargeError
from holdfast.formats.strict_json import JsonObject
from holdfast.storage.interface import Reader
from holdfast.store.caller import Caller
from holdfast.store.destination import Mounted
from holdfast.store.layout import engine_place
from holdfast.store.mounts import Mount
from holdfast.store.open_store import OpenStore
from holdfast.store.permit import Permit
from holdfast.store.request import StoreRequest


class MountVisit(msgspec.Struct, frozen=True, gc=False):
    """An authorised request that was routed to a mount.

    Attributes:
        request: as the dialect built it.
        mounted: what it goes to.
        caller: who asks.
        permit: which kinds of write the caller may do.
        store: the open store, as this process sees it.
        now: Unix seconds.
        max_secret_bytes: the largest secret that may be written.
        is_one_state: whether ``view`` reads one state already.
    """

    request: StoreRequest
    mounted: Mounted
    caller: Caller
    permit: Permit
    store: OpenStore
    now: float
    max_secret_bytes: int
    is_one_state: bool = False

    @property
    def mount(self) -> Mount:
        """The mount."""
        return self.mounted.mount

    @property
    def view(self) -> Reader:
        """Reads what the mount stores; each read sees the newest committed state."""
        return self.mounted.view

    @property
    def body(self) -> JsonObject:
        """The decoded body."""
        return self.request.body

    def snapshot(self) -> AbstractContextManager[Reader]:
        """Open a view of the mount in which all reads see one state."""
        if self.is_one_state:
            return nullcontext(self.view)
        return self.store.snapshot(engine_place(self.mount.storage_prefix))

    def check_size(self, payload: bytes) -> bytes:
        """Return ``payload`` if it may be stored.

        Raises:
            TooLargeError: it is over the configured limit.
        """
        size = self.request.secret_bytes
        if (len(payload) if size < 0 else size) > self.max_secret_bytes:
            raise TooLargeError(f"secret: expected at most {self.max_secret_bytes} bytes")
        return payload
