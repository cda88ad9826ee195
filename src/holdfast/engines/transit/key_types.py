"""The types of key that can be made, and what each can do: one table."""

from enum import StrEnum

import msgspec

from holdfast.errors import InvalidInputError


class Family(StrEnum):
    """Types that work alike."""

    AES_GCM = "aes-gcm"
    CHACHA20_POLY1305 = "chacha20-poly1305"
    RSA = "rsa"
    ECDSA = "ecdsa"
    ED25519 = "ed25519"
    HMAC = "hmac"


_AEAD = frozenset({Family.AES_GCM, Family.CHACHA20_POLY1305})


class KeyType(msgspec.Struct, frozen=True):
    """One type.

    Attributes:
        name: as the API spells it.
        family: what it works like.
        bits: the size of the key; for a signature key on a curve, that of the curve.
        curve: the curve's name as certificates write it; empty without one.
    """

    name: str
    family: Family
    bits: int
    curve: str = ""

    @property
    def is_aead(self) -> bool:
        """Whether it encrypts with a secret key, and authenticates associated data."""
        return self.family in _AEAD

    @property
    def encrypts(self) -> bool:
        """Whether it encrypts and decrypts."""
        return self.is_aead or self.family is Family.RSA

    @property
    def signs(self) -> bool:
        """Whether it signs and verifies."""
        return self.is_asymmetric

    @property
    def derives(self) -> bool:
        """Whether there can be a key of its own for every context."""
        return self.is_aead or self.family is Family.ED25519

    @property
    def is_asymmetric(self) -> bool:
        """Whether it has a public key."""
        return self.family in {Family.RSA, Family.ECDSA, Family.ED25519}

    @property
    def hashes_input(self) -> bool:
        """Whether what is signed is a hash of the input, by an algorithm that the caller picks."""
        return self.family in {Family.RSA, Family.ECDSA}


DEFAULT_KEY_TYPE = "aes256-gcm96"
LEAST_HMAC_KEY_BYTES, MOST_HMAC_KEY_BYTES = 32, 512

KEY_TYPES = {
    key_type.name: key_type
    for key_type in (
        KeyType("aes128-gcm96", Family.AES_GCM, 128),
        KeyType("aes256-gcm96", Family.AES_GCM, 256),
        KeyType("chacha20-poly1305", Family.CHACHA20_POLY1305, 256),
        KeyType("rsa-2048", Family.RSA, 2048),
        KeyType("rsa-3072", Family.RSA, 3072),
        KeyType("rsa-4096", Family.RSA, 4096),
        KeyType("ecdsa-p256", Family.ECDSA, 256, curve="P-256"),
        KeyType("ecdsa-p384", Family.ECDSA, 384, curve="P-384"),
        KeyType("ecdsa-p521", Family.ECDSA, 521, curve="P-521"),
        KeyType("ed25519", Family.ED25519, 256),
        KeyType("hmac", Family.HMAC, 256),
    )
}


def key_type(name: str) -> KeyType:
    """Return the type of this name.

    Raises:
        InvalidInputError: there is none.
    """
    found = KEY_TYPES.get(name)
    if found is None:
        raise InvalidInputError(f"unknown key type: expected one of {', '.join(KEY_TYPES)}")
    return found
