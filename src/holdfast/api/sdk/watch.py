"""Service ``Watch``: changes as they happen."""

from holdfast.api.sdk.proto import watch_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (unserved("Watch", "Watch", "POST watch"),)
