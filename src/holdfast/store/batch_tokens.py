"""Tokens that are stored nowhere: what a token is and may do is inside it, for nobody to read but the store.

    hvb. base64url( version (1) | term (4, big endian) | salt (32) | sealed entry | mac (32) )
    sealed entry:   nonce (12) | ciphertext | tag (16)

The plaintext is the entry that a stored token would have. Its key is made from the named term of the keyring
and the salt, so every token has its own (see ``Keyring.cipher_for``), and any process makes tokens without
asking the keeper and without a write. The associated data are everything before the nonce. The MAC over all
that comes before it is under the key that names tokens, which all nodes have and which is never rotated: it
refuses what a stranger made up before anybody looks for the key term that is named there.

What is stored nowhere cannot be changed: such a token is not renewed, not revoked, has no accessor, no
children and no cubbyhole. It ends by its time, with the parent that it names, or with the auth mount that it
came from.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes

from holdfast.barrier import Keyring
from holdfast.crypto.aead import OVERHEAD_BYTES, NotAuthenticError
from holdfast.errors import InvalidInputError, UnauthenticatedError
from holdfast.store.token_records import TokenEntry, TokenHasher, decode_entry, encode_entry

BATCH_TOKEN_PREFIX = "hvb."  # noqa: S105 - what Vault 1.10 and later put before a batch token
MAX_BATCH_TOKEN_LENGTH = 4096  # half a header line

_VERSION = 1
_PURPOSE = b"batch token"
_TERM = slice(1, 5)
_SALT_BYTES = 32
_HEAD_BYTES = 5 + _SALT_BYTES
_MAC_BYTES = 32


def is_batch_token(text: str) -> bool:
    """Whether ``text`` has the outer form of a batch token; no other token has it."""
    return text.startswith(BATCH_TOKEN_PREFIX)


def mint(keyring: Keyring, hasher: TokenHasher, entry: TokenEntry) -> str:
    """Return a new token with this entry.

    Raises:
        InvalidInputError: the entry makes the token too long to travel.
        SealedError: the keyring was wiped.
    """
    term, salt = keyring.active_term, token_bytes(_SALT_BYTES)
    head = bytes((_VERSION,)) + term.to_bytes(4, "big") + salt
    content = head + keyring.cipher_for(term, _PURPOSE, salt).seal(encode_entry(entry), head)
    token = BATCH_TOKEN_PREFIX + urlsafe_b64encode(content + hasher.batch(content)).rstrip(b"=").decode(
        "ascii"
    )
    if len(token) > MAX_BATCH_TOKEN_LENGTH:
        raise InvalidInputError(
            "the policies and metadata are too long for a batch token: have the token_type be service"
        )
    return token


def read(keyring: Keyring, hasher: TokenHasher, token: str) -> TokenEntry:
    """Return the entry inside a token that this store made.

    Raises:
        UnauthenticatedError: it is none of ours.
        UnknownTermError: it was made by a node that has rotated the keyring a moment ago.
        SealedError: the keyring was wiped.
    """
    encoded = token.removeprefix(BATCH_TOKEN_PREFIX)
    try:
        raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    canonical = urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == encoded
    if not canonical or len(raw) < _HEAD_BYTES + OVERHEAD_BYTES + _MAC_BYTES or raw[0] != _VERSION:
        raise _unknown()
    content, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(hasher.batch(content), mac):
        raise _unknown()
    head, term = content[:_HEAD_BYTES], int.from_bytes(content[_TERM], "big")
    cipher = keyring.cipher_for(term, _PURPOSE, head[-_SALT_BYTES:])
    try:
        return decode_entry(cipher.open(content[_HEAD_BYTES:], head))
    except NotAuthenticError:
        raise _unknown() from None


def _unknown() -> UnauthenticatedError:
    return UnauthenticatedError("permission denied", reason="unknown")
