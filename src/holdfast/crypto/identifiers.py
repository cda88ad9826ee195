"""Names that nobody can guess: tokens, accessors, identifiers in UUID form.

Everything that authenticates, or must not be found by trying, has at least 128 random bits from the
operating system. A version 4 UUID has 122, so ``new_uuid`` keeps the UUID's shape and fixes no bit.
"""

import secrets
import string

SERVICE_TOKEN_PREFIX = "hvs."  # noqa: S105  # what Vault 1.10 and later put before a service token
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
BASE62_LENGTH = 24  # 142 bits; the length that Vault clients are used to
SHORT_ID_LENGTH = 6


def new_token(prefix: str = SERVICE_TOKEN_PREFIX) -> str:
    """Return a new bearer token: ``prefix`` and 24 random base62 characters."""
    return prefix + _random_base62()


def new_accessor() -> str:
    """Return a new accessor: 24 random base62 characters."""
    return _random_base62()


def new_short_id() -> str:
    """Return six random base62 characters, which tell things apart and keep nobody out."""
    return "".join(secrets.choice(BASE62) for _ in range(SHORT_ID_LENGTH))


def new_uuid() -> str:
    """Return 128 random bits in the text form of a UUID."""
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def random_hex(byte_count: int) -> str:
    """Return ``byte_count`` random bytes as lower-case hex."""
    return secrets.token_hex(byte_count)


def _random_base62() -> str:
    return "".join(secrets.choice(BASE62) for _ in range(BASE62_LENGTH))
