"""The JSON envelope that every answer of the Vault API comes in."""

from holdfast.formats.strict_json import encode
from holdfast.store.request import Answer

_TEMPLATE = (
    b'{"request_id":"%b","lease_id":"","renewable":false,"lease_duration":%d,"data":%b,'
    b'"wrap_info":null,"warnings":%b,"auth":%b%b}\n'
)
_NULL = b"null"


def wrap(request_id: str, answer: Answer) -> bytes:
    """Return the body for an answer that has data, a token or warnings.

    The data are spliced in as they are: they were checked to be JSON when they were written. Where
    old clients expect it, the members of the data stand beside the envelope's own as well.
    """
    data = answer.document() or _NULL
    flat = b"," + data[1:-1] if answer.flat and len(data) > len(b"{}") and data[:1] == b"{" else b""
    return _TEMPLATE % (
        request_id.encode(),
        answer.lease_seconds,
        data,
        encode(answer.warnings) if answer.warnings else _NULL,
        answer.auth or _NULL,
        flat,
    )


def is_empty(answer: Answer) -> bool:
    """Whether there is nothing to send: the status code alone says it."""
    return answer.data is None and answer.metadata is None and answer.auth is None and not answer.warnings
