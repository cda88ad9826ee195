"""How a store is sealed: what is known of the unseal key while nobody holds it.

Stored in clear, as JSON for people to read, because it is needed before anything can be opened. It is
therefore not protected either: who changes it keeps the store from being unsealed, and gains nothing.
"""

import msgspec

from holdfast.barrier.errors import RecordError
from holdfast.crypto.aead import KEY_BYTES
from holdfast.crypto.shamir import check_split
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader, Transaction

SEAL_CONFIG_PATH = "core/seal-config"
SHAMIR = "shamir"


class SealConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Into how many shares the unseal key is split.

    Attributes:
        type: how the unseal key is kept; ``shamir`` is the only way so far.
        shares: 1 to 255.
        threshold: how many shares unseal.

    Raises:
        InvalidInputError: numbers that no split can have.
    """

    type: str = SHAMIR
    shares: int
    threshold: int

    def __post_init__(self) -> None:
        if self.type != SHAMIR:
            raise InvalidInputError("seal type: expected shamir")
        check_split(shares=self.shares, threshold=self.threshold)

    @property
    def share_bytes(self) -> int:
        """Length of a share: the unseal key and a coordinate, or the unseal key itself."""
        return KEY_BYTES if self.shares == 1 else KEY_BYTES + 1


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
