"""How a store is sealed: what is known of the unseal key while nobody holds it.

Stored in clear, as JSON for people to read, because it is needed before anything can be opened. It is
therefore not protected either: who changes it keeps the store from being unsealed, and gains nothing. The
shares in it are OpenPGP messages that only their recipients can read.
"""

from binascii import unhexlify
from typing import Self

import msgspec

from holdfast.barrier.errors import RecordError
from holdfast.crypto.aead import KEY_BYTES
from holdfast.crypto.shamir import check_split
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader, Transaction

SEAL_CONFIG_PATH = "core/seal-config"
SHAMIR = "shamir"
GPG = "gpg"
TRANSIT = "transit"


class SealConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Into how many shares the unseal key is split, and for whom they are.

    Attributes:
        type: ``shamir``: people hand in shares; ``gpg``: the store can open itself with a private key;
            ``transit``: it can open itself with the help of another store.
        shares: 1 to 255.
        threshold: how many shares unseal.
        encrypted_shares: each share as a binary OpenPGP message in hex; empty if shares went out in clear.
        fingerprints: the OpenPGP keys that these are for, in the same order.
        wrapped_key: the unseal key as only the other store can read it; empty without one.

    Raises:
        InvalidInputError: numbers that no split can have, or messages that do not go with them.
    """

    type: str = SHAMIR
    shares: int
    threshold: int
    encrypted_shares: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    wrapped_key: str = ""

    def __post_init__(self) -> None:
        if self.type not in {SHAMIR, GPG, TRANSIT}:
            raise InvalidInputError("seal type: expected shamir, gpg or transit")
        if (self.type == TRANSIT) is not bool(self.wrapped_key):
            raise InvalidInputError("seal type: expected a wrapped key with transit, and only with that")
        check_split(shares=self.shares, threshold=self.threshold)
        if len(self.encrypted_shares) not in {0, self.shares} or len(self.fingerprints) != len(
            self.encrypted_shares
        ):
            raise InvalidInputError("encrypted shares: expected one for each share")

    @property
    def share_bytes(self) -> int:
        """Length of a share: the unseal key and a coordinate, or the unseal key itself."""
        return KEY_BYTES if self.shares == 1 else KEY_BYTES + 1

    def without_messages(self) -> Self:
        """Return it with no share in it, encrypted or not."""
        return msgspec.structs.replace(self, encrypted_shares=(), fingerprints=())

    def messages(self) -> list[bytes]:
        """Return the encrypted shares as OpenPGP messages.

        Raises:
            RecordError: what is stored is not hex.
        """
        try:
            return [unhexlify(share) for share in self.encrypted_shares]
        except ValueError:
            raise RecordError(SEAL_CONFIG_PATH) from None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SealConfig).decode


def load_seal_config(reader: Reader) -> SealConfig | None:
    """Return how the store is sealed, or ``None`` if it has no keys yet.

    Raises:
        RecordError: what is stored is no seal configuration.
    """
    record = reader.get(SEAL_CONFIG_PATH)
    if record is None:
        return None
    try:
        return _decode(record)
    except (msgspec.DecodeError, InvalidInputError):
        raise RecordError(SEAL_CONFIG_PATH) from None


def save_seal_config(tx: Transaction, config: SealConfig) -> None:
    """Store how the store is sealed."""
    tx.put(SEAL_CONFIG_PATH, _encode(config))
