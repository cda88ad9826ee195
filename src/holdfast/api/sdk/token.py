"""Service ``Token``: taking tokens back before their time, and renewing one; our own."""

from holdfast.api.sdk.proto import token_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (
    unserved("Token", "Revoke", "POST tokens/revoke"),
    unserved("Token", "EnumerateRevocations", "GET tokens/revocations"),
    unserved("Token", "Renew", "POST tokens/renew"),
)
