r"""What KV v2 stores: one record a secret, and the payloads of older versions beside it.

    s/<path>                  Head: [number, payload, metadata_json, deletion_at, destroyed, ledger]
    s/<path>\x01/<number>      payload of an older version, as it was sent

The head holds the current version whole, ready to be answered, so that a read is one get and one
decode. The ledger inside it is a packed ``Ledger``: everything that only writes and metadata calls
need. A read skips it unopened. What the head repeats from the ledger is derived in ``store`` alone.

A mount that was upgraded from KV v1 keeps what it held as it was: the JSON text itself at ``s/<path>``, which
no packed record begins like. It counts as version 1, written when the mount was upgraded, and becomes a head
with the first change. So an upgrade is one small change, however much the mount holds.

Records are msgpack arrays. Fields are only ever added, at the end and with a default: records that
are already stored must keep opening.
"""

from dataclasses import dataclass

import msgspec

from holdfast.clock import rfc3339
from holdfast.engines.names import secret_key
from holdfast.storage.interface import Reader, Transaction


class VersionState(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One version without its payload.

    Attributes:
        created_at: Unix seconds.
        deletion_at: Unix seconds from which it counts as deleted; 0 for never.
        destroyed: whether the payload was erased for good.
    """

    created_at: float
    deletion_at: float = 0.0
    destroyed: bool = False

    def is_gone(self, now: float) -> bool:
        """Whether no reader gets the payload at ``now``."""
        return self.destroyed or 0.0 < self.deletion_at <= now


class Ledger(msgspec.Struct, array_like=True):
    """Everything about a secret but its payloads.

    Attributes:
        created_at: Unix seconds of the first write of any kind.
        updated_at: Unix seconds of the newest version.
        current: number of the newest version; 0 before the first.
        oldest: number of the oldest version that is kept; 0 until the first was trimmed.
        versions: the kept versions; the last one has the number ``current``, without gaps before it.
        max_versions: how many to keep; 0 leaves it to the mount.
        cas_required: whether every write must name the current version.
        delete_version_after: seconds after which a new version deletes itself; 0 leaves it to the mount.
        custom_metadata: the owner's own notes; ``None`` if there never were any.
        metadata_version: how often settings or notes were written.
        metadata_cas_required: whether every write of them must name that number.
    """

    created_at: float
    updated_at: float
    current: int = 0
    oldest: int = 0
    versions: list[VersionState] = []  # msgspec copies an empty default
    max_versions: int = 0
    cas_required: bool = False
    delete_version_after: int = 0
    custom_metadata: dict[str, str] | None = None
    metadata_version: int = 0
    metadata_cas_required: bool = False

    @property
    def first(self) -> int:
        """The number of the oldest version in ``versions``."""
        return self.current - len(self.versions) + 1

    def state(self, number: int) -> VersionState | None:
        """Return the version ``number``; ``None`` if it never was or was trimmed."""
        if self.first <= number <= self.current:
            return self.versions[number - self.first]
        return None

    def replace(self, number: int, state: VersionState) -> None:
        """Put ``state`` in the place of the kept version ``number``."""
        self.versions[number - self.first] = state


@dataclass(slots=True)
class Secret:
    """A secret in the hands of a change: its ledger and the payload of its current version."""

    ledger: Ledger
    payload: bytes = b""

    @property
    def current(self) -> VersionState | None:
        """The current version's state; ``None`` before the first version."""
        return self.ledger.state(self.ledger.current)

    def __repr__(self) -> str:
        return f"Secret(ledger={self.ledger!r}, payload=****)"


class Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The stored record of a secret; see the module text for why it repeats parts of the ledger."""

    number: int
    payload: bytes
    metadata_json: bytes
    deletion_at: float
    destroyed: bool
    ledger: bytes


decode_head = msgspec.msgpack.Decoder(Head).decode
_UPGRADED_KEY = "upgraded"
_decode_time = msgspec.msgpack.Decoder(float).decode
_decode_ledger = msgspec.msgpack.Decoder(Ledger).decode
_encode = msgspec.msgpack.Encoder().encode


def is_unversioned(record: bytes) -> bool:
    """Whether a record is from before the mount had versions."""
    return record[:1] == b"{"


def mark_upgraded(transaction: Transaction, *, now: float) -> None:
    """Note when the mount got its versions."""
    transaction.put(_UPGRADED_KEY, _encode(now))


def adopt(reader: Reader, payload: bytes) -> Secret:
    """Return the secret that a record from before the mount had versions stands for."""
    record = reader.get(_UPGRADED_KEY)
    at = 0.0 if record is None else _decode_time(record)
    return Secret(Ledger(at, at, current=1, versions=[VersionState(at)]), payload)


def load(reader: Reader, path: str) -> Secret | None:
    """Return the secret at ``path``, or ``None``."""
    record = reader.get(secret_key(path))
    if record is None:
        return None
    if is_unversioned(record):
        return adopt(reader, record)
    head = decode_head(record)
    return Secret(_decode_ledger(head.ledger), head.payload)


def store(transaction: Transaction, path: str, secret: Secret) -> bytes:
    """Write the record of ``secret``.

    Returns:
        The metadata of its current version as JSON; empty before the first version.
    """
    ledger, state = secret.ledger, secret.current
    if state is None:
        head = Head(0, b"", b"", 0.0, False, _encode(ledger))
    else:
        metadata = metadata_json(ledger, ledger.current, state)
        head = Head(
            ledger.current, secret.payload, metadata, state.deletion_at, state.destroyed, _encode(ledger)
        )
    transaction.put(secret_key(path), _encode(head))
    return head.metadata_json


def metadata_json(ledger: Ledger, number: int, state: VersionState) -> bytes:
    """Return the metadata of one version, the object that goes with its data in every answer."""
    return msgspec.json.encode(
        {
            "created_time": rfc3339(state.created_at),
            "custom_metadata": ledger.custom_metadata,
            "deletion_time": time_text(state.deletion_at),
            "destroyed": state.destroyed,
            "version": number,
        }
    )


def time_text(unix_seconds: float) -> str:
    """Return a time as the API writes it: RFC 3339, empty for 0."""
    return rfc3339(unix_seconds) if unix_seconds else ""
