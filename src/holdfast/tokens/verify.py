"""The one order in which a token is checked. It ends in a principal, or in an error that says why not.

1. The form: strict segments, plain JSON, no header that asks for special treatment.
2. The issuer that the token names, by exact match.
3. The algorithm, against the list of that issuer; the key, among the keys of that issuer.
4. The signature. Nothing that the token says is acted on before this step.
5. Presence, types and sizes of the claims.
6. The user name. Of a token that is refused later than here it is known whose it is.
7. The times, and the audience.
8. Revocations.

A token that has passed is remembered until it expires, and skips the steps while the issuers, the keys that
they publish and the revocations stay the same. Any change of these forgets every token. One of an issuer that
publishes its keys is looked at again every few minutes, so that a key which was withdrawn is noticed.
"""

import base64
import hashlib
from dataclasses import dataclass
from threading import Lock

from holdfast.clock import Clock
from holdfast.model import Principal
from holdfast.tokens.claims import Claims, check_audience, check_times, issuer_of, principal_of, read_claims
from holdfast.tokens.compact import OF_ANY_ISSUER, CompactToken, read_compact, token_bytes
from holdfast.tokens.errors import BadSignatureError, Reason, TokenError
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.keys import VerifyingKey
from holdfast.tokens.revocation import NOTHING_REVOKED, Revocations
from holdfast.tokens.verified_tokens import VerifiedTokens

REMEMBERED_TOKENS = 10_000
HASH_ID_BYTES = 16


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
        self._listen(issuers)

    @property
    def issuers(self) -> IssuerRegistry:
        """Who may vouch at this moment."""
        return self._trust.issuers

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
        if issuers is not None:
            self._listen(issuers)

    def verify(self, token: str | bytes) -> Principal:
        """Return the principal that ``token`` speaks for; may wait for a provider, so call it in a thread.

        Args:
            token: the compact form, without the word ``Bearer``.

        Raises:
            TokenError: it is not believed; ``reason`` says why.
            IssuerUnavailableError: whether it is to be believed cannot be told at the moment.
        """
        trust, now = self._trust, self._clock.now()
        raw = token_bytes(token)
        digest = hashlib.sha256(raw).digest()
        principal = trust.verified.find(digest, now=now)
        if principal is None:
            principal, until = _verify(read_compact(raw, OF_ANY_ISSUER), trust, now)
            trust.verified.remember(digest, principal, until=until)
        return principal

    def _listen(self, issuers: IssuerRegistry) -> None:
        for issuer in issuers:
            if issuer.published is not None:
                issuer.published.when_changed(self.trust)


def _verify(token: CompactToken, trust: _Trust, now: float) -> tuple[Principal, float]:
    """Steps 2 to 8 of the module's list; return the principal, and until when that need not be repeated."""
    issuer = trust.issuers.select(issuer_of(token.unverified_claims))
    key = _check_signature(token, issuer)
    claims = read_claims(token.unverified_claims, namespace=issuer.claim_namespace)
    principal = principal_of(
        claims,
        issuer.user_name_claim,
        fallback_id="" if claims.jti else _hash_of(token),
        signed_with=key.fingerprint,
    )
    try:
        _check_that_it_counts(claims, principal, issuer, trust.revocations, now)
    except TokenError as error:
        error.bearer = principal
        raise
    until: float = principal.expires_at
    if issuer.published is not None:
        until = min(until, issuer.published.good_until(now))
    return principal, until


def _check_that_it_counts(
    claims: Claims, principal: Principal, issuer: Issuer, revocations: Revocations, now: float
) -> None:
    """Steps 7 and 8: here, now, and still."""
    check_times(
        claims,
        now=now,
        skew_seconds=issuer.clock_skew_seconds,
        max_lifetime_seconds=issuer.max_lifetime_seconds,
    )
    check_audience(claims, issuer.audience)
    if revocations.covers(principal):
        raise TokenError(Reason.REVOKED, "revoked; get a new one")


def _check_signature(token: CompactToken, issuer: Issuer) -> VerifyingKey:
    """Steps 3 and 4. Without a key id, every key of the issuer that knows the algorithm is tried."""
    for key in issuer.keys_for(token.algorithm, token.key_id):
        try:
            key.verify(token.algorithm, token.signed, token.signature)
        except BadSignatureError:
            continue
        return key
    raise BadSignatureError


def _hash_of(token: CompactToken) -> str:
    """Return an id for a token without one: of what is signed, for there may be several good signatures."""
    digest = hashlib.sha256(token.signed).digest()
    return f"sha256:{base64.urlsafe_b64encode(digest[:HASH_ID_BYTES]).rstrip(b'=').decode('ascii')}"
