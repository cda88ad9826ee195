"""The one order in which a token is checked. It ends in a principal, or in an error that says why not.

1. The form: strict segments, plain JSON, no header that asks for special treatment.
2. The issuer that the token names, by exact match.
3. The algorithm, against the list of that issuer; the key, among the keys of that issuer.
4. The signature. Nothing that the token says is acted on before this step.
5. Presence, types and sizes of the claims.
6. The times, and the audience.
7. The user name.
8. Revocations.

A token that has passed is remembered until it expires, and skips the steps while the issuers and the
revocations stay the same. Giving the verifier new ones forgets every token.
"""

import hashlib
from dataclasses import dataclass
from threading import Lock

from holdfast.clock import Clock
from holdfast.model import Principal
from holdfast.tokens.claims import check_audience, check_times, issuer_of, principal_of, read_claims
from holdfast.tokens.compact import CompactToken, read_compact, token_bytes
from holdfast.tokens.errors import BadSignatureError, Reason, TokenError
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.revocation import NOTHING_REVOKED, Revocations
from holdfast.tokens.verified_tokens import VerifiedTokens

REMEMBERED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class _Trust:
    """What is trusted at one time, and what was verified under exactly that.

    Replaced as a whole: a verification under way when trust changes ends in the memory that was thrown
    away, and cannot bring a revoked token back.
    """

    issuers: IssuerRegistry
    revocations: Revocations
    verified: VerifiedTokens


class Verifier:
    """Turns tokens into principals.

    Args:
        issuers: who may vouch.
        clock: the time, against which tokens expire.
        revocations: what was taken back.
        remembered_tokens: how many verified tokens to remember; 0 verifies every token anew.
    """

    __slots__ = ("_changing", "_clock", "_remembered_tokens", "_trust")

    def __init__(
        self,
        issuers: IssuerRegistry,
        *,
        clock: Clock,
        revocations: Revocations = NOTHING_REVOKED,
        remembered_tokens: int = REMEMBERED_TOKENS,
    ) -> None:
        self._clock = clock
        self._remembered_tokens = remembered_tokens
        self._changing = Lock()
        self._trust = _Trust(issuers, revocations, VerifiedTokens(remembered_tokens))

    def trust(self, *, issuers: IssuerRegistry | None = None, revocations: Revocations | None = None) -> None:
        """Use other issuers, other revocations or both, from the next token on.

        Args:
            issuers: the new issuers, or ``None`` to keep them.
            revocations: the new revocations, or ``None`` to keep them.
        """
        with self._changing:  # or one of two changes at once, perhaps a revocation, would be lost
            self._trust = _Trust(
                self._trust.issuers if issuers is None else issuers,
                self._trust.revocations if revocations is None else revocations,
                VerifiedTokens(self._remembered_tokens),
            )

    def verify(self, token: str | bytes) -> Principal:
        """Return the principal that ``token`` speaks for.

        Args:
            token: the compact form, without the word ``Bearer``.

        Raises:
            TokenError: it is not believed; ``reason`` says why.
        """
        trust, now = self._trust, self._clock.now()
        raw = token_bytes(token)
        digest = hashlib.sha256(raw).digest()
        principal = trust.verified.find(digest, now=now)
        if principal is None:
            principal = _verify(read_compact(raw), trust, now)
            trust.verified.remember(digest, principal)
        return principal


def _verify(token: CompactToken, trust: _Trust, now: float) -> Principal:
    """Steps 2 to 8 of the module's list."""
    issuer = trust.issuers.select(issuer_of(token.unverified_claims))
    _check_signature(token, issuer)
    claims = read_claims(token.unverified_claims)
    check_times(
        claims,
        now=now,
        skew_seconds=issuer.clock_skew_seconds,
        max_lifetime_seconds=issuer.max_lifetime_seconds,
    )
    check_audience(claims, issuer.audience)
    principal = principal_of(claims, issuer.user_name_claim)
    if trust.revocations.covers(principal, issued_at=claims.iat):
        raise TokenError(Reason.REVOKED, "revoked; get a new one")
    return principal


def _check_signature(token: CompactToken, issuer: Issuer) -> None:
    """Steps 3 and 4. Without a key id, every key of the issuer that knows the algorithm is tried."""
    for key in issuer.keys_for(token.algorithm, token.key_id):
        try:
            key.verify(token.algorithm, token.signed, token.signature)
        except BadSignatureError:
            continue
        return
    raise BadSignatureError
