"""How a new store is sealed, and where the private key of a store lies that opens itself.

storage      beside the data. Convenient, and no protection against whoever gets hold of both
file         in a file that only its owner reads; keep it on another disk than the data
credential   in a file that systemd hands to the service (``LoadCredentialEncrypted=``)
none         nowhere near: people decrypt the shares, and hand them in

With type ``transit`` there is no private key: another store decrypts the unseal key (``other_store``). People
get shares all the same, so that a store outlives the other one.
"""

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from holdfast.barrier.key_pair import generate_key_pair
from holdfast.barrier.seal import Wrap
from holdfast.barrier.seal_config import GPG, SHAMIR
from holdfast.crypto.openpgp import Recipient, public_part, read_recipient
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.other_store import KeyWrapper

PRIVATE_KEY_PATH = "core/seal-private-key"
MAX_PRIVATE_KEY_BYTES = 64 * 1024


class Place(StrEnum):
    """Where the private key lies."""

    STORAGE = "storage"
    FILE = "file"
    CREDENTIAL = "credential"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSettings:
    """The ``seal`` stanza of a configuration.

    Attributes:
        type: of a store that is still to be initialised; one that is keeps its own.
        place: where the private key lies.
        path: the file, for ``Place.FILE`` and ``Place.CREDENTIAL``.
        public_keys: OpenPGP public keys for ``Place.NONE``, one for each share.
        threshold: how many of these people unseal.
        reveal_root_token: keep the first root token, and show it to superusers who ask how the store was
            initialised, as DC/OS did.
        wrapper: the other store, for type ``transit``.
    """

    type: str = SHAMIR
    place: Place = Place.NONE
    path: str = ""
    public_keys: tuple[bytes, ...] = field(default=(), repr=False)
    threshold: int = 1
    reveal_root_token: bool = False
    wrapper: KeyWrapper | None = field(default=None, repr=False)

    @property
    def opens_itself(self) -> bool:
        """Whether there is a private key that the store finds by itself."""
        return self.type == GPG and self.place is not Place.NONE

    @property
    def wrap(self) -> Wrap | None:
        """Has the other store encrypt an unseal key; ``None`` without one."""
        return None if self.wrapper is None else self.wrapper.wrap

    def recipients(self) -> list[Recipient]:
        """Return whom shares are encrypted for without a private key of the store's own."""
        return [read_recipient(key) for key in self.public_keys]


def ensure_private_key(settings: SealSettings) -> SecretBytes:
    """Return the private key of a store that is about to be initialised; make one if there is none.

    With ``Place.STORAGE`` it is the caller's to store, by ``store_private_key``.

    Raises:
        InvalidInputError: there is something else in the file.
        UnavailableError: it cannot be made, written or read.
    """
    if settings.place is Place.CREDENTIAL or (settings.place is Place.FILE and Path(settings.path).exists()):
        key = _read(settings.path)
        public_part(key)
        return key
    key = generate_key_pair()
    if settings.place is Place.FILE:
        _write(settings.path, key)
    return key


def store_private_key(tx: Transaction, key: SecretBytes | None) -> None:
    """Keep the private key beside the data: base64 of the armoured block; ``None`` removes it."""
    if key is None:
        tx.delete(PRIVATE_KEY_PATH)
    else:
        tx.put(PRIVATE_KEY_PATH, base64.b64encode(key.reveal()))


def find_private_key(settings: SealSettings, reader: Reader) -> SecretBytes:
    """Return the private key from where the configuration says that it lies.

    Raises:
        UnavailableError: it is not there, or not to be had.
        InvalidInputError: it is unfit, or others could read it as well.
    """
    if settings.place is Place.STORAGE:
        stored = reader.get(PRIVATE_KEY_PATH)
        if stored is None:
            raise UnavailableError("the storage holds no private key of the seal")
        try:
            return SecretBytes(base64.b64decode(stored, validate=True))
        except binascii.Error:
            raise UnavailableError("the private key of the seal in storage is damaged") from None
    if settings.place is Place.NONE:
        raise UnavailableError("no private key of the seal is at hand: people have to decrypt the shares")
    return _read(settings.path)


def _read(path: str) -> SecretBytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                raise InvalidInputError(
                    "the private key of the seal can be read by others: chmod 0600 its file, "
                    "or 0400 for a credential"
                )
            content = bytearray(file.read(MAX_PRIVATE_KEY_BYTES + 1))
    except OSError as error:
        raise UnavailableError(
            "the private key of the seal cannot be read", detail=error.strerror or ""
        ) from None
    try:
        if len(content) > MAX_PRIVATE_KEY_BYTES:
            raise InvalidInputError("the file of the seal's private key is too large to be one")
        return SecretBytes(content)
    finally:
        content[:] = bytes(len(content))


def _write(path: str, key: SecretBytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.view())
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise UnavailableError(
            "the private key of the seal cannot be written to its file", detail=error.strerror or ""
        ) from None
