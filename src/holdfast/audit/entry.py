"""The parts of an audit line, each rendered once for as long as it stays the same.

    AuditAuth      a token: once for its life in a cache, per device (tokens are hashed per device)
    AuditTarget    an operation on a path: once for a URL
    AuditEntry     a request: what its two lines have in common, per device

Parts are bytes of JSON members, ready to be put into a line.
"""

import functools
from typing import Any

import msgspec

from holdfast.audit.hasher import NOTHING

# Calls that happen before anybody can be known, or that only tell whether the server is well.
UNAUDITED_PATHS = frozenset({"sys/health", "sys/init", "sys/leader", "sys/seal-status", "sys/unseal"})

_encode = msgspec.json.Encoder().encode


class AuditAuth:
    """The bearer of a request, as the lines of one broker's devices show them.

    Holds hashes only, never the token, so it may be kept as long as the token's entry is. Made by
    ``AuditBroker.auth``.
    """

    __slots__ = ("owner", "rendered")

    def __init__(self, owner: object, rendered: "dict[Any, tuple[bytes, bytes]]") -> None:
        self.owner = owner
        self.rendered = rendered  # by device: further members of "auth", and of "request"


class AuditTarget:
    """What is asked for.

    Args:
        operation: ``read``, ``create``, ``update``, ``patch``, ``delete`` or ``list``.
        path: canonical path text, with the mount in front.
        mount_point: the mount's path with its trailing slash; empty if no mount serves the path.
        mount_type: the kind of engine or auth method mounted there.
        namespace: path of the namespace; empty for the root.
        namespace_id: its id; empty if none has this path.
        clear_request: members of the request's data whose values are shown as they are.
        clear_response: the same of the answer's.
    """

    __slots__ = ("clear_request", "clear_response", "is_list", "members")

    def __init__(
        self,
        operation: str,
        path: str,
        *,
        mount_point: str = "",
        mount_type: str = "",
        namespace: str = "",
        namespace_id: str = "",
        clear_request: frozenset[str] = NOTHING,
        clear_response: frozenset[str] = NOTHING,
    ) -> None:
        self.is_list = operation in _LISTING
        self.clear_request = clear_request
        self.clear_response = clear_response
        around = _around_path(operation, mount_point, mount_type, namespace, namespace_id)
        self.members = b'%b,"path":%b' % (around, _encode(path)) if path else around


@functools.lru_cache(maxsize=1024)
def _around_path(
    operation: str, mount_point: str, mount_type: str, namespace: str, namespace_id: str
) -> bytes:
    where = {"id": namespace_id, "path": namespace} if namespace else {"id": "root"}
    return further_members(
        operation=operation, mount_point=mount_point, mount_type=mount_type, namespace=where
    )


class AuditEntry:
    """One request on its way; made by ``AuditBroker.entry``."""

    __slots__ = ("common", "lineage", "target")

    def __init__(self, lineage: object, target: AuditTarget, common: "list[tuple[Any, bytes]]") -> None:
        self.lineage = lineage
        self.target = target
        self.common = common  # for each device: what both lines say


def further_members(**values: Any) -> bytes:
    """Return JSON members, each with a comma in front, leaving out what is empty."""
    shown = {name: value for name, value in values.items() if value not in _EMPTY}
    return b"," + _encode(shown)[1:-1] if shown else b""


@functools.lru_cache(maxsize=4096)
def peer_members(peer: str) -> bytes:
    """Return where a request came from as further members.

    Args:
        peer: ``address:port``; an IPv6 address may stand in brackets; empty for a Unix socket.
    """
    if not peer:
        return b""
    address, _, port = peer.rpartition(":")
    if address and port.isascii() and port.isdecimal():
        return further_members(remote_address=address.strip("[]"), remote_port=int(port))
    return further_members(remote_address=peer)


def decision_member(*, allowed: bool, reason: str) -> bytes:
    """Return an access decision as a JSON member."""
    if not reason:
        return _ALLOWED if allowed else _DENIED
    return b'"policy_results":%b' % _encode({"allowed": allowed, "reason": reason})


def error_member(error: str) -> bytes:
    """Return an error as a JSON member with a comma in front; empty for no error."""
    return b',"error":%b' % _encode(error) if error else b""


_LISTING = frozenset({"list", "scan"})
_EMPTY: tuple[Any, ...] = ("", None, (), [], {})
_ALLOWED = b'"policy_results":{"allowed":true}'
_DENIED = b'"policy_results":{"allowed":false}'
