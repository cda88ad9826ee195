"""Metadata of a KV v2 secret: its settings, its owner's notes and the state of its versions."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import UNSET, UnsetType

from holdfast.clock import rfc3339
from holdfast.engines.errors import CheckAndSetMismatchError, CheckAndSetRequiredError, SecretNotFoundError
from holdfast.engines.kv2.config import (
    MountConfig,
    check_delay,
    check_max_versions,
    duration_text,
    read_config,
)
from holdfast.engines.kv2.custom_metadata import check_custom_metadata
from holdfast.engines.kv2.records import Ledger, Secret, load, store, time_text
from holdfast.storage.interface import Reader, Transaction


class MetadataChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which settings of a secret to change. Left out: unchanged; ``None``: back to the default.

    Attributes:
        max_versions: how many versions to keep, 0 to 65,535.
        cas_required: whether every write must name the current version.
        delete_version_after: seconds after which a new version deletes itself.
        custom_metadata: notes by name. In a patch they are merged, and ``None`` removes one;
            otherwise they replace all that were there.
        metadata_cas_required: whether every such change must say ``metadata_cas``.
        metadata_cas: only if the metadata have this version; 0 if they were never written.
    """

    max_versions: int | UnsetType | None = UNSET
    cas_required: bool | UnsetType | None = UNSET
    delete_version_after: int | UnsetType | None = UNSET
    custom_metadata: dict[str, str | None] | UnsetType | None = UNSET
    metadata_cas_required: bool | UnsetType | None = UNSET
    metadata_cas: int | UnsetType | None = UNSET


NO_CHANGE = MetadataChange()


def read_metadata(reader: Reader, path: str) -> bytes:
    """Return everything but payloads as a JSON object.

    Raises:
        SecretNotFoundError: nothing is kept at ``path``.
    """
    secret = load(reader, path)
    if secret is None:
        raise SecretNotFoundError
    ledger = secret.ledger
    return msgspec.json.encode(
        {
            "cas_required": ledger.cas_required,
            "created_time": rfc3339(ledger.created_at),
            "current_metadata_version": ledger.metadata_version,
            "current_version": ledger.current,
            "custom_metadata": ledger.custom_metadata,
            "delete_version_after": duration_text(ledger.delete_version_after),
            "max_versions": ledger.max_versions,
            "metadata_cas_required": ledger.metadata_cas_required,
            "oldest_version": ledger.oldest,
            "updated_time": rfc3339(ledger.updated_at),
            "versions": {
                str(number): {
                    "created_time": rfc3339(state.created_at),
                    "deletion_time": time_text(state.deletion_at),
                    "destroyed": state.destroyed,
                }
                for number, state in enumerate(ledger.versions, start=ledger.first)
            },
        }
    )


def read_notes(reader: Reader, path: str) -> Mapping[str, str]:
    """Return the notes of the secret at ``path``; none if it has none, or is none."""
    secret = load(reader, path)
    return (secret and secret.ledger.custom_metadata) or {}


def write_metadata(
    transaction: Transaction, path: str, change: MetadataChange, *, now: float
) -> tuple[str, ...]:
    """Change settings; a secret that does not exist begins without a version.

    Returns:
        Warnings for the caller, usually none.

    Raises:
        InvalidInputError: a setting is out of its range.
        CheckAndSetRequiredError: this secret or mount takes no change without ``metadata_cas``.
        CheckAndSetMismatchError: the metadata have another version.
    """
    if msgspec.structs.replace(change, metadata_cas=UNSET) == NO_CHANGE:
        return ()
    secret = load(transaction, path) or Secret(Ledger(now, now))
    _check_cas(transaction, secret.ledger, change)
    if not isinstance(change.custom_metadata, UnsetType):
        secret.ledger.custom_metadata = _checked_notes(change.custom_metadata)
    return _apply(transaction, path, secret, change)


def patch_metadata(transaction: Transaction, path: str, change: MetadataChange) -> tuple[str, ...]:
    """Change settings of a secret that exists; notes are merged, not replaced.

    Returns:
        Warnings for the caller, usually none.

    Raises:
        SecretNotFoundError: nothing is kept at ``path``.
        InvalidInputError: a setting is out of its range.
    """
    secret = load(transaction, path)
    if secret is None:
        raise SecretNotFoundError
    ledger = secret.ledger
    _check_cas(transaction, ledger, change)
    if not isinstance(change.custom_metadata, UnsetType):
        merged = None
        if change.custom_metadata is not None:
            merged = {**(ledger.custom_metadata or {}), **change.custom_metadata}
        ledger.custom_metadata = _checked_notes(merged)
    return _apply(transaction, path, secret, change)


def _check_cas(reader: Reader, ledger: Ledger, change: MetadataChange) -> None:
    if isinstance(change.metadata_cas, int):
        if change.metadata_cas != ledger.metadata_version:
            raise CheckAndSetMismatchError(of_metadata=True)
    elif ledger.metadata_cas_required or read_config(reader).metadata_cas_required:
        raise CheckAndSetRequiredError(of_metadata=True)


def _checked_notes(notes: Mapping[str, str | None] | None) -> dict[str, str] | None:
    if notes is None:
        return None
    return check_custom_metadata({key: value for key, value in notes.items() if value is not None})


def _apply(transaction: Transaction, path: str, secret: Secret, change: MetadataChange) -> tuple[str, ...]:
    ledger = secret.ledger
    if not isinstance(change.max_versions, UnsetType):
        ledger.max_versions = check_max_versions(change.max_versions or 0)
    if not isinstance(change.cas_required, UnsetType):
        ledger.cas_required = bool(change.cas_required)
    if not isinstance(change.delete_version_after, UnsetType):
        ledger.delete_version_after = check_delay(change.delete_version_after or 0)
    if not isinstance(change.metadata_cas_required, UnsetType):
        ledger.metadata_cas_required = bool(change.metadata_cas_required)
    ledger.metadata_version += 1
    store(transaction, path, secret)
    return tuple(_without_effect(change, read_config(transaction)))


def _without_effect(change: MetadataChange, config: MountConfig) -> Iterator[str]:
    if change.cas_required is False and config.cas_required:
        yield "cas_required: this mount requires it of every secret, so false has no effect"
    if isinstance(change.max_versions, int) and 0 < change.max_versions < config.max_versions:
        yield (
            f"max_versions: this mount keeps {config.max_versions} versions of every secret, "
            "so a smaller number has no effect"
        )
