"""One request through the store, free of any wire format, and its answer.

A dialect turns bytes into a ``StoreRequest`` and an ``Answer`` into bytes; a secret written through one
dialect is the same request as one written through the other.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from holdfast.engines.kv2 import Precondition
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import JsonObject
from holdfast.store.namespaces.records import ROOT, Namespace

NO_HEADERS: Mapping[bytes, bytes] = MappingProxyType({})
EMPTY_BODY = JsonObject(values={}, raw=b"{}")


class Operation(StrEnum):
    """What a request wants to do; the words are those of audit records."""

    READ = "read"
    LIST = "list"
    SCAN = "scan"  # a LIST of everything below, not one level
    WRITE = "update"
    PATCH = "patch"
    DELETE = "delete"

    __hash__ = str.__hash__  # an enum hashes by a method in Python; tables of every request look these up


class StoreRequest(msgspec.Struct, kw_only=True, gc=False):
    """What a caller asks.

    Attributes:
        id: the request id, in UUID text form; also in both audit lines.
        operation: what to do.
        path: canonical path without a dialect's prefix, such as ``secret/data/team/db``; a LIST or SCAN
            path ends in a slash.
        token: the bearer token as sent, empty when there was none.
        namespace: the namespace that is named beside the path, with a trailing slash; once it is known, the
            one that the request is for, and ``path`` is as seen from there.
        within: that one, once it is known.
        between: what the path of a mount begins with for whoever asks, because it began with a namespace.
        body: decoded request body; empty for reads.
        query: decoded query parameters.
        precondition: what must be at the path for a write or delete to happen; a versioned mount knows it.
        peer: ``address:port`` of the connection.
        secret_bytes: size of the secret in a write, where the body is an encoding of it; -1 where it is not.
        certificate: the verified certificate of the client, as DER, where it may log in by it; else empty.
        repeats: how often it was served anew because another node changed what it was about to read.
        ignored: names of fields that the path does not take.
        headers: of the request as it came, by names in small letters; for audit lines alone.
        wrap_seconds: for how long the answer is to wait in the store for whoever has its one-time token; 0
            to get it at once.
    """

    id: str
    operation: Operation
    path: str
    token: str = ""
    namespace: str = ""
    within: Namespace = ROOT
    between: str = ""
    body: JsonObject = EMPTY_BODY
    query: tuple[tuple[str, str], ...] = ()
    precondition: Precondition = Precondition.NONE
    peer: str = ""
    secret_bytes: int = -1
    certificate: bytes = b""
    repeats: int = 0
    wrap_seconds: int = 0
    ignored: tuple[str, ...] = ()
    headers: Mapping[bytes, bytes] = NO_HEADERS

    def parameter(self, name: str) -> str | None:
        """Return query parameter ``name``, or ``None``."""
        for key, value in self.query:
            if key == name:
                return value
        return None


class Failed(StrEnum):
    """How many of the things that one request asked for could not be done."""

    SOME = "some"
    ALL = "all"


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the store says when it did not refuse.

    Attributes:
        data: JSON text of the answer's data, or ``None`` when there is nothing to say.
        metadata: for a version of a secret, JSON text of its metadata; ``data`` is then the version's own.
        missing: nothing is at the path; data, if any, describe what was there (a deleted version).
        auth: JSON text of a token that was made or renewed.
        lease_seconds: for how long a client may keep the data.
        warnings: sentences for the caller.
        flat: repeat the members of the data beside the envelope, as old Vault clients expect.
        failed: set if things that were asked for failed; the data say which, and why.
        accepted: say that it was accepted rather than that it was done, as clients of such jobs expect.
        raw: the whole answer, in a form of its own; nothing else is said beside it.
        media_type: of ``raw``.
        wrapped: JSON text of what stands for an answer that waits in the store, its one-time token above all.
        lease_id: names the lease of what the answer is about, where it has one.
        renewable: whether that lease can be renewed.
    """

    data: bytes | None = None
    metadata: bytes | None = None
    missing: bool = False
    auth: bytes | None = None
    lease_seconds: int = 0
    warnings: tuple[str, ...] = ()
    flat: bool = False
    failed: Failed | None = None
    accepted: bool = False
    raw: bytes | None = None
    media_type: str = "application/json"
    wrapped: bytes | None = None
    lease_id: str = ""
    renewable: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing beyond that it was done, or that nothing is there."""
        if self.data is not None or self.auth is not None or self.warnings or self.wrapped is not None:
            return False
        return self.metadata is None and self.raw is None and not self.lease_id

    def document(self) -> bytes | None:
        """Return the data as one JSON text: a version's data and metadata side by side."""
        if self.metadata is None:
            return self.data
        return b'{"data":%b,"metadata":%b}' % (self.data or b"null", self.metadata)


Done = Callable[[Answer | HoldfastError], None]
