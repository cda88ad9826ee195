"""What a method's handler is given: an authorised request below one auth mount."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from holdfast.barrier import BarrierReader
from holdfast.errors import NotFoundError
from holdfast.store.auth.mounts import AuthMount
from holdfast.store.auth.records import (
    RemoveAuthRecord,
    SaveAuthRecord,
    decode_record,
    encode_record,
    fold_role,
    list_names,
    load_record,
)
from holdfast.store.caller import Caller
from holdfast.store.layout import auth_place
from holdfast.store.open_store import OpenStore
from holdfast.store.permit import Permit
from holdfast.store.request import Answer, StoreRequest
from holdfast.store.visit import Visit

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)


class AuthVisit(Visit):
    """One authorised request below an auth mount.

    Attributes:
        mount: the mount.
        permit: which kinds of write the caller may do.
    """

    __slots__ = ("mount", "permit")

    def __init__(
        self,
        request: StoreRequest,
        argument: str,
        *,
        mount: AuthMount,
        permit: Permit,
        caller: Caller,
        store: OpenStore,
        now: float,
    ) -> None:
        super().__init__(request, argument, caller=caller, store=store, now=now)
        self.mount = mount
        self.permit = permit

    @property
    def records(self) -> BarrierReader:
        """What the mount has stored; each read sees the newest committed state."""
        return self.view(auth_place(self.mount.storage_prefix))

    @property
    def name(self) -> str:
        """The first segment that the pattern left open, as a folded name."""
        return fold_role(self.argument.partition("/")[0])

    def load(self, key: str, kind: type[T]) -> T | None:
        """Return the record at ``key``, or ``None``."""
        return load_record(self.records, key, kind)

    def require(self, key: str, kind: type[T]) -> T:
        """Return the record at ``key``.

        Raises:
            NotFoundError: there is none.
        """
        record = self.load(key, kind)
        if record is None:
            raise NotFoundError("")
        return record

    def change(self, key: str, kind: type[R], make: Callable[[R | None], R]) -> SaveAuthRecord:
        """Return the command that stores what ``make`` makes of the record at ``key``."""
        stored = self.records.get(key)
        made = make(None if stored is None else decode_record(stored, kind))
        return SaveAuthRecord(
            mount=self.mount.uuid, key=key, value=encode_record(made), before=stored, permit=self.permit
        )

    def remove(self, key: str) -> RemoveAuthRecord:
        """Return the command that removes what is at ``key``."""
        return RemoveAuthRecord(mount=self.mount.uuid, key=key)

    def listing(self, prefix: str) -> Answer:
        """Return the names below ``prefix`` as the API lists them."""
        return listing_of(list_names(self.records, prefix))


def listing_of(names: list[str]) -> Answer:
    """Return names as the API lists them; without any, nothing is there."""
    return Answer(data=msgspec.json.encode({"keys": names})) if names else Answer(missing=True)
