"""What a key can do, and the algorithms there are; one module beside this one for each family of keys.

A key states the algorithms that it is good for, and is never tried as anything else: a public key has no
way to become a shared secret (RFC 8725 section 3.1). A key may carry an id, by which a token names it, so
that old and new keys can be trusted side by side while tokens change over.
"""

from enum import StrEnum
from typing import Protocol

from holdfast.errors import InvalidInputError

MAX_KEY_ID_LENGTH = 128


class Algorithm(StrEnum):
    """Signature algorithms, by their names in the token header (RFC 7518 section 3.1, RFC 8037 section 3.1).

    Not here, on purpose: ``none``. PS* and EdDSA are for tokens of providers only: storage servers of this
    API refuse them, and so do keys that are loaded for it (see ``key_files``).
    """

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"
    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    EDDSA = "EdDSA"


OF_STORAGE_API = frozenset(algorithm for algorithm in Algorithm if algorithm[:2] in {"HS", "RS", "ES"})


class VerifyingKey(Protocol):
    """A key that can tell whether a signature is genuine."""

    @property
    def key_id(self) -> str:
        """The ``kid`` by which tokens name this key; empty when it has none."""
        ...

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """The algorithms that this key may verify."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the verifying material; equal for equal keys. Never shown to anybody."""
        ...

    def verify(self, algorithm: Algorithm, message: bytes, signature: bytes) -> None:
        """Return if ``signature`` is genuine.

        Raises:
            BadSignatureError: it is not, or this key is not good for ``algorithm``.
        """
        ...


class SigningKey(Protocol):
    """A key that can sign tokens."""

    @property
    def key_id(self) -> str:
        """The ``kid`` that goes into the header; left out when empty."""
        ...

    @property
    def signing_algorithm(self) -> Algorithm:
        """The one algorithm that this key signs with."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of RFC 7518, before base64url."""
        ...


def check_key_id(key_id: str) -> str:
    """Return ``key_id`` if it can stand in a token header and in a log line.

    Raises:
        InvalidInputError: not printable ASCII, or too long.
    """
    if len(key_id) > MAX_KEY_ID_LENGTH or not (key_id.isascii() and key_id.isprintable()):
        raise InvalidInputError(
            f"key id: expected at most {MAX_KEY_ID_LENGTH} printable ASCII characters, or none"
        )
    return key_id
