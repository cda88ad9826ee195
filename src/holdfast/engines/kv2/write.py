"""Writing KV v2: a new version, with the checks that must hold when it is written.

Numbers start at 1, grow by one with every write and are not used again until the whole secret is
deleted. A write that makes more versions than are kept erases the oldest ones.
"""

from enum import IntEnum

from holdfast.engines.errors import (
    CheckAndSetMismatchError,
    CheckAndSetRequiredError,
    SecretExistsError,
    SecretNotFoundError,
    VersionGoneError,
)
from holdfast.engines.kv2.config import MountConfig, read_config
from holdfast.engines.kv2.merge_patch import merge_patch
from holdfast.engines.kv2.read import Version
from holdfast.engines.kv2.records import Ledger, Secret, VersionState, load, metadata_json, store
from holdfast.engines.names import older_version_key
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Transaction


class Precondition(IntEnum):
    """What must be there for a write to happen. Deleted and destroyed versions count as absent."""

    NONE = 0
    MUST_BE_ABSENT = 1
    MUST_EXIST = 2


def write(
    transaction: Transaction,
    path: str,
    payload: bytes | None,
    *,
    now: float,
    cas: int | None = None,
    precondition: Precondition = Precondition.NONE,
) -> Version:
    """Write a new version of the secret at ``path``.

    Args:
        transaction: the mount.
        path: canonical path text relative to the mount.
        payload: validated JSON text of one object; ``None`` if the caller sent none.
        now: Unix seconds.
        cas: the number the current version must have; 0 if there must never have been one.
        precondition: what must be there. ``MUST_BE_ABSENT`` guards against a lost update as ``cas``
            does, so it satisfies a mount that requires check-and-set.

    Returns:
        The version as written.

    Raises:
        InvalidInputError: there is no payload, or it is not an object.
        CheckAndSetRequiredError: this secret or mount takes no write without ``cas``.
        CheckAndSetMismatchError: the current version has another number.
        SecretExistsError: ``MUST_BE_ABSENT``, and a live version is there.
        SecretNotFoundError: ``MUST_EXIST``, and no live version is there.
    """
    data = _require_object(payload)
    config = read_config(transaction)
    secret = load(transaction, path) or Secret(Ledger(now, now))
    _check_precondition(secret.current, precondition, now)
    if precondition is not Precondition.MUST_BE_ABSENT or cas is not None:
        _check_cas(secret.ledger, config, cas)
    return _append(transaction, path, secret, data, config=config, now=now)


def patch(
    transaction: Transaction, path: str, changes: bytes | None, *, now: float, cas: int | None = None
) -> Version:
    """Write a new version: the current one changed by a JSON merge patch (RFC 7396).

    Args:
        transaction: the mount.
        path: canonical path text relative to the mount.
        changes: validated JSON text of one object; ``None`` if the caller sent none.
        now: Unix seconds.
        cas: the number the current version must have.

    Raises:
        InvalidInputError: there are no changes, or they are not an object.
        SecretNotFoundError: no version was ever written.
        CheckAndSetRequiredError: this secret or mount takes no write without ``cas``.
        CheckAndSetMismatchError: the current version has another number.
        VersionGoneError: the current version is deleted or destroyed.
    """
    patched_with = _require_object(changes)
    secret = load(transaction, path)
    if secret is None:
        raise SecretNotFoundError
    config = read_config(transaction)
    _check_cas(secret.ledger, config, cas)
    state = secret.current
    if state is None:
        raise SecretNotFoundError
    if state.is_gone(now):
        raise VersionGoneError(metadata_json(secret.ledger, secret.ledger.current, state))
    merged = merge_patch(secret.payload, patched_with)
    return _append(transaction, path, secret, merged, config=config, now=now)


def _require_object(payload: bytes | None) -> bytes:
    if payload is None or payload == b"null":
        raise InvalidInputError("no data provided")
    if not payload.startswith(b"{"):
        raise InvalidInputError("data: expected a JSON object")
    return payload


def _check_precondition(current: VersionState | None, precondition: Precondition, now: float) -> None:
    is_live = current is not None and not current.is_gone(now)
    if precondition is Precondition.MUST_BE_ABSENT and is_live:
        raise SecretExistsError
    if precondition is Precondition.MUST_EXIST and not is_live:
        raise SecretNotFoundError


def _check_cas(ledger: Ledger, config: MountConfig, cas: int | None) -> None:
    if cas is None:
        if config.cas_required or ledger.cas_required:
            raise CheckAndSetRequiredError
    elif cas != ledger.current:
        raise CheckAndSetMismatchError


def _append(
    transaction: Transaction, path: str, secret: Secret, payload: bytes, *, config: MountConfig, now: float
) -> Version:
    ledger, previous = secret.ledger, secret.current
    if previous is not None and not previous.destroyed:
        transaction.put(older_version_key(path, ledger.current), secret.payload)
    ledger.current += 1
    ledger.updated_at = now
    ledger.versions.append(VersionState(now, config.deletion_time(ledger, now)))
    secret.payload = payload
    _trim(transaction, path, ledger, config.versions_kept(ledger))
    return Version(ledger.current, payload, store(transaction, path, secret))


def _trim(transaction: Transaction, path: str, ledger: Ledger, kept: int) -> None:
    excess = len(ledger.versions) - kept
    if excess <= 0:
        return
    for number in range(ledger.first, ledger.first + excess):
        transaction.delete(older_version_key(path, number))
    del ledger.versions[:excess]
    ledger.oldest = ledger.first
