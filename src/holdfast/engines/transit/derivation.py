"""A key of its own for every context: HKDF with SHA-256 (RFC 5869), no salt, the context as info."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.errors import InvalidInputError

KDF_NAME = "hkdf_sha256"
MISSING_CONTEXT = (
    "missing 'context' for key derivation; the key was created using a derived key, which means additional, "
    "per-request information must be included in order to perform operations with the key"
)


def derive(secret: bytes, context: bytes, length: int) -> bytes:
    """Return the first ``length`` bytes of the key of ``context``.

    Raises:
        InvalidInputError: there is no context.
    """
    if not context:
        raise InvalidInputError(MISSING_CONTEXT)
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=context).derive(secret)
