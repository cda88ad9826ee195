"""What the listener refuses before any handler runs, as rules over a received request head.

llhttp, the parser underneath, already refuses both length framings together, repeated or signed lengths,
bare LF and CR, NUL, folded lines and a blank before the colon. The rules here are the ones it leaves to us.
Every refusal closes the connection, because after a request that two parsers may read differently nothing
that follows on it can be trusted.
"""

from collections.abc import Mapping

from holdfast.http.limits import Limits

# Repeating one of these is never innocent: two readers could pick different ones.
SINGLE_HEADERS = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"transfer-encoding",
        b"x-vault-namespace",
        b"x-vault-token",
        b"x-vault-wrap-ttl",
    }
)
_BEARER = b"bearer "


class Refusal(Exception):  # noqa: N818 - an answer that we give, not an error that happened to us
    """A request that is answered by the listener itself, after which the connection closes.

    Args:
        status: the HTTP status.
        text: what the client is told; names what was expected, repeats nothing that was sent.

    Attributes:
        target: the raw request target as far as it was received; picks the dialect of the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.target = b""


def check_version(version: str, headers: Mapping[bytes, bytes]) -> None:
    """Refuse versions other than 1.0 and 1.1, and chunked framing in 1.0, which never had it."""
    if version not in {"1.0", "1.1"}:
        raise Refusal(505, "expected HTTP/1.0 or HTTP/1.1")
    if version == "1.0" and b"transfer-encoding" in headers:
        raise Refusal(400, "expected no Transfer-Encoding in HTTP/1.0")


def joined_header(name: bytes, earlier: bytes, value: bytes, limits: Limits) -> bytes:
    """Return the value of a repeated header; refuse those that may not repeat."""
    if name in SINGLE_HEADERS:
        raise Refusal(400, f"expected one {name.decode()} header")
    joined = earlier + b", " + value
    if len(joined) > limits.line_bytes:
        raise header_too_large(limits)
    return joined


def check_body_framing(headers: Mapping[bytes, bytes], limits: Limits) -> None:
    """Refuse a body over the limit, coded other than chunked, or held back for more than an invitation."""
    if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise Refusal(417, "expected no expectation other than 100-continue")
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked":
            raise Refusal(400, "expected no Transfer-Encoding other than chunked")
        return
    length = headers.get(b"content-length", b"0")
    if int(length) > limits.body_bytes:  # llhttp let only digits of 64 bits through
        raise body_too_large(limits)


def check_one_credential(headers: Mapping[bytes, bytes]) -> None:
    """Refuse two tokens that differ: which of them counts must not be a matter of taste."""
    authorization = headers[b"authorization"]
    if (
        authorization[: len(_BEARER)].lower() == _BEARER
        and authorization[len(_BEARER) :].strip() != headers[b"x-vault-token"]
    ):
        raise Refusal(400, "expected one token, found two that differ")


def check_sizes(target: bytes, headers: Mapping[bytes, bytes], limits: Limits) -> None:
    """Refuse a head that is over the limits, once it is known whole."""
    if len(target) > limits.line_bytes:
        raise Refusal(414, f"expected a request target of at most {limits.line_bytes} bytes")
    total = len(target)
    for name, value in headers.items():
        line = len(name) + len(value) + 4
        if line > limits.line_bytes:
            raise header_too_large(limits)
        total += line
    if total > limits.head_bytes:
        raise head_too_large(limits)


def bad_target() -> Refusal:
    """Word the refusal of a target that is not in origin form."""
    return Refusal(400, "expected a request target that starts with a slash and has no fragment")


def head_too_large(limits: Limits) -> Refusal:
    """Word the refusal of a head over its limit."""
    return Refusal(431, f"expected a request head of at most {limits.head_bytes} bytes")


def header_too_large(limits: Limits) -> Refusal:
    """Word the refusal of a header line over its limit."""
    return Refusal(431, f"expected header lines of at most {limits.line_bytes} bytes")


def too_many_headers(limits: Limits) -> Refusal:
    """Word the refusal of too many header lines."""
    return Refusal(431, f"expected at most {limits.header_count} headers")


def body_too_large(limits: Limits) -> Refusal:
    """Word the refusal of a body over its limit."""
    return Refusal(413, f"request body too large: expected at most {limits.body_bytes} bytes")
