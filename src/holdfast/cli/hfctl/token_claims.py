"""What a token says of itself, which nobody verified here: for display, and for when to get another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.model import SecretBytes

if TYPE_CHECKING:
    from holdfast.tokens.compact import CompactToken

NO_END = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when a token holds, in Unix seconds; ``NO_END`` where it does not say.

    Attributes:
        issued_at: when it was made.
        ends_at: when it ends.
    """

    issued_at: float = NO_END
    ends_at: float = NO_END

    def is_over(self, now: float) -> bool:
        """Whether the token has ended."""
        return self.ends_at != NO_END and now >= self.ends_at

    def is_due(self, now: float) -> bool:
        """Whether a third or less of its life is left, so that it is time for another."""
        return self.ends_at != NO_END and now >= self.ends_at - (self.ends_at - self.issued_at) / 3


def claims_of(token: SecretBytes) -> dict[str, Any]:
    """Return the claims of a token.

    Raises:
        TokenError: it is not a signed token.
    """
    return read(token).unverified_claims


def life_of(token: SecretBytes | None) -> Life:
    """Return how long a token holds; nothing said if it is none that we can read."""
    from holdfast.errors import HoldfastError

    if token is None:
        return Life()
    try:
        claims = claims_of(token)
    except HoldfastError:
        return Life()
    return Life(_seconds(claims.get("iat")), _seconds(claims.get("exp")))


def identity_of(token: SecretBytes) -> Mapping[str, str]:
    """Return what the token claims of its bearer.

    Raises:
        TokenError: it is not a signed token; better said now than at the first call.
    """
    claims = claims_of(token)
    shown = {"subject": claims.get("sub"), "name": claims.get("name"), "email": claims.get("email")}
    return {name: value for name, value in shown.items() if isinstance(value, str) and value}


def read(token: SecretBytes) -> "CompactToken":
    """Return a token taken apart, whoever signed it.

    Raises:
        TokenError: it is not a signed token.
    """
    from holdfast.tokens.compact import ACCESS_OR_IDENTITY, read_compact

    return read_compact(token.reveal(), ACCESS_OR_IDENTITY)


def _seconds(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 2**53 else NO_END
