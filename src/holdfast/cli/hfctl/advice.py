"""What to try next, by the kind of an error; printed below the node's own words."""

from holdfast.errors import (
    HoldfastError,
    InternalError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)

GUEST_REFUSED = "without authentication token"
NO_NODE = "no answer from"  # as said on this side; what a node itself cannot reach is another trouble
NO_SECRET = "No Secret Data found"  # noqa: S105 - a text that people search for
NEW_TOKEN = "Make a token with `hfctl auth token generate`, save it with `hfctl context create`."  # noqa: S105 - advice


def advise(error: HoldfastError) -> str:
    """Return a sentence on what to try next, or nothing."""
    if isinstance(error, UnauthenticatedError):
        return f"Reason: {error.reason}. {NEW_TOKEN}"
    if isinstance(error, PermissionDeniedError):
        if GUEST_REFUSED in error.message:
            return f"Choose who you are with `hfctl context set`, or: {NEW_TOKEN}"
        return "See who you are with `hfctl whoami`."
    if isinstance(error, UnavailableError) and error.message.startswith(NO_NODE):
        return "Start the node with `holdfast node`, or name its address with --endpoint or in the context."
    if NO_SECRET in error.message:
        return (
            "See which there are with `hfctl secrets list`, make a random one with `hfctl secrets generate`, "
            "find every volume that misses one with `hfctl volume key doctor`."
        )
    return "Please report this." if isinstance(error, InternalError) else ""
