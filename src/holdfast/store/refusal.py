"""What a caller is told of an error, whatever it was."""

import logging

from holdfast.errors import HoldfastError, InternalError
from holdfast.process.defect import describe_defect

log = logging.getLogger("holdfast.store")


def refusal_of(request_id: str, error: Exception) -> HoldfastError:
    """Return what the caller is told of an error; a defect of ours and a damaged record are logged, too."""
    if isinstance(error, HoldfastError) and not isinstance(error, InternalError):
        return error
    log.error("request %s failed: %s", request_id, describe_defect(error))
    if isinstance(error, InternalError):
        return error
    return InternalError(f"internal error, request id {request_id}")
