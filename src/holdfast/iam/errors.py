"""Why a request about users, groups or permissions is refused: the stable words that clients act on.

The words are those of the DC/OS IAM. An error of this room is one of the shared kinds with such a word as its
``reason``, so that it crosses a process border like any other. Add words, but never rename one.
"""

from enum import StrEnum

from holdfast.errors import ConflictError, HoldfastError, InvalidInputError, UnauthenticatedError


class Code(StrEnum):
    """The stable words."""

    ACL_EXISTS = "ERR_ACL_EXISTS"
    ACTION_NOT_YET_STORED = "ERR_ACTION_NOT_YET_STORED"
    GROUP_EXISTS = "ERR_GROUP_EXISTS"
    GROUP_NOT_IN_ACL = "ERR_GROUP_NOT_IN_ACL"
    INVALID_ACTION = "ERR_INVALID_ACTION"
    INVALID_CREDENTIALS = "ERR_INVALID_CREDENTIALS"
    INVALID_DATA = "ERR_INVALID_DATA"
    INVALID_GROUP_ID = "ERR_INVALID_GROUP_ID"
    INVALID_PUBLIC_KEY = "ERR_INVALID_PUBLIC_KEY"
    INVALID_RESOURCE_ID = "ERR_INVALID_RESOURCE_ID"
    INVALID_USER_ID = "ERR_INVALID_USER_ID"
    IS_SUPERUSER_ACL = "ERR_IS_SUPERUSER_ACL"
    IS_SUPERUSER_GROUP = "ERR_IS_SUPERUSER_GROUP"
    NO_MORE_SUPERUSERS = "ERR_NO_MORE_SUPERUSERS"
    PERMISSION_EXISTS = "ERR_PERMISSION_EXISTS"
    UNKNOWN_GROUP_ID = "ERR_UNKNOWN_GROUP_ID"
    UNKNOWN_RESOURCE_ID = "ERR_UNKNOWN_RESOURCE_ID"
    UNKNOWN_USER_ID = "ERR_UNKNOWN_USER_ID"
    USER_ALREADY_IN_GROUP = "ERR_USER_ALREADY_IN_GROUP"
    USER_EXISTS = "ERR_USER_EXISTS"
    USER_NOT_IN_ACL = "ERR_USER_NOT_IN_ACL"
    USER_NOT_IN_GROUP = "ERR_USER_NOT_IN_GROUP"


# What is there stands in the way. Everything else is a mistake in the request, an unknown name included.
CONFLICTS = frozenset(
    {
        Code.ACL_EXISTS,
        Code.GROUP_EXISTS,
        Code.IS_SUPERUSER_ACL,
        Code.IS_SUPERUSER_GROUP,
        Code.NO_MORE_SUPERUSERS,
        Code.PERMISSION_EXISTS,
        Code.USER_ALREADY_IN_GROUP,
        Code.USER_EXISTS,
    }
)


def refusal(code: Code, message: str) -> HoldfastError:
    """Return the error to raise for ``code``.

    Args:
        code: the stable word.
        message: what the client is told; never a submitted value.
    """
    kind = ConflictError if code in CONFLICTS else InvalidInputError
    return kind(message, reason=code)


class TooManyTriesError(UnauthenticatedError):
    """A password is not even looked at, because it was tried too often.

    Args:
        wait_seconds: when to try again.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            f"too many failed logins: try again in {wait_seconds} seconds", reason=Code.INVALID_CREDENTIALS
        )
        self.wait_seconds = wait_seconds
