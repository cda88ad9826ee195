"""Tokens that are stored nowhere: what a token is and may do is inside it, for nobody to read but the store.

    hvb. sealed text        see ``sealed_text``

The content is the entry that a stored token would have. Any process makes tokens without asking the keeper
and without a write.

What is stored nowhere cannot be changed: such a token is not renewed, not revoked, has no accessor, no
children and no cubbyhole. It ends by its time, with the parent that it names, or with the auth mount that it
came from.
"""

import msgspec

from holdfast.barrier import Keyring
from holdfast.errors import InvalidInputError, UnauthenticatedError
from holdfast.store.sealed_text import ForgedTextError, open_text, seal_text
from holdfast.store.tokens.records import TokenEntry, TokenHasher, decode_entry, encode_entry

BATCH_TOKEN_PREFIX = "hvb."  # noqa: S105 - what Vault 1.10 and later put before a batch token
MAX_BATCH_TOKEN_LENGTH = 4096  # half a header line

_PURPOSE = b"batch token"


def is_batch_token(text: str) -> bool:
    """Whether ``text`` has the outer form of a batch token; no other token has it."""
    return text.startswith(BATCH_TOKEN_PREFIX)


def mint(keyring: Keyring, hasher: TokenHasher, entry: TokenEntry) -> str:
    """Return a new token with this entry.

    Raises:
        InvalidInputError: the entry makes the token too long to travel.
        SealedError: the keyring was wiped.
    """
    entry = msgspec.structs.replace(entry, namespace=hasher.namespace.uuid)
    token = BATCH_TOKEN_PREFIX + seal_text(keyring, hasher, _PURPOSE, encode_entry(entry)) + hasher.suffix
    if len(token) > MAX_BATCH_TOKEN_LENGTH:
        raise InvalidInputError(
            "the policies and metadata are too long for a batch token: have the token_type be service"
        )
    return token


def read(keyring: Keyring, hasher: TokenHasher, token: str) -> TokenEntry:
    """Return the entry inside a token that this store made, in the namespace that ``hasher`` is for.

    Raises:
        UnauthenticatedError: it is none of ours.
        UnknownTermError: it was made by a node that has rotated the keyring a moment ago.
        SealedError: the keyring was wiped.
    """
    sealed = token.removeprefix(BATCH_TOKEN_PREFIX).removesuffix(hasher.suffix)
    try:
        entry = decode_entry(open_text(keyring, hasher, _PURPOSE, sealed))
    except ForgedTextError:
        raise UnauthenticatedError("permission denied", reason="unknown") from None
    if entry.namespace != hasher.namespace.uuid:
        raise UnauthenticatedError("permission denied", reason="of another namespace")
    return entry
