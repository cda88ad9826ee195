"""What is stored of a key.

    key/<name>                    Key: what it is, and which of its versions may be used for what
    version/<name>/<number>       KeyVersion: when it was made, and what it is made of
    auto/<name>                   empty: the key is rotated when its time has come
    config/keys                   KeysConfig: settings of the mount

A version is written once and never changed, so that every version that was ever used is there until it is
trimmed. Records are msgpack arrays. Fields are only ever added, at the end and with a default: records that
are already stored must keep opening.
"""

import re

import msgspec

from holdfast.engines.transit.key_types import KEY_TYPES, KeyType
from holdfast.engines.transit.material import Material
from holdfast.errors import InternalError, InvalidInputError
from holdfast.storage.interface import Reader, Transaction

_NAME = re.compile(r"\w(?:[\w.-]*\w)?", re.ASCII)
MAX_NAME_LENGTH = 255
_KEYS, _VERSIONS, _AUTO, _CONFIG = "key/", "version/", "auto/", "config/keys"


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """When a key was backed up or restored, and at which version."""

    time: float
    version: int


class Key(msgspec.Struct, frozen=True, array_like=True):
    """A key without what it is made of. Fields are only ever appended.

    Attributes:
        type_name: one of ``KEY_TYPES``.
        latest_version: the number of the newest version; the first is 1.
        derived: whether every use names a context, and each context has a key of its own.
        convergent: whether the same plaintext in the same context always becomes the same ciphertext.
        exportable: whether the key itself may be read; once set it stays.
        allow_plaintext_backup: whether the whole key may be taken away; once set it stays.
        deletion_allowed: whether it may be deleted.
        min_decryption_version: older ones decrypt and verify nothing.
        min_encryption_version: older ones encrypt and sign nothing; 0 leaves it to the caller.
        min_available_version: older ones are erased; 0 before the first trimming.
        auto_rotate_seconds: for how long a version may be the newest; 0 for ever.
        key_bytes: the size of an HMAC key.
        rotated_at: Unix seconds at which the newest version was made.
        backup: the last one; ``None`` for none.
        restored: the last time; ``None`` for never.
    """

    type_name: str
    latest_version: int
    derived: bool = False
    convergent: bool = False
    exportable: bool = False
    allow_plaintext_backup: bool = False
    deletion_allowed: bool = False
    min_decryption_version: int = 1
    min_encryption_version: int = 0
    min_available_version: int = 0
    auto_rotate_seconds: int = 0
    key_bytes: int = 0
    rotated_at: float = 0.0
    backup: Moment | None = None
    restored: Moment | None = None

    @property
    def type(self) -> KeyType:
        """What it is."""
        return KEY_TYPES[self.type_name]

    @property
    def due_at(self) -> float:
        """Unix seconds at which it is to be rotated; infinite for never."""
        return self.rotated_at + self.auto_rotate_seconds if self.auto_rotate_seconds else float("inf")


class KeyVersion(msgspec.Struct, frozen=True, array_like=True):
    """One version of a key."""

    created_at: float
    material: Material


class KeysConfig(msgspec.Struct, frozen=True, array_like=True):
    """Settings of a mount.

    Attributes:
        disable_upsert: whether encrypting with a key that is not there fails, instead of making it.
    """

    disable_upsert: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode_key = msgspec.msgpack.Decoder(Key).decode
_decode_version = msgspec.msgpack.Decoder(KeyVersion).decode
_decode_config = msgspec.msgpack.Decoder(KeysConfig).decode


def is_key_name(name: str) -> bool:
    """Whether a key can have this name."""
    return len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


def load_key(reader: Reader, name: str) -> Key | None:
    """Return the key of this name, or ``None``."""
    record = reader.get(_KEYS + name)
    return None if record is None else _decode_key(record)


def load_version(reader: Reader, name: str, number: int) -> KeyVersion:
    """Return one version of a key that is there.

    Raises:
        InvalidInputError: it has no such version, or no longer.
    """
    record = reader.get(_version_key(name, number))
    if record is None:
        raise InvalidInputError("no such key version")
    return _decode_version(record)


def list_keys(reader: Reader, *, after: str = "", limit: int = 1000) -> list[str]:
    """Return names of keys, sorted."""
    return reader.list(_KEYS, after=after, limit=limit)


def list_auto_rotated(reader: Reader, *, after: str = "", limit: int = 1000) -> list[str]:
    """Return names of keys that are to be rotated from time to time, sorted."""
    return reader.list(_AUTO, after=after, limit=limit)


def save_key(tx: Transaction, name: str, key: Key) -> None:
    """Write the record of a key."""
    if not is_key_name(name):
        raise InternalError("a key has a name that none can have")
    tx.put(_KEYS + name, _encode(key))
    if key.auto_rotate_seconds:
        tx.put(_AUTO + name, b"")
    else:
        tx.delete(_AUTO + name)


def save_version(tx: Transaction, name: str, number: int, version: KeyVersion) -> None:
    """Write one version of a key."""
    tx.put(_version_key(name, number), _encode(version))


def erase_versions(tx: Transaction, name: str, first: int, below: int) -> None:
    """Erase the versions from ``first`` up to, but without, ``below``."""
    for number in range(first, below):
        tx.delete(_version_key(name, number))


def erase_key(tx: Transaction, name: str, key: Key) -> None:
    """Erase a key with all its versions."""
    erase_versions(tx, name, max(1, key.min_available_version), key.latest_version + 1)
    tx.delete(_KEYS + name)
    tx.delete(_AUTO + name)


def load_config(reader: Reader) -> KeysConfig:
    """Return the settings of the mount."""
    record = reader.get(_CONFIG)
    return KeysConfig() if record is None else _decode_config(record)


def save_config(tx: Transaction, config: KeysConfig) -> None:
    """Write the settings of the mount."""
    tx.put(_CONFIG, _encode(config))


def _version_key(name: str, number: int) -> str:
    return f"{_VERSIONS}{name}/{number}"
