"""Which headers of requests audit lines show, hashed or not: one record (``config/audit-headers``)."""

from typing import ClassVar

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader
from holdfast.store.command import Command, Scope
from holdfast.store.layout import CONFIG
from holdfast.store.request import Answer

HEADERS_KEY = "audit-headers"
MAX_HEADERS = 100

_decode = msgspec.msgpack.Decoder(dict[str, bool]).decode


def load_audit_headers(view: Reader) -> dict[str, bool]:
    """Return the headers in small letters, and whether each is hashed, from the place of settings."""
    record = view.get(HEADERS_KEY)
    return {} if record is None else _decode(record)


class ShowHeader(Command, frozen=True, kw_only=True):
    """Have a header shown.

    Attributes:
        name: in small letters.
        is_hashed: whether its hash stands for it.
    """

    shared: ClassVar[bool] = True
    name: str
    is_hashed: bool

    def run(self, scope: Scope) -> Answer:
        """Store it."""
        view = scope.view(CONFIG)
        headers = load_audit_headers(view) | {self.name: self.is_hashed}
        if len(headers) > MAX_HEADERS:
            raise InvalidInputError(f"header: expected at most {MAX_HEADERS}")
        view.put(HEADERS_KEY, msgspec.msgpack.encode(headers))
        return Answer()


class HideHeader(Command, frozen=True, kw_only=True):
    """Have a header shown no more."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        view = scope.view(CONFIG)
        headers = load_audit_headers(view)
        headers.pop(self.name, None)
        view.put(HEADERS_KEY, msgspec.msgpack.encode(headers))
        return Answer()
