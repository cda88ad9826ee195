"""A whole key with all its versions as one text, which makes the same key somewhere else.

    base64 of: "holdfast-transit" | format (1) | msgpack [name, Key, {number: KeyVersion}]

Whoever has it has the key. It is Holdfast's own form: backups of other stores are not read.
"""

import base64

import msgspec

from holdfast.engines.transit.changes import KeyNotFoundError, check_new_key
from holdfast.engines.transit.key_types import KEY_TYPES
from holdfast.engines.transit.material import check
from holdfast.engines.transit.records import (
    Key,
    KeyVersion,
    Moment,
    erase_key,
    is_key_name,
    load_key,
    load_version,
    save_key,
    save_version,
)
from holdfast.engines.transit.versioned import decode_base64
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.storage.interface import Transaction

_MAGIC = b"holdfast-transit\x01"
NOT_A_BACKUP = "backup: expected what Holdfast's backup of a key answered"


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """A key on its way.

    Attributes:
        name: what it was called.
        key: its record.
        versions: those that it still has, by number.
    """

    name: str
    key: Key
    versions: dict[int, KeyVersion]

    def __repr__(self) -> str:
        return "Backup(...)"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Backup).decode


def back_up(tx: Transaction, name: str, *, now: float) -> str:
    """Return the whole key, and note that somebody has it.

    Raises:
        InvalidInputError: there is no such key, or it does not allow that.
    """
    key = load_key(tx, name)
    if key is None:
        raise KeyNotFoundError("key not found")
    if not key.exportable:
        raise InvalidInputError("exporting is disallowed on the policy")
    if not key.allow_plaintext_backup:
        raise InvalidInputError("plaintext backup is disallowed on the policy")
    key = msgspec.structs.replace(key, backup=Moment(now, key.latest_version))
    save_key(tx, name, key)
    first = max(1, key.min_available_version)
    versions = {number: load_version(tx, name, number) for number in range(first, key.latest_version + 1)}
    return base64.b64encode(_MAGIC + _encode(Backup(name, key, versions))).decode("ascii")


def read_backup(text: str) -> Backup:
    """Return what ``back_up`` wrote, checked to be a whole key.

    Raises:
        InvalidInputError: it is none.
    """
    data = decode_base64(text, NOT_A_BACKUP)
    if not data.startswith(_MAGIC):
        raise InvalidInputError(NOT_A_BACKUP)
    try:
        backup = _decode(data[len(_MAGIC) :])
    except msgspec.DecodeError:
        backup = None
    if backup is None:  # out here, because the error above carries the input along
        raise InvalidInputError(NOT_A_BACKUP)
    _check(backup)
    return backup


def restore(tx: Transaction, name: str, backup: Backup, *, now: float, force: bool) -> Key:
    """Make the key of a backup.

    Args:
        tx: the mount.
        name: what it shall be called.
        backup: as ``read_backup`` returned it.
        now: Unix seconds.
        force: erase a key that has this name.

    Raises:
        ConflictError: a key has this name.
    """
    present = load_key(tx, name)
    if present is not None:
        if not force:
            raise ConflictError("a key of this name already exists")
        erase_key(tx, name, present)
    key = msgspec.structs.replace(backup.key, restored=Moment(now, backup.key.latest_version))
    for number, version in backup.versions.items():
        save_version(tx, name, number, version)
    save_key(tx, name, key)
    return key


def _check(backup: Backup) -> None:
    key = backup.key
    first = max(1, key.min_available_version)
    if not (
        is_key_name(backup.name)
        and key.type_name in KEY_TYPES
        and len(backup.versions) == key.latest_version - first + 1  # before anything of that size is built
        and set(backup.versions) == set(range(first, key.latest_version + 1))
        and first <= key.min_decryption_version <= key.latest_version
        and 0 <= key.min_encryption_version <= key.latest_version
        and key.min_available_version >= 0
        and key.auto_rotate_seconds >= 0
    ):
        raise InvalidInputError(NOT_A_BACKUP)
    check_new_key(key)
    for version in backup.versions.values():
        check(key.type, version.material)
