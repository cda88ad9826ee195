"""Key sets as providers publish them: JSON Web Keys, in a set (RFC 7517 section 5).

A set may hold keys of kinds and for purposes that are not used here; they are passed over, as the standard
asks. Never taken from a set are shared secrets: whoever can read a published set could sign with them.
"""

import binascii
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from holdfast.errors import InvalidInputError
from holdfast.tokens.ec_key import EcVerifyingKey
from holdfast.tokens.keys import VerifyingKey
from holdfast.tokens.rsa_key import RsaVerifyingKey

MAX_KEYS = 64
MAX_SET_BYTES = 256 * 1024
_MAX_NUMBER_TEXT = 2048

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


def read_key_set(document: bytes) -> tuple[VerifyingKey, ...]:
    """Return the usable keys of a published set.

    Raises:
        InvalidInputError: not a key set, or none of its keys is of use.
    """
    try:
        keys = msgspec.json.decode(document)["keys"] if len(document) <= MAX_SET_BYTES else None
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        keys = None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise InvalidInputError(f"key set: expected an object with a list of at most {MAX_KEYS} keys")
    usable = [key for each in keys if isinstance(each, dict) and (key := _read_key(each)) is not None]
    if not usable:
        raise InvalidInputError("key set: expected at least one RSA or EC key for signatures")
    return tuple(usable)


def _read_key(key: dict[str, Any]) -> VerifyingKey | None:
    """Return one key, or ``None`` for a key that is of no use here."""
    operations = key.get("key_ops")
    if key.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return None
    key_id = key.get("kid", "")
    if not isinstance(key_id, str):
        return None
    try:
        if key.get("kty") == "RSA":
            numbers = rsa.RSAPublicNumbers(_number(key, "e"), _number(key, "n"))
            return RsaVerifyingKey(numbers.public_key(), key_id=key_id)
        if key.get("kty") == "EC":
            curve = _CURVES[key["crv"]]()
            point = ec.EllipticCurvePublicNumbers(_number(key, "x"), _number(key, "y"), curve)
            return EcVerifyingKey(point.public_key(), key_id=key_id)
    except (InvalidInputError, ValueError, KeyError, TypeError):
        pass  # too weak, off the curve, or malformed: as good as absent
    return None


def _number(key: dict[str, Any], name: str) -> int:
    text = key[name]
    if not isinstance(text, str) or len(text) > _MAX_NUMBER_TEXT:
        raise ValueError(name)
    try:
        return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    except binascii.Error:
        raise ValueError(name) from None
