"""Who can open a set of backups: its data key, wrapped under a passphrase or under a secret of the provider.

    {"type": "holdfast-backup-key", "by": "passphrase", "salt": ..., "wrapped": ...}
    {"type": "holdfast-backup-key", "by": "secret", "path": "team/backups", "version": 3, ...}

Either is stretched by argon2id, for people choose both. The object is somebody else's until it opens: what it
asks for in memory and time is bounded first, and the secret that it names is one that the caller must be
allowed to name.
"""

import os
from base64 import b64decode, b64encode

import msgspec

from holdfast.crypto.aead import Aead, NotAuthenticError, new_key
from holdfast.errors import ConflictError
from holdfast.model import SecretBytes
from holdfast.node.backups.format import DamagedBackupError, SetPlace

PASSPHRASE, SECRET = "passphrase", "secret"
MAX_KEY_OBJECT_BYTES = 16 << 10
MEMORY_KIB, PASSES, LANES = 1 << 16, 3, 4  # RFC 9106, section 4, second recommended option
_MAX_MEMORY_KIB, _MAX_PASSES, _MAX_LANES = 1 << 18, 10, 16
_SALT_BYTES = 16


class WrongBackupKeyError(ConflictError):
    """The passphrase or secret does not open the backup, or somebody changed what it is tried on."""


class WrappedKey(
    msgspec.Struct, frozen=True, kw_only=True, tag="holdfast-backup-key", forbid_unknown_fields=True
):
    """The object that holds a set's data key.

    Attributes:
        layout: of this object.
        by: ``passphrase`` or ``secret``.
        provider: type of the provider that has the secret.
        path: name of the secret.
        namespace: the provider's namespace.
        version: version of the secret, if the provider keeps them.
        salt: for the stretching.
        memory_kib: likewise.
        passes: likewise.
        lanes: likewise.
        wrapped: the data key.
    """

    layout: int = 1
    by: str
    provider: str = ""
    path: str = ""
    namespace: str = ""
    version: int | None = None
    salt: str
    memory_kib: int = MEMORY_KIB
    passes: int = PASSES
    lanes: int = LANES
    wrapped: str = ""


def new_set_key(template: WrappedKey, place: SetPlace, secret: SecretBytes) -> tuple[bytes, SecretBytes]:
    """Make a data key; return the object that holds it, and the key.

    Args:
        template: which secret it is wrapped under.
        place: the set; the object opens for no other.
        secret: the passphrase or the secret's value.
    """
    wrapped = msgspec.structs.replace(template, salt=b64encode(os.urandom(_SALT_BYTES)).decode(), wrapped="")
    key = SecretBytes(new_key())
    with _stretched(wrapped, secret) as kek:
        sealed = Aead(kek.view()).seal(key.view(), _bound_to(wrapped, place))
    return msgspec.json.encode(msgspec.structs.replace(wrapped, wrapped=b64encode(sealed).decode())), key


def read_key_object(content: bytes | None) -> WrappedKey:
    """Read the object, of which nothing is believed yet.

    Raises:
        DamagedBackupError: it is missing, has another form, or asks for more than is ever needed.
    """
    if content is None:
        raise DamagedBackupError("the key of the backup is missing in the bucket")
    try:
        wrapped = msgspec.json.decode(content, type=WrappedKey)
        salt = b64decode(wrapped.salt, validate=True)
    except (msgspec.DecodeError, ValueError):
        raise DamagedBackupError("the key of the backup has another form than this node knows") from None
    known = wrapped.layout == 1 and wrapped.by in {PASSPHRASE, SECRET} and len(salt) == _SALT_BYTES
    affordable = (
        8 * wrapped.lanes <= wrapped.memory_kib <= _MAX_MEMORY_KIB
        and 1 <= wrapped.passes <= _MAX_PASSES
        and 1 <= wrapped.lanes <= _MAX_LANES
    )
    if not known or not affordable:
        raise DamagedBackupError("the key of the backup has another form than this node knows")
    return wrapped


def open_set_key(wrapped: WrappedKey, place: SetPlace, secret: SecretBytes) -> SecretBytes:
    """Return the data key of a set; the caller wipes it.

    Raises:
        WrongBackupKeyError: the secret is another one, or the object was changed.
    """
    try:
        sealed = b64decode(wrapped.wrapped, validate=True)
        with _stretched(wrapped, secret) as kek:
            opened = Aead(kek.view()).open_key(sealed, _bound_to(wrapped, place))
    except (NotAuthenticError, ValueError):
        word = "passphrase of the credential" if wrapped.by == PASSPHRASE else "secret"
        raise WrongBackupKeyError(
            f"the {word} does not open the backup: use the one that it was made with, if the bucket is intact"
        ) from None
    key = SecretBytes(opened)
    opened[:] = bytes(len(opened))
    return key


def _stretched(wrapped: WrappedKey, secret: SecretBytes) -> SecretBytes:
    from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415 - loads a library for backups alone

    return SecretBytes(
        hash_secret_raw(
            secret.reveal(),
            b64decode(wrapped.salt),
            time_cost=wrapped.passes,
            memory_cost=wrapped.memory_kib,
            parallelism=wrapped.lanes,
            hash_len=32,
            type=Type.ID,
        )
    )


def _bound_to(wrapped: WrappedKey, place: SetPlace) -> bytes:
    return place.key.encode() + b"\0" + msgspec.json.encode(msgspec.structs.replace(wrapped, wrapped=""))
