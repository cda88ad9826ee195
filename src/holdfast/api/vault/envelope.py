"""The JSON envelope that every answer of the Vault API comes in."""

from msgspec import Raw, json

from holdfast.formats.strict_json import encode
from holdfast.store.request import Answer

_TEMPLATE = (
    b'{"request_id":"%b","lease_id":%b,"renewable":%b,"lease_duration":%d,"data":%b,'
    b'"wrap_info":%b,"warnings":%b,"auth":%b%b}\n'
)
_NULL = b"null"
_NO_TEXT, _FALSE, _TRUE = b'""', b"false", b"true"
_ENVELOPE = frozenset(json.decode(_TEMPLATE % (b"", _NO_TEXT, _FALSE, 0, _NULL, _NULL, _NULL, _NULL, b"")))
_decode_members = json.Decoder(dict[str, Raw]).decode


def wrap(request_id: str, answer: Answer) -> bytes:
    """Return the body for an answer that has data, a token or warnings.

    The data are spliced in as they are: they were checked to be JSON when they were written. Where
    old clients expect it, the members of the data stand beside the envelope's own as well.
    """
    data = answer.document() or _NULL
    return _TEMPLATE % (
        request_id.encode(),
        encode(answer.lease_id) if answer.lease_id else _NO_TEXT,
        _TRUE if answer.renewable else _FALSE,
        answer.lease_seconds,
        data,
        answer.wrapped or _NULL,
        encode(answer.warnings) if answer.warnings else _NULL,
        answer.auth or _NULL,
        _flat_members(data) if answer.flat and answer.data else b"",
    )


def _flat_members(data: bytes) -> bytes:
    """Return the members of the data to stand beside the envelope's own, whose names stay theirs."""
    members = _decode_members(data)
    own = {name: value for name, value in members.items() if name not in _ENVELOPE}
    return b"," + encode(own)[1:-1] if own else b""
