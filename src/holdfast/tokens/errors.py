"""Why a token was refused.

    UnauthenticatedError
    └── TokenError                a token that is not believed; ``reason`` says why
        └── BadSignatureError     ... because no key of its issuer signed it

The reason is a stable word for programs: a client renews on ``expired`` and asks a person otherwise. It is
told only after the signature was found good, or about something that anyone can see in the token itself.
"""

from enum import StrEnum

from holdfast.errors import UnauthenticatedError


class Reason(StrEnum):
    """The stable words. Clients act on them: add, but never rename."""

    MALFORMED = "malformed"
    UNSUPPORTED_HEADER = "unsupported_header"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    UNKNOWN_ISSUER = "unknown_issuer"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    MISSING_CLAIM = "missing_claim"
    INVALID_CLAIM = "invalid_claim"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    WRONG_AUDIENCE = "wrong_audience"
    REVOKED = "revoked"


class TokenError(UnauthenticatedError):
    """A token that is not believed.

    Args:
        reason: the stable word.
        message: what the client is told; never a part of the token.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"token: {message}", reason=reason.value)


class BadSignatureError(TokenError):
    """The signature was not made by this key over these bytes."""

    def __init__(self) -> None:
        super().__init__(Reason.BAD_SIGNATURE, "the signature does not match any key of its issuer")
