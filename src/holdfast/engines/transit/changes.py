"""What changes a key: making, configuring, rotating, trimming and deleting it.

Each function is one storage transaction, or a part of one. Texts of refusals are those that clients of the
Vault API know. Times are Unix seconds and come from the caller; so does the material, because making some
takes long.
"""

from typing import TypeVar

import msgspec

from holdfast.engines.transit.key_types import Family
from holdfast.engines.transit.material import Material, check_key_bytes
from holdfast.engines.transit.records import (
    Key,
    KeyVersion,
    erase_key,
    erase_versions,
    load_key,
    save_key,
    save_version,
)
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.storage.interface import Transaction

LEAST_AUTO_ROTATE_SECONDS = 3600
_T = TypeVar("_T", int, bool)


class KeyNotFoundError(InvalidInputError):
    """There is no key of this name. Clients are told like of any other mistake in a request."""

    def __init__(self, message: str = "encryption key not found") -> None:
        super().__init__(message)


class KeyChange(msgspec.Struct, frozen=True, array_like=True):
    """What of a key shall change; what is ``None`` stays."""

    min_decryption_version: int | None = None
    min_encryption_version: int | None = None
    deletion_allowed: bool | None = None
    exportable: bool | None = None
    allow_plaintext_backup: bool | None = None
    auto_rotate_seconds: int | None = None


def check_new_key(key: Key) -> None:
    """Check what somebody wants a new key to be.

    Raises:
        InvalidInputError: its type cannot be like that.
    """
    kind = key.type
    check_key_bytes(kind, key.key_bytes)
    _check_auto_rotation(key.auto_rotate_seconds)
    if key.convergent and not key.derived:
        raise InvalidInputError("convergent encryption requires derivation to be enabled")
    if key.convergent and kind.family is Family.ED25519:
        raise InvalidInputError(f"convergent encryption not supported for keys of type {kind.name}")
    if key.derived and not kind.derives:
        raise InvalidInputError(
            f"key derivation and convergent encryption not supported for keys of type {kind.name}"
        )


def create(tx: Transaction, name: str, key: Key, material: Material, *, now: float) -> Key | None:
    """Make a key of this name with one version.

    Returns:
        The key; ``None`` if there is one of this name already, which stays as it is.
    """
    if load_key(tx, name) is not None:
        return None
    made = msgspec.structs.replace(key, latest_version=0)
    return _add_version(tx, name, made, material, now=now)


def rotate(tx: Transaction, name: str, made_for: Key, material: Material, *, now: float) -> Key:
    """Give a key a new version, which is the newest from then on.

    Args:
        tx: the mount.
        name: which key.
        made_for: the key as it was when the material was made.
        material: what the new version is made of.
        now: Unix seconds.

    Raises:
        KeyNotFoundError: there is no such key.
        ConflictError: it was replaced by another one meanwhile.
    """
    key = _existing(tx, name, "key not found")
    if (key.type_name, key.key_bytes) != (made_for.type_name, made_for.key_bytes):
        raise ConflictError("the key was replaced by another one meanwhile: try again")
    return _add_version(tx, name, key, material, now=now)


def configure(tx: Transaction, name: str, change: KeyChange) -> tuple[Key, list[str]]:
    """Change what a key allows.

    Returns:
        The key, and warnings.

    Raises:
        InvalidInputError: there is no such key, or it cannot be like that.
    """
    key = _existing(tx, name, "no existing key of this name could be found")
    warnings = []
    decryption, encryption = change.min_decryption_version, change.min_encryption_version
    if decryption == 0:
        decryption = 1
        warnings.append("transit key numbering starts at 1; forcing minimum to 1")
    for minimum, word in ((decryption, "decryption"), (encryption, "encryption")):
        if minimum is not None and minimum > key.latest_version:
            raise InvalidInputError(
                f"cannot set min {word} version above the latest key version, which is {key.latest_version}"
            )
    if change.auto_rotate_seconds is not None:
        _check_auto_rotation(change.auto_rotate_seconds)
    changed = msgspec.structs.replace(
        key,
        min_decryption_version=_or(decryption, key.min_decryption_version),
        min_encryption_version=_or(encryption, key.min_encryption_version),
        deletion_allowed=_or(change.deletion_allowed, key.deletion_allowed),
        # Once a key could be read there is no telling who has it: taking that back would only look safe.
        exportable=key.exportable or bool(change.exportable),
        allow_plaintext_backup=key.allow_plaintext_backup or bool(change.allow_plaintext_backup),
        auto_rotate_seconds=_or(change.auto_rotate_seconds, key.auto_rotate_seconds),
    )
    if 0 < changed.min_encryption_version < changed.min_decryption_version:
        raise InvalidInputError(
            "cannot set min encryption/decryption values; min encryption version must be greater than or "
            "equal to min decryption version"
        )
    if changed.min_available_version > changed.min_encryption_version:
        raise InvalidInputError("min encryption version should not be less than min available version")
    if changed.min_available_version > changed.min_decryption_version:
        raise InvalidInputError("min decryption version should not be less then min available version")
    if changed != key:
        save_key(tx, name, changed)
    return changed, warnings


def trim(tx: Transaction, name: str, minimum: int) -> Key:
    """Erase all versions before ``minimum`` for good.

    Raises:
        InvalidInputError: there is no such key, or it still allows these versions.
    """
    key = _existing(tx, name, "invalid key name")
    problem = _trim_problem(key, minimum)
    if problem:
        raise InvalidInputError(problem)
    erase_versions(tx, name, max(1, key.min_available_version), minimum)
    trimmed = msgspec.structs.replace(key, min_available_version=minimum)
    save_key(tx, name, trimmed)
    return trimmed


def delete(tx: Transaction, name: str) -> None:
    """Erase a key, and with it everything that was encrypted with it.

    Raises:
        InvalidInputError: there is no such key, or it does not allow that.
    """
    key = _existing(tx, name, "error deleting policy: could not delete key; not found")
    if not key.deletion_allowed:
        raise InvalidInputError("error deleting policy: deletion is not allowed for this key")
    erase_key(tx, name, key)


def _existing(tx: Transaction, name: str, problem: str) -> Key:
    key = load_key(tx, name)
    if key is None:
        raise KeyNotFoundError(problem)
    return key


def _add_version(tx: Transaction, name: str, key: Key, material: Material, *, now: float) -> Key:
    grown = msgspec.structs.replace(key, latest_version=key.latest_version + 1, rotated_at=now)
    save_version(tx, name, grown.latest_version, KeyVersion(now, material))
    save_key(tx, name, grown)
    return grown


def _check_auto_rotation(seconds: int) -> None:
    if 0 < seconds < LEAST_AUTO_ROTATE_SECONDS:
        raise InvalidInputError("auto rotate period must be 0 to disable or at least an hour")


def _trim_problem(key: Key, minimum: int) -> str:
    if minimum <= 0:
        return "minimum available version should be positive"
    if minimum < key.min_available_version:
        return "minimum available version cannot be decremented"
    if key.min_encryption_version == 0:
        return "minimum available version cannot be set when minimum encryption version is not set"
    if minimum > key.min_encryption_version:
        return "minimum available version cannot be greater than minmum encryption version"
    if minimum > key.min_decryption_version:
        return "minimum available version cannot be greater than minimum decryption version"
    return ""


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value
