"""Why a token was refused.

    UnauthenticatedError
    └── TokenError                a token that is not believed; ``reason`` says why
        └── BadSignatureError     ... because no key of its issuer signed it
    UnavailableError
    ├── IssuerUnavailableError        nobody can tell at the moment: its provider does not answer
    └── RevocationsUnavailableError   ... or where revocations are kept does not

The reason is a stable word for programs: a client renews on ``expired`` and asks a person otherwise. It is
told only after the signature was found good, or about something that anyone can see in the token itself.
"""

from enum import StrEnum

from holdfast.errors import UnauthenticatedError, UnavailableError
from holdfast.model import Principal


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

    Attributes:
        bearer: whom it speaks for, if its signature is good and only the rest is not; for the audit log.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"token: {message}", reason=reason.value)
        self.bearer: Principal | None = None


class BadSignatureError(TokenError):
    """The signature was not made by this key over these bytes."""

    def __init__(self) -> None:
        super().__init__(Reason.BAD_SIGNATURE, "the signature does not match any key of its issuer")


class IssuerUnavailableError(UnavailableError):
    """Whether the token is good cannot be told, because its issuer's keys are not to be had."""

    def __init__(self) -> None:
        super().__init__(
            "token: its issuer cannot be asked for its keys at the moment; try again later",
            reason="issuer_unavailable",
        )


class RevocationsUnavailableError(UnavailableError):
    """Whether the token was revoked cannot be told, because storage does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "token: whether it was revoked cannot be found out at the moment; try again later",
            reason="revocations_unavailable",
        )
