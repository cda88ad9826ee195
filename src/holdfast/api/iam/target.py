"""Request targets of the IAM API, in which a rid with slashes is one segment.

Clients write those slashes ``%252F``, because the proxy of DC/OS decoded a target once on its way; without
that proxy some write ``%2F``. Both mean the slash. A slash that is written as one separates segments.
"""

from functools import lru_cache

from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.model.path import MAX_TARGET_BYTES, parse_query, percent_decoded

PREFIX = b"/acs/api/v1/"

Segments = tuple[str, ...]
Query = tuple[tuple[str, str], ...]


@lru_cache(maxsize=1024)
def read_target(raw: bytes) -> tuple[Segments, Query]:
    """Return the segments after the prefix, and the query parameters.

    Args:
        raw: the request target; starts with ``PREFIX``.

    Raises:
        InvalidInputError: a segment or a parameter is not UTF-8 in percent encoding, or is empty.
        TooLargeError: the target is too long.
    """
    if len(raw) > MAX_TARGET_BYTES:
        raise TooLargeError(f"request target: expected at most {MAX_TARGET_BYTES} bytes")
    path, _, query = raw.partition(b"?")
    segments = tuple(
        _with_slashes(percent_decoded(segment, "path"))
        for segment in path.removeprefix(PREFIX).removesuffix(b"/").split(b"/")
    )
    if not all(segments):
        raise InvalidInputError("path: expected no empty segment between slashes")
    return segments, parse_query(query)


def store_path(segments: Segments) -> str:
    """Return the store's path for these segments, each of which stays one segment."""
    return "acs/" + "/".join(segment.replace("%", "%25").replace("/", "%2F") for segment in segments)


def _with_slashes(decoded: str) -> str:
    return decoded.replace("%2F", "/").replace("%2f", "/")
