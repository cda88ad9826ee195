"""JSON merge patch (RFC 7396) over JSON text.

Members that the patch does not name are carried over as text, unparsed, so that numbers keep the
digits they were written with.
"""

import msgspec

_Members = dict[str, msgspec.Raw]
_decode = msgspec.json.Decoder(_Members).decode
_encode = msgspec.json.Encoder().encode


def merge_patch(target: bytes, patch: bytes) -> bytes:
    """Return the object ``target`` changed by the object ``patch``.

    Args:
        target: validated JSON text of an object.
        patch: validated JSON text of an object; ``null`` removes a member, an object is merged into
            the member of that name, anything else replaces it.
    """
    return _encode(_merge(_decode(target), _decode(patch)))


def _merge(target: _Members, patch: _Members) -> _Members:
    for name, change in patch.items():
        text = bytes(change)
        if text == b"null":
            target.pop(name, None)
        elif text.startswith(b"{"):
            before = bytes(target.get(name, b""))
            inner = _decode(before) if before.startswith(b"{") else {}
            target[name] = msgspec.Raw(_encode(_merge(inner, _decode(text))))
        else:
            target[name] = change
    return target
