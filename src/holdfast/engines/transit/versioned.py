"""How ciphertexts, signatures and HMACs are written: which version of the key made them, and base64.

    vault:v<number of the version>:<base64>

The word ``vault`` is what clients look for and what other stores of this API write: what one of them made can
be kept here under the same key, and the other way round.
"""

import base64
import binascii

from holdfast.engines.transit.records import Key
from holdfast.errors import InvalidInputError

PREFIX = "vault:v"
MAX_DIGITS = 9
TOO_OLD = "ciphertext or signature version is disallowed by policy (too old)"


def write(number: int, data: bytes, *, url_safe: bool = False) -> str:
    """Return ``data`` with the number of the version that made it; URL-safe base64 has no padding."""
    text = base64.urlsafe_b64encode(data).rstrip(b"=") if url_safe else base64.b64encode(data)
    return f"{PREFIX}{number}:{text.decode('ascii')}"


def read(key: Key, text: str, *, what: str, url_safe: bool = False) -> tuple[int, bytes]:
    """Return the number of the version, which the key has and allows, and the data.

    Args:
        key: whose it shall be.
        text: what ``write`` wrote.
        what: what errors call it: ``ciphertext``, ``signature`` or ``HMAC``.
        url_safe: which base64 it is in.

    Raises:
        InvalidInputError: it is none, or of a version that the key does not have or does not allow.
    """
    if not text.startswith(PREFIX):
        raise InvalidInputError(f"invalid {what}: no prefix")
    digits, colon, rest = text.removeprefix(PREFIX).partition(":")
    if not colon:
        raise InvalidInputError(f"invalid {what}: wrong number of fields")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise InvalidInputError(f"invalid {what}: version number could not be decoded")
    number = int(digits) or 1  # the first keys of all, in the oldest stores, had no numbers
    if number > key.latest_version:
        raise InvalidInputError(f"invalid {what}: version is too new")
    if number < key.min_decryption_version:
        raise InvalidInputError(TOO_OLD)
    return number, _decode(rest, what, url_safe=url_safe)


def decode_base64(text: str, problem: str) -> bytes:
    """Return the bytes that standard base64 stands for; line ends in it do not count.

    Args:
        text: the base64.
        problem: what to say when it is none.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError:
        pass
    raise InvalidInputError(problem)  # out here, because the error above carries the input along


def _decode(text: str, what: str, *, url_safe: bool) -> bytes:
    problem = f"invalid {what}: could not decode base64"
    if not url_safe:
        return decode_base64(text, problem)
    try:
        if "=" not in text and "+" not in text and "/" not in text:
            return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InvalidInputError(problem)
