"""Hashes by the names that the API has for them, and HMACs with a key's own HMAC key."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes

from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.errors import InvalidInputError

DEFAULT_HASH = "sha2-256"
NO_HASH = "none"

_HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "sha1": ("sha1", hashes.SHA1()),  # noqa: S303 - for what others signed long ago; nothing here picks it
    "sha2-224": ("sha224", hashes.SHA224()),
    "sha2-256": ("sha256", hashes.SHA256()),
    "sha2-384": ("sha384", hashes.SHA384()),
    "sha2-512": ("sha512", hashes.SHA512()),
    "sha3-224": ("sha3_224", hashes.SHA3_224()),
    "sha3-256": ("sha3_256", hashes.SHA3_256()),
    "sha3-384": ("sha3_384", hashes.SHA3_384()),
    "sha3-512": ("sha3_512", hashes.SHA3_512()),
}
_PLAIN = frozenset(_HASHES) - {"sha1"}


def hash_algorithm(name: str) -> hashes.HashAlgorithm:
    """Return a hash for signatures.

    Raises:
        InvalidInputError: there is none of this name.
    """
    if name not in _HASHES:
        raise InvalidInputError(f"invalid hash algorithm: expected one of {', '.join(_HASHES)}")
    return _HASHES[name][1]


def digest(algorithm: str, data: bytes) -> bytes:
    """Return the hash of ``data``.

    Raises:
        InvalidInputError: there is no hash of this name, or it is not offered without a key.
    """
    if algorithm not in _PLAIN:
        raise InvalidInputError(f"unsupported algorithm: expected one of {', '.join(sorted(_PLAIN))}")
    return hashlib.new(_HASHES[algorithm][0], data).digest()


def check_hmac_algorithm(name: str) -> None:
    """Refuse an algorithm that there are no HMACs with.

    Raises:
        InvalidInputError: it is one of these.
    """
    if name not in _HASHES:
        raise InvalidInputError(f"unsupported algorithm: expected one of {', '.join(_HASHES)}")


def hmac_version(key: Key, wanted: int) -> int:
    """Return the number of the version to make an HMAC with; 0 stands for the newest.

    Raises:
        InvalidInputError: the key has no such version, or does not allow it.
    """
    if wanted > key.latest_version:
        raise InvalidInputError(f"key version does not exist; latest key version is {key.latest_version}")
    if wanted and wanted < key.min_encryption_version:
        raise InvalidInputError("cannot generate HMAC: version is too old (disallowed by policy)")
    return wanted or key.latest_version


def make_hmac(version: KeyVersion, algorithm: str, data: bytes) -> bytes:
    """Return the HMAC of ``data``."""
    return hmac.digest(version.material.hmac_key, data, _HASHES[algorithm][0])


def is_hmac(version: KeyVersion, algorithm: str, data: bytes, claimed: bytes) -> bool:
    """Whether ``claimed`` is the HMAC of ``data``; takes as long either way."""
    return hmac.compare_digest(make_hmac(version, algorithm, data), claimed)
