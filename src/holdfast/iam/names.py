"""What users, groups and actions may be called. Names are compared as they are, letter case included."""

import re
from enum import StrEnum

from holdfast.errors import HoldfastError
from holdfast.iam.errors import Code, refusal

MAX_NAME_LENGTH = 96
RESERVED_UID = "anonymous"  # what DC/OS calls somebody who did not log in

_NAME = re.compile(rf"[a-zA-Z0-9_@.-]{{1,{MAX_NAME_LENGTH}}}")
_EXPECTED = f"expected 1 to {MAX_NAME_LENGTH} letters, digits and characters of - _ @ ."


class Action(StrEnum):
    """What can be granted on a resource; ``full`` is all of the others."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    FULL = "full"


def is_name(text: str) -> bool:
    """Whether ``text`` could name a user or a group."""
    # Dots alone would be steps to somewhere else wherever a name becomes part of a path.
    return _NAME.fullmatch(text) is not None and bool(text.strip("."))


def check_uid(uid: str) -> str:
    """Return a name that a user may have.

    Raises:
        InvalidInputError: it is none, or reserved.
    """
    if not is_name(uid):
        raise refusal(Code.INVALID_USER_ID, f"uid: {_EXPECTED}")
    if uid == RESERVED_UID:
        raise refusal(Code.INVALID_USER_ID, f"uid: {RESERVED_UID} is reserved")
    return uid


def check_gid(gid: str) -> str:
    """Return a name that a group may have.

    Raises:
        InvalidInputError: it is none.
    """
    if not is_name(gid):
        raise refusal(Code.INVALID_GROUP_ID, f"gid: {_EXPECTED}")
    return gid


def check_action(word: str) -> Action:
    """Return the action that ``word`` names.

    Raises:
        InvalidInputError: it names none.
    """
    try:
        return Action(word)
    except ValueError:
        raise unknown_action() from None


def unknown_action() -> HoldfastError:
    """Return the error for a word that is no action."""
    return refusal(Code.INVALID_ACTION, f"action: expected one of {', '.join(Action)}")
