"""The form that a public key has outside of this program: SubjectPublicKeyInfo (RFC 5280 section 4.1)."""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def pem_of(key: PublicKey) -> bytes:
    """Return a key as PEM, the form a verifier is configured with."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint_of(key: PublicKey) -> bytes:
    """Return SHA-256 over a key; equal for equal keys."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
