"""What the store hands out and wants back: nobody else reads it or makes it, and it is stored nowhere.

    base64url( version (1) | term (4, big endian) | salt (32) | sealed content | mac (32) )
    sealed content:   nonce (12) | ciphertext | tag (16)

The key is made from the named term of the keyring, the purpose and the salt, so every text has its own (see
``Keyring.cipher_for``), and any process of any node opens what another has made. The associated data are
everything before the nonce. The MAC over all that comes before it is under the key that names tokens, which
all nodes have and which is never rotated: it refuses what a stranger made up before anybody looks for the key
term that is named there. A text for one purpose is none for another.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes

from holdfast.barrier import Keyring
from holdfast.crypto.aead import OVERHEAD_BYTES, NotAuthenticError
from holdfast.store.tokens.records import TokenHasher

_VERSION = 1
_TERM = slice(1, 5)
_SALT_BYTES = 32
_HEAD_BYTES = 5 + _SALT_BYTES
_MAC_BYTES = 32


class ForgedTextError(Exception):
    """The text is none that this store made for this purpose."""


def seal_text(keyring: Keyring, hasher: TokenHasher, purpose: bytes, content: bytes) -> str:
    """Return ``content`` as a text of ASCII that fits a header or an address.

    Raises:
        SealedError: the keyring was wiped.
    """
    term, salt = keyring.active_term, token_bytes(_SALT_BYTES)
    head = bytes((_VERSION,)) + term.to_bytes(4, "big") + salt
    sealed = head + keyring.cipher_for(term, purpose, salt).seal(content, head)
    return urlsafe_b64encode(sealed + hasher.proof(purpose, sealed)).rstrip(b"=").decode("ascii")


def open_text(keyring: Keyring, hasher: TokenHasher, purpose: bytes, text: str) -> bytes:
    """Return what ``seal_text`` was given.

    Raises:
        ForgedTextError: it is none of ours, or for another purpose.
        UnknownTermError: it was made by a node that has rotated the keyring a moment ago.
        SealedError: the keyring was wiped.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    canonical = urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == text
    if not canonical or len(raw) < _HEAD_BYTES + OVERHEAD_BYTES + _MAC_BYTES or raw[0] != _VERSION:
        raise ForgedTextError
    sealed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(hasher.proof(purpose, sealed), mac):
        raise ForgedTextError
    head, term = sealed[:_HEAD_BYTES], int.from_bytes(sealed[_TERM], "big")
    cipher = keyring.cipher_for(term, purpose, head[-_SALT_BYTES:])
    try:
        return cipher.open(sealed[_HEAD_BYTES:], head)
    except NotAuthenticError:
        raise ForgedTextError from None
