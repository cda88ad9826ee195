"""What to try next, by the kind of an error; printed below the node's own words."""

import re

from holdfast.errors import (
    HoldfastError,
    InternalError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)

GUEST_REFUSED = "without authentication token"
NO_NODE = "no answer from"  # as said on this side; what a node itself cannot reach is another trouble
NOT_A_NODE = "and no storage node"
ANOTHER_ADDRESS = "name that of a node with --endpoint or in the context."
NO_SECRET = "No Secret Data found"  # noqa: S105 - a text that people search for
NEW_TOKEN = "Make a token with `hfctl auth token generate`, save it with `hfctl context create`."  # noqa: S105 - advice

_BY_TEXT = {
    f".* {NOT_A_NODE}": f"Look at the address: {ANOTHER_ADDRESS}",
    r"Volume .* not found": "It is not there, or not for you: see `hfctl volume list` and `hfctl whoami`.",
    r"--cred-id: expected the id or name.*": "See which there are with `hfctl credentials list`, or make one "
    "with `hfctl credentials create`.",
    r".*: expected one for S3.*": "Make one with `hfctl credentials create`, or name it with --cred-id.",
    rf"{NO_SECRET}.*": "See which there are with `hfctl secrets list`, make a random one with `hfctl secrets "
    "generate`, find every volume that misses one with `hfctl volume key doctor`.",
}


def advise(error: HoldfastError) -> str:
    """Return a sentence on what to try next, or nothing."""
    for pattern, advice in _BY_TEXT.items():
        if re.fullmatch(pattern, error.message):
            return advice
    if isinstance(error, UnauthenticatedError):
        return f"Reason: {error.reason}. {NEW_TOKEN}"
    if isinstance(error, PermissionDeniedError):
        if GUEST_REFUSED in error.message:
            return f"Choose who you are with `hfctl context set`, or: {NEW_TOKEN}"
        return "See who you are with `hfctl whoami`."
    if isinstance(error, UnavailableError) and error.message.startswith(NO_NODE):
        return f"Start the node with `holdfast node`, or {ANOTHER_ADDRESS}"
    return "Please report this." if isinstance(error, InternalError) else ""
