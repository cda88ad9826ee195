"""Settings of a KV v2 mount, and what they come to together with a secret's own.

versions kept            the larger of both; neither set: 10
check-and-set required   if either says so
deletion of versions     the shorter of both that are set; a mount set below zero switches it off
"""

import msgspec
from msgspec import UNSET, UnsetType

from holdfast.engines.kv2.records import Ledger
from holdfast.errors import InvalidInputError
from holdfast.model import format_go_duration
from holdfast.model.duration import MAX_SECONDS
from holdfast.storage.interface import Reader, Transaction

DEFAULT_MAX_VERSIONS = 10
# A write rewrites the ledger of all kept versions, at some 12 bytes each; this keeps it below 1 MiB.
MOST_VERSIONS = 65_535
NEVER_DELETE = -1

_CONFIG_KEY = "config"


class MountConfig(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Settings for every secret of the mount. A stored record: add fields at the end only.

    Attributes:
        max_versions: how many versions to keep; 0 for the default.
        cas_required: whether every write must name the current version.
        delete_version_after: seconds after which a new version deletes itself; 0 for never,
            ``NEVER_DELETE`` for never even where a secret asks for it.
        metadata_cas_required: whether every write of metadata must name the version that it follows.
    """

    max_versions: int = 0
    cas_required: bool = False
    delete_version_after: int = 0
    metadata_cas_required: bool = False

    def versions_kept(self, ledger: Ledger) -> int:
        """Return how many versions of a secret are kept."""
        return max(self.max_versions, ledger.max_versions) or DEFAULT_MAX_VERSIONS

    def deletion_time(self, ledger: Ledger, now: float) -> float:
        """Return when a version that begins to count at ``now`` deletes itself; 0 for never."""
        if self.delete_version_after < 0:
            return 0.0
        delays = [delay for delay in (self.delete_version_after, ledger.delete_version_after) if delay]
        return now + min(delays) if delays else 0.0

    def to_json(self) -> bytes:
        """Return the settings as the API shows them."""
        return msgspec.json.encode(
            {
                "cas_required": self.cas_required,
                "delete_version_after": duration_text(self.delete_version_after),
                "max_versions": self.max_versions,
                "metadata_cas_required": self.metadata_cas_required,
            }
        )


_decode = msgspec.msgpack.Decoder(MountConfig).decode
_DEFAULTS = MountConfig()


def read_config(reader: Reader) -> MountConfig:
    """Return the settings of the mount; the defaults if none were written."""
    record = reader.get(_CONFIG_KEY)
    return _DEFAULTS if record is None else _decode(record)


def write_config(
    transaction: Transaction,
    *,
    max_versions: int | UnsetType = UNSET,
    cas_required: bool | UnsetType = UNSET,
    delete_version_after: int | UnsetType = UNSET,
    metadata_cas_required: bool | UnsetType = UNSET,
) -> None:
    """Change the settings that are given and keep the others.

    Args:
        transaction: the mount.
        max_versions: 0 to 65,535.
        cas_required: whether every write must name the current version.
        delete_version_after: seconds; any negative number switches deletion off for every secret.
        metadata_cas_required: whether every write of metadata must name the version that it follows.

    Raises:
        InvalidInputError: a number is out of range.
    """
    config = read_config(transaction)
    if not isinstance(max_versions, UnsetType):
        config = msgspec.structs.replace(config, max_versions=check_max_versions(max_versions))
    if not isinstance(cas_required, UnsetType):
        config = msgspec.structs.replace(config, cas_required=cas_required)
    if not isinstance(delete_version_after, UnsetType):
        seconds = NEVER_DELETE if delete_version_after < 0 else check_delay(delete_version_after)
        config = msgspec.structs.replace(config, delete_version_after=seconds)
    if not isinstance(metadata_cas_required, UnsetType):
        config = msgspec.structs.replace(config, metadata_cas_required=metadata_cas_required)
    transaction.put(_CONFIG_KEY, msgspec.msgpack.encode(config))


def check_max_versions(value: int) -> int:
    """Return ``value`` if it is a possible number of versions to keep; else raise."""
    if not 0 <= value <= MOST_VERSIONS:
        raise InvalidInputError(f"max_versions: expected a number from 0 to {MOST_VERSIONS}")
    return value


def check_delay(seconds: int) -> int:
    """Return ``seconds`` if it is a possible delay; else raise."""
    if not 0 <= seconds <= MAX_SECONDS:
        raise InvalidInputError("delete_version_after: expected a duration between 0 and 292 years")
    return seconds


def duration_text(seconds: int) -> str:
    """Return a delay as the API writes it, such as ``30m0s``."""
    return "-1s" if seconds < 0 else format_go_duration(seconds)
