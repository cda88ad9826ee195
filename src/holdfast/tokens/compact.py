"""The compact form of a token: taken apart strictly, put together canonically (RFC 7515 section 3.1).

    base64url(header) "." base64url(claims) "." base64url(signature)

Reading accepts exactly one spelling of each token: three segments of unpadded base64url without stray bits,
header and claims each one JSON object without duplicate names, and at most 8 KiB in all. Header members that
would let the token choose how it is verified are refused by name; tokens of providers may carry keys and
addresses of keys, as some do, and nobody looks at them. Nothing is believed here: ``read_compact``
knows no key, and says so in the names it returns.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object
from holdfast.tokens.errors import Reason, TokenError
from holdfast.tokens.keys import OF_STORAGE_API, Algorithm, SigningKey

MAX_TOKEN_BYTES = 8 * 1024  # one header line of a request
MAX_DEPTH = 8

# A token must not bring its own key (jwk, jku, x5u, x5c), change what is signed (b64, crit), compress
# (zip), or be an encrypted or nested one (enc, cty). RFC 8725 sections 3.1, 3.2 and 3.10.
REFUSED_HEADERS = frozenset({"b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"})
_EMBEDDED_KEYS = frozenset({"jku", "jwk", "x5c", "x5u"})


@dataclass(frozen=True, slots=True)
class Profile:
    """Which headers are read.

    Attributes:
        refused: members that must not be there.
        types: what ``typ`` may say, in lower case; without one it is ``jwt``.
        algorithms: what ``alg`` may say.
        known: headers that were found good, as they were sent: an issuer writes few different ones.
    """

    refused: frozenset[str]
    types: frozenset[str]
    algorithms: frozenset[Algorithm]
    known: dict[bytes, "_Header"] = field(default_factory=dict, init=False, repr=False, compare=False)


STRICT = Profile(REFUSED_HEADERS, frozenset({"jwt"}), OF_STORAGE_API)
"""Tokens of our own, and of the storage API."""

OF_ANY_ISSUER = replace(STRICT, algorithms=frozenset(Algorithm) - {Algorithm.EDDSA})
"""Tokens of our own and of providers alike, before it is known whose they are; issuers narrow it further."""

OF_PROVIDERS = Profile(REFUSED_HEADERS - _EMBEDDED_KEYS, frozenset({"jwt"}), frozenset(Algorithm))
"""Identity tokens of a provider; keys inside them have no effect."""

ACCESS_OR_IDENTITY = replace(OF_PROVIDERS, types=frozenset({"jwt", "at+jwt", "application/at+jwt"}))
"""Whatever a provider signs for somebody to log in with (RFC 9068 section 2.1)."""

_ALGORITHMS = {algorithm.value: algorithm for algorithm in Algorithm}
_MAX_KNOWN_HEADERS = 256
_MAX_KNOWN_HEADER_BYTES = 512
_URL_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")  # the other alphabet, and padding, become what it has not
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"===", b"==", b"=")  # by length modulo 4; three make a length that cannot be
# By length modulo 4, what a segment may end in: its last character has no bits beyond the last byte.
_ENDS = (_URL_SAFE, b"", _URL_SAFE[::16], _URL_SAFE[::4])


class _Header(NamedTuple):
    algorithm: Algorithm
    key_id: str
    members: dict[str, Any]


class CompactToken(msgspec.Struct, frozen=True):
    """A well-formed token that nobody has vouched for yet.

    Attributes:
        algorithm: what the header says it was signed with.
        key_id: the ``kid`` of the header, empty when there is none.
        unverified_header: the whole header, for members that a profile of ours adds.
        unverified_claims: what the token says of its bearer; fit for display, never for a decision.
        signed: the bytes that the signature covers.
        signature: the decoded third segment.
    """

    algorithm: Algorithm
    key_id: str
    unverified_header: dict[str, Any]
    unverified_claims: dict[str, Any]
    signed: bytes
    signature: bytes


def token_bytes(token: str | bytes) -> bytes:
    """Return the token as bytes, if it is short enough to look at.

    Raises:
        TokenError: too long, or not ASCII.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError(Reason.MALFORMED, f"expected at most {MAX_TOKEN_BYTES} bytes")
    if not token.isascii():
        raise TokenError(Reason.MALFORMED, "expected ASCII")
    return token.encode("ascii") if isinstance(token, str) else token


def read_compact(token: str | bytes, profile: Profile = STRICT) -> CompactToken:
    """Take a token apart.

    Args:
        token: the compact form.
        profile: which headers are read.

    Raises:
        TokenError: the form is broken in any way, or the header asks for something that is not done here.
    """
    raw = token_bytes(token)
    if raw.count(b".") != 2:  # noqa: PLR2004  between the three segments of the docstring
        raise TokenError(Reason.MALFORMED, "expected three segments separated by dots")
    signed, _, signature = raw.rpartition(b".")
    head, _, claims = signed.partition(b".")
    header = profile.known.get(head) or _read_header(head, profile)
    return CompactToken(
        algorithm=header.algorithm,
        key_id=header.key_id,
        unverified_header=header.members,
        unverified_claims=_read_object(claims, "claims"),
        signed=signed,
        signature=_read_segment(signature, "signature"),
    )


def write_compact(
    claims: dict[str, Any], key: SigningKey, *, further_header: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Sign ``claims``, with their names in alphabetical order as other generators write them.

    Args:
        claims: what the token says.
        key: signs it, and names itself in the header.
        further_header: members of the header that verifiers may ignore (RFC 7515 section 4.3).
    """
    header: dict[str, Any] = {"alg": key.signing_algorithm.value, "typ": "JWT", **further_header}
    if key.key_id:
        header["kid"] = key.key_id
    signed = (
        _write_segment(msgspec.json.encode(header))
        + b"."
        + _write_segment(msgspec.json.encode(claims, order="sorted"))
    )
    return (signed + b"." + _write_segment(key.sign(signed))).decode("ascii")


def _read_header(segment: bytes, profile: Profile) -> _Header:
    members = _read_object(segment, "header")
    header = _Header(*_check_header(members, profile), members)
    if len(segment) <= _MAX_KNOWN_HEADER_BYTES:
        if len(profile.known) >= _MAX_KNOWN_HEADERS:
            profile.known.clear()
        profile.known[segment] = header
    return header


def _check_header(header: dict[str, Any], profile: Profile) -> tuple[Algorithm, str]:
    if not profile.refused.isdisjoint(header):
        raise TokenError(Reason.UNSUPPORTED_HEADER, "its header asks for processing that is not done here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in profile.types:
        raise TokenError(
            Reason.UNSUPPORTED_HEADER, "expected the type JWT; tokens of other kinds do not log in"
        )
    key_id = header.get("kid", "")
    if not isinstance(key_id, str):
        raise TokenError(Reason.MALFORMED, "expected the key id to be text")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in profile.algorithms:
        expected = ", ".join(each for each in Algorithm if each in profile.algorithms)
        raise TokenError(Reason.UNSUPPORTED_ALGORITHM, f"expected it to be signed with one of {expected}")
    return _ALGORITHMS[algorithm], key_id


def _read_object(segment: bytes, name: str) -> dict[str, Any]:
    try:
        return decode_object(_read_segment(segment, name), max_depth=MAX_DEPTH).values
    except InvalidInputError:
        raise TokenError(Reason.MALFORMED, f"expected its {name} to be one plain JSON object") from None


def _read_segment(segment: bytes, name: str) -> bytes:
    rest = len(segment) % 4
    # Only the canonical spelling is read: no padding, blanks, foreign alphabet or stray bits.
    if segment and segment[-1] in _ENDS[rest]:
        try:
            standard = segment.translate(_TO_STANDARD) + _PADDING[rest]
            return binascii.a2b_base64(standard, strict_mode=True)
        except binascii.Error:
            pass
    raise TokenError(Reason.MALFORMED, f"expected its {name} in unpadded base64url")


def _write_segment(decoded: bytes) -> bytes:
    return binascii.b2a_base64(decoded, newline=False).rstrip(b"=").translate(_TO_URL_SAFE)
