"""Shamir's secret sharing, byte by byte over GF(2^8), in the format of Vault's unseal keys.

For every byte of the secret there is a random polynomial whose constant term is that byte and whose
degree is one below the threshold. A share is every polynomial's value at one x, and that x:

    y of byte 0 | y of byte 1 | ... | x (1..255)

so that a 32-byte secret has shares of 33 bytes. The field is that of AES: bytes are polynomials over
GF(2) modulo x^8 + x^4 + x^3 + x + 1. A lone share (``shares=1``) is the secret itself, without an x.

Fewer shares than the threshold say nothing at all about the secret, and wrong ones combine to another
secret without notice: whoever combines must try the result on something authenticated.

All bytes of a share have one x, so the field's arithmetic runs on whole shares: a share is one integer
with a byte in each lane. Secret lanes meet only XOR, shifts and constants, never a table and never a
branch, as far as Python's integers allow. The x coordinates are not secret.
"""

import os
import random
from collections.abc import Sequence

from holdfast.errors import InvalidInputError

MAX_SHARES = 255  # one for each x but 0, where the secret is

_REDUCTION = 0x1B  # x^8 = x^4 + x^3 + x + 1
_coordinates = random.SystemRandom()


def split(secret: bytes, *, shares: int, threshold: int) -> list[bytes]:
    """Split ``secret`` so that any ``threshold`` of the ``shares`` recover it.

    Args:
        secret: at least one byte.
        shares: 1 to 255; one share is the secret itself.
        threshold: at least 2 where there are several shares, and not more than there are.

    Raises:
        InvalidInputError: the numbers allow no such split.
    """
    check_split(shares=shares, threshold=threshold)
    if not secret:
        raise InvalidInputError("secret: expected at least one byte to split")
    if shares == 1:
        return [secret]
    random_terms = [os.urandom(len(secret)) for _ in range(threshold - 1)]
    polynomial = [secret, *random_terms]
    # Vault draws the coordinates at random too: a share does not tell how many others there are.
    return [_share_at(x, polynomial) for x in _coordinates.sample(range(1, MAX_SHARES + 1), shares)]


def check_split(*, shares: int, threshold: int) -> None:
    """Accept numbers that ``split`` can work with.

    Raises:
        InvalidInputError: they are out of range, or contradict each other.
    """
    if not 1 <= shares <= MAX_SHARES:
        raise InvalidInputError(f"secret_shares: expected 1 to {MAX_SHARES}")
    if not 1 <= threshold <= shares:
        raise InvalidInputError("secret_threshold: expected at least 1 and not more than secret_shares")
    if shares > 1 and threshold == 1:
        raise InvalidInputError("secret_threshold: expected at least 2 where there are several shares")


def combine(shares: Sequence[bytes]) -> bytes:
    """Return the secret that ``shares`` belong to, or garbage if they do not belong together.

    Raises:
        InvalidInputError: no share, shares of different lengths, or two with the same x.
    """
    if len(shares) == 1:
        return shares[0]
    length = len(shares[0]) - 1 if shares else 0
    xs = [share[-1] for share in shares if share]
    if length < 1 or any(len(share) != length + 1 for share in shares):
        raise InvalidInputError("shares: expected several of the same length")
    if 0 in xs or len(set(xs)) != len(xs):
        raise InvalidInputError("shares: expected no two from the same place")
    secret = 0
    for share, x in zip(shares, xs, strict=True):
        lanes = int.from_bytes(share[:-1], "big")
        secret ^= _multiply(lanes, _weight_at_zero(x, xs), length)
    return secret.to_bytes(length, "big")


def _share_at(x: int, polynomial: Sequence[bytes]) -> bytes:
    """Evaluate the polynomials at ``x`` by Horner's rule; ``polynomial[i]`` holds the coefficients of x^i."""
    length = len(polynomial[0])
    lanes = 0
    for coefficients in reversed(polynomial):
        lanes = _multiply(lanes, x, length) ^ int.from_bytes(coefficients, "big")
    return lanes.to_bytes(length, "big") + bytes([x])


def _weight_at_zero(x: int, xs: Sequence[int]) -> int:
    """Return the value at 0 of the Lagrange polynomial that is 1 at ``x`` and 0 at the other ``xs``."""
    numerator, denominator = 1, 1
    for other in xs:
        if other != x:
            numerator = _multiply(numerator, other, 1)
            denominator = _multiply(denominator, other ^ x, 1)
    return _multiply(numerator, _inverse(denominator), 1)


def _inverse(value: int) -> int:
    """Return 1 / ``value``: the field has 255 non-zero elements, so that is the 254th power."""
    power = 1
    for _ in range(254):
        power = _multiply(power, value, 1)
    return power


def _multiply(lanes: int, factor: int, length: int) -> int:
    """Multiply each of ``length`` byte lanes by the byte ``factor``, which is public."""
    top_bits = int.from_bytes(b"\x80" * length, "big")
    product = 0
    for bit in range(8):
        product ^= lanes & -(factor >> bit & 1)
        overflow = lanes & top_bits
        lanes = (lanes ^ overflow) << 1 ^ (overflow >> 7) * _REDUCTION
    return product
