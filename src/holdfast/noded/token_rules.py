"""What holds for the tokens of all issuers, and which arguments are refused because they are dangerous."""

from dataclasses import dataclass

from holdfast.errors import InvalidInputError
from holdfast.noded.options import NodeOptions
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.generate import parse_lifetime
from holdfast.tokens.issuer import MAX_CLOCK_SKEW_SECONDS

DEFAULT_MAX_LIFETIME = "1y"
DEFAULT_MAX_RENEWAL = "30d"
MAX_LIFETIME_SECONDS = 10 * 365 * 86_400  # a revocation is kept for as long as tokens may live


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What holds for the tokens of all issuers.

    Attributes:
        clock_skew_seconds: how far the clock of an issuer may differ from ours.
        max_lifetime_seconds: the longest lifetime accepted.
        max_renewal_seconds: how long after the first the last of several renewed tokens may end; 0 for no
            renewals.
        user_name_claim: which claim is the user name, for users.
    """

    clock_skew_seconds: int
    max_lifetime_seconds: int
    max_renewal_seconds: int
    user_name_claim: UserNameClaim


def read_rules(options: NodeOptions) -> TokenRules:
    """Return the rules that the arguments say.

    Raises:
        InvalidInputError: one is out of range.
    """
    if options.username_claim and options.username_claim not in set(UserNameClaim):
        raise InvalidInputError(f"-username_claim: expected one of {', '.join(UserNameClaim)}")
    leeway = options.clock_leeway or "0"
    if not (leeway.isascii() and leeway.isdigit()) or int(leeway) > MAX_CLOCK_SKEW_SECONDS:
        raise InvalidInputError(f"--clock-leeway: expected 0 to {MAX_CLOCK_SKEW_SECONDS} seconds")
    longest = _duration("--max-token-lifetime", options.max_token_lifetime or DEFAULT_MAX_LIFETIME)
    renewal = _duration("--max-token-renewal", options.max_token_renewal or DEFAULT_MAX_RENEWAL)
    if not longest:
        raise InvalidInputError("--max-token-lifetime: expected at least one second")
    return TokenRules(
        clock_skew_seconds=int(leeway),
        max_lifetime_seconds=longest,
        max_renewal_seconds=renewal,
        user_name_claim=UserNameClaim(options.username_claim or UserNameClaim.SUB),
    )


def _duration(field: str, text: str) -> int:
    seconds = parse_lifetime(text, field=field)
    if seconds > MAX_LIFETIME_SECONDS:
        raise InvalidInputError(f"{field}: expected at most 10y")
    return seconds


def refuse_dangerous(options: NodeOptions) -> None:
    """Refuse what the reference server has as arguments and should not have.

    Raises:
        InvalidInputError: one of them was given; says what to do instead.
    """
    for argument, variable, given in (
        ("--jwt-shared-secret", "JWT_SHAREDSECRET", options.jwt_shared_secret),
        ("--jwt-system-shared-secret", "SYSTEM_KEY", options.jwt_system_shared_secret),
    ):
        if given:
            raise InvalidInputError(
                f"{argument}: an argument is seen by every user of this host; "
                f"set PORTWORX_AUTH_{variable} in the environment instead"
            )
    if options.oidc_skip_client_id_check:
        raise InvalidInputError(
            "--oidc-skip-client-id-check: refused, since a token that was made for another program would "
            "open this one; give -oidc_client_id"
        )


def in_field(field: str, error: InvalidInputError) -> str:
    """Return the text of an error with the setting that it is about."""
    return error.message if error.message.startswith(field) else f"{field}: {error.message}"
