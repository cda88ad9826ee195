"""The id that a public key has by itself: the thumbprint of its JSON Web Key (RFC 7638).

Whoever signs and whoever verifies work out the same id from the same key, so that nobody has to agree on
names. Shared secrets have no such id on purpose: it would be a hash of the secret that anybody may read.
"""

import hashlib
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from holdfast.formats.strict_json import encode

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def thumbprint(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    """Return the thumbprint of a key, in base64url."""
    # The required members alone, in alphabetical order and without blanks (section 3.2).
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    else:
        point, width = key.public_numbers(), (key.curve.key_size + 7) // 8
        members = {
            "crv": _CURVES[key.curve.name],
            "kty": "EC",
            "x": _number(point.x, width),
            "y": _number(point.y, width),
        }
    return _base64url(hashlib.sha256(encode(members)).digest())


def _number(number: int, width: int = 0) -> str:
    return _base64url(number.to_bytes(width or (number.bit_length() + 7) // 8))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
