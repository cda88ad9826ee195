"""One call through the table: gates, request, handler, response. Both wires end here.

admission = admit(node, row, authorization, peer=...)    token and role, before anything else is looked at
request = ...                                             only now bytes become a message
row.handle(Call(node, admission), request)                ownership, and the work
"""

import logging

from holdfast.api.sdk.table import Row
from holdfast.errors import HoldfastError, InternalError, UnauthenticatedError
from holdfast.http.answers import report_defect
from holdfast.node.gate import Admission
from holdfast.node.node import Node

_log = logging.getLogger(__name__)


def admit(node: Node, row: Row, authorization: bytes, *, peer: str) -> Admission:
    """Pass a caller through the gates for a method.

    Args:
        node: the node.
        row: the method.
        authorization: the header or metadata of that name; empty if there is none.
        peer: address of the caller.

    Raises:
        UnauthenticatedError: the credential is malformed, or its token is not believed.
        RoleDeniedError: no role of the caller allows the method.
    """
    return node.admit(bearer_token(authorization), row.api, peer=peer)


def bearer_token(authorization: bytes) -> str | None:
    """Return the token of a request, ``None`` if it has none and is a guest's.

    Raises:
        UnauthenticatedError: there is a credential, but not of the form ``bearer <token>``.
    """
    value = authorization.strip()
    if not value:
        return None
    scheme, blank, token = value.partition(b" ")
    if scheme.lower() != b"bearer" or not blank or not token.isascii():
        raise UnauthenticatedError("Invalid or missing authentication token", reason="malformed")
    return token.decode("ascii")


def told(error: Exception) -> HoldfastError:
    """Return what a caller is told about an error; log what only the operator is to know."""
    if isinstance(error, HoldfastError) and not isinstance(error, InternalError):
        if error.detail:
            _log.info("%s: %s", type(error).__name__, error.detail)
        return error
    return InternalError(report_defect(error))
