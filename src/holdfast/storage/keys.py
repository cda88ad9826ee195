"""Which keys can be stored: text of one or more non-empty segments between slashes, as UTF-8 bytes."""

from holdfast.storage.errors import InvalidKeyError, KeyTooLongError
from holdfast.storage.interface import MAX_KEY_BYTES


def encode_key(key: str) -> bytes:
    """Return the bytes that engines store ``key`` under.

    Raises:
        KeyTooLongError: over ``MAX_KEY_BYTES``.
        InvalidKeyError: empty, an empty segment, or a lone surrogate.
    """
    encoded = _utf8(key)
    if len(encoded) > MAX_KEY_BYTES:
        raise KeyTooLongError(f"key: expected at most {MAX_KEY_BYTES} bytes")
    if not key or key[0] == "/" or key[-1] == "/" or "//" in key:
        raise InvalidKeyError("key: expected non-empty segments between slashes")
    return encoded


def encode_prefix(prefix: str) -> bytes:
    """Return the bytes that every key below the directory ``prefix`` starts with.

    Raises:
        InvalidKeyError: neither empty nor ending in a slash, or a lone surrogate.
    """
    if prefix and prefix[-1] != "/":
        raise InvalidKeyError("prefix: expected an empty text, or one that ends in a slash")
    return _utf8(prefix)


def encode_name(name: str) -> bytes:
    """Return the bytes of a listed name, as it comes back for the next page.

    Raises:
        InvalidKeyError: a lone surrogate.
    """
    return _utf8(name)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise InvalidKeyError("key: expected text that UTF-8 can hold")
