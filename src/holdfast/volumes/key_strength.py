"""How hard a key is to guess, and so how slow the header has to make each guess.

A key of 128 random bits or more cannot be guessed, and a slow derivation only delays every attach
(two seconds and a gigabyte at cryptsetup's defaults). A passphrase that a person chose needs it, with a
stated memory limit, or a few attaches at once exhaust a small node.

Randomness cannot be measured, so the fast setting is for keys in the forms that generators write, and
that people do not: base64 or hex text, or raw bytes, that stand for 16 bytes or more of which most
differ. Everything else is treated as a passphrase: a wrong guess costs time, not safety.
"""

import base64
import binascii
import string

from holdfast.errors import InvalidInputError
from holdfast.model.secret_bytes import SecretBytes

MIN_RANDOM_BYTES = 16
MAX_KEY_BYTES = 4096

# 1000 is the least that cryptsetup takes. To be given to every command that writes a keyslot.
FAST_OPTIONS = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
# RFC 9106 section 4, second recommended option (64 MiB); cryptsetup wants four passes at least.
SLOW_OPTIONS = (
    *("--pbkdf", "argon2id", "--pbkdf-memory", "65536"),
    *("--pbkdf-force-iterations", "4", "--pbkdf-parallel", "4"),
)

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def require_usable(key: SecretBytes) -> None:
    """Raise ``InvalidInputError`` for a key that no header can take: empty, or over the limit."""
    if not 1 <= len(key) <= MAX_KEY_BYTES:
        raise InvalidInputError(f"key: expected 1 to {MAX_KEY_BYTES} bytes")


def kdf_options(key: SecretBytes) -> tuple[str, ...]:
    """Return the cryptsetup options that fit the strength of a key."""
    return FAST_OPTIONS if is_random(key) else SLOW_OPTIONS


def is_random(key: SecretBytes) -> bool:
    """Whether the key looks like the output of a generator of 128 bits or more."""
    decoded = _decode(key.reveal())
    # Of n random bytes far more than half are distinct; a repeated pattern or padding is not random.
    return len(decoded) >= MIN_RANDOM_BYTES and 2 * len(set(decoded)) > min(len(decoded), 256)


def _decode(text: bytes) -> bytes:
    if not text.isascii():
        return text if not _is_utf8(text) else b""
    try:
        return binascii.unhexlify(text)
    except ValueError:
        pass
    try:
        decoded = base64.b64decode(text.translate(_URL_SAFE) + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""
    # Words run together are valid base64, but lack one of the kinds of characters that random text has.
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    has_all_kinds = all(any(character in kind.encode() for character in text) for kind in kinds)
    return decoded if has_all_kinds else b""


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
