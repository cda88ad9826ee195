"""What an operator decides about users and their logins."""

from dataclasses import dataclass, field

from holdfast.errors import InvalidInputError
from holdfast.iam.names import check_uid
from holdfast.iam.passwords import DEFAULT_LEAST_LENGTH, LEAST_LEAST_LENGTH, MAX_PASSWORD_BYTES, PasswordCost

DEFAULT_TOKEN_LIFETIME_SECONDS = 5 * 86_400  # that of DC/OS; shorter is better
LEAST_TOKEN_LIFETIME_SECONDS = 1  # no use to people; to a test of what happens then it is
MOST_TOKEN_LIFETIME_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class IamSettings:
    """The settings.

    Attributes:
        token_lifetime_seconds: how long the token of a login is good for.
        password_cost: of new password records.
        least_password_length: the fewest characters that a new password may have.
        superuser: a user to make when the store is opened for the first time; empty for none.
        superuser_password_file: where his password is read from, once.

    Raises:
        InvalidInputError: out of range, or one of the last two without the other.
    """

    token_lifetime_seconds: int = DEFAULT_TOKEN_LIFETIME_SECONDS
    password_cost: PasswordCost = field(default_factory=PasswordCost)
    least_password_length: int = DEFAULT_LEAST_LENGTH
    superuser: str = ""
    superuser_password_file: str = ""

    def __post_init__(self) -> None:
        lowest, highest = LEAST_TOKEN_LIFETIME_SECONDS, MOST_TOKEN_LIFETIME_SECONDS
        if not lowest <= self.token_lifetime_seconds <= highest:
            raise InvalidInputError(f"token_lifetime: expected {lowest} to {highest} seconds")
        if not LEAST_LEAST_LENGTH <= self.least_password_length <= MAX_PASSWORD_BYTES:
            raise InvalidInputError(f"min_password_length: expected at least {LEAST_LEAST_LENGTH}")
        if bool(self.superuser) != bool(self.superuser_password_file):
            raise InvalidInputError("expected superuser and superuser_password_file together")
        if self.superuser:
            check_uid(self.superuser)
