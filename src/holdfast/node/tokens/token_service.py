"""Service ``Token``: taking tokens back before their time, and renewing one's own.

Whoever has a token may take it back, and with it all that were renewed from it. Tokens of others are for
storage administrators: a role must allow ``token.revokeothers``, and the group ``*`` says that it is about
everybody.
"""

from dataclasses import dataclass

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.errors import AdministratorOnlyError
from holdfast.node.tokens.revocation_book import RevocationBook
from holdfast.node.tokens.revocation_records import RevocationKind, RevocationRecord
from holdfast.node.tokens.token_watch import WatchedTokens
from holdfast.policy.ownership import is_storage_administrator
from holdfast.tokens.issuer import MAX_CLOCK_SKEW_SECONDS
from holdfast.tokens.renewal import NotRenewableError, family_of, renew_token

DEFAULT_MAX_LIFETIME_SECONDS = 365 * 86_400
DEFAULT_MAX_RENEWAL_SECONDS = 30 * 86_400
MAX_VALUE_CHARACTERS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLimits:
    """How long tokens may live.

    Attributes:
        max_lifetime_seconds: the longest lifetime that is accepted, of all issuers.
        max_renewal_seconds: how long after the first one the last of several renewed tokens may end; 0 for
            no renewals.
    """

    max_lifetime_seconds: int = DEFAULT_MAX_LIFETIME_SECONDS
    max_renewal_seconds: int = DEFAULT_MAX_RENEWAL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """What is to be revoked. Nothing said means: the token that the request came with.

    Attributes:
        issuer: whose tokens; empty for the issuer of the caller's.
        token_id: the one token with this id, and all that were renewed from it.
        subject: all tokens of this subject or user name.
        everything: all tokens of the issuer.
        issued_until: Unix second up to which tokens of a subject or issuer are meant; ``None`` for now.
    """

    issuer: str = ""
    token_id: str = ""
    subject: str = ""
    everything: bool = False
    issued_until: int | None = None


@dataclass(frozen=True, slots=True)
class RenewedToken:
    """A new token.

    Attributes:
        token: the token.
        expires_at: Unix seconds at which it ends.
    """

    token: str
    expires_at: int


class TokenService:
    """Tokens as the API takes them back and renews them."""

    def __init__(
        self, *, gate: Gate, book: RevocationBook, tokens: WatchedTokens, clock: Clock, limits: TokenLimits
    ) -> None:
        self._gate = gate
        self._book = book
        self._tokens = tokens
        self._clock = clock
        self._limits = limits

    @operation(apis.TOKEN_RENEW)
    def renew(self, admission: Admission, *, lifetime_seconds: int = 0) -> RenewedToken:
        """Make the caller a token that ends later and is otherwise the same.

        Args:
            admission: of the caller.
            lifetime_seconds: shorter than the lifetime of the present one; 0 for the same.

        Raises:
            NotRenewableError: the token's issuer has to do it.
            RenewalEndedError: it was renewed for as long as it may be.
        """
        principal = admission.principal
        issuer = self._tokens.issuers.select(principal.issuer)
        if not self._limits.max_renewal_seconds:
            raise NotRenewableError("tokens are not renewed here; get a new one at its issuer")
        key = issuer.signing_key(principal.signed_with)
        if key is None:
            raise NotRenewableError(
                "token: this node only has a public key of its issuer, or none to sign with; renew it there"
            )
        token, expires_at = renew_token(
            principal,
            key=key,
            now=self._clock.now(),
            lifetime_seconds=lifetime_seconds,
            max_life_seconds=self._limits.max_renewal_seconds,
        )
        self._gate.done(admission, family_of(principal.token_id), "token renewed")
        return RenewedToken(token, expires_at)

    @operation(apis.TOKEN_REVOKE)
    def revoke(self, admission: Admission, what: What) -> RevocationRecord:
        """Take tokens back; no node of the cluster believes them a second later.

        Raises:
            RoleDeniedError: no role of the caller allows taking back tokens of others.
            AdministratorOnlyError: the caller is no storage administrator.
            InvalidInputError: it does not say what, or names an issuer that is none.
            LimitReachedError: there are as many revocations as there may be.
        """
        principal = admission.principal
        record = self._record(principal, what)
        if not _is_own(principal, record):
            self._gate.require_api(admission, apis.TOKEN_REVOKE_OTHERS)
            if not is_storage_administrator(principal):
                raise AdministratorOnlyError("Only a storage administrator may revoke tokens of others")
        kept = self._book.add(record, by_administrator=is_storage_administrator(principal))
        self._gate.done(
            admission, record.value or record.issuer, f"{record.kind} revoked", after=_words(kept)
        )
        self._tokens.forget_look()
        return kept

    @operation(apis.TOKEN_REVOCATIONS)
    def revocations(self, admission: Admission) -> list[RevocationRecord]:
        """Return what was taken back: to storage administrators all, to others what is about them."""
        principal = admission.principal
        records = self._book.records()
        if is_storage_administrator(principal):
            return records
        return [record for record in records if _is_about(principal, record)]

    def _record(self, principal: Principal, what: What) -> RevocationRecord:
        now = int(self._clock.now())
        issuer = what.issuer or principal.issuer
        if all(issuer != each.name for each in self._tokens.issuers):
            raise InvalidInputError("issuer: expected one that this node trusts")
        named = [bool(what.token_id), bool(what.subject), what.everything]
        if sum(named) > 1:
            raise InvalidInputError("token_id, subject, everything: expected one of them")
        value = what.subject or what.token_id
        if len(value) > MAX_VALUE_CHARACTERS or not value.isprintable():
            raise InvalidInputError("token_id, subject: expected at most 1024 printable characters")
        if what.everything:
            kind = RevocationKind.ISSUER
        elif what.subject:
            kind = RevocationKind.SUBJECT
        else:
            kind, value = RevocationKind.TOKEN, family_of(value or principal.token_id)
        latest = now + MAX_CLOCK_SKEW_SECONDS  # no token that is there already was issued after it
        until = latest if kind is RevocationKind.TOKEN else now
        if what.issued_until is not None and kind is not RevocationKind.TOKEN:
            if not 0 <= what.issued_until <= latest:
                raise InvalidInputError("issued_before: expected a time that has passed")
            until = what.issued_until
        return RevocationRecord(
            kind=kind,
            issuer=issuer,
            value=value,
            issued_until=until,
            ends_at=latest + self._limits.max_lifetime_seconds + MAX_CLOCK_SKEW_SECONDS,
            revoked_at=now,
            revoked_by=principal.name,
        )


def _is_own(principal: Principal, record: RevocationRecord) -> bool:
    return (
        record.kind is RevocationKind.TOKEN
        and record.issuer == principal.issuer
        and record.value == family_of(principal.token_id)
    )


def _is_about(principal: Principal, record: RevocationRecord) -> bool:
    return record.revoked_by == principal.name or (
        record.issuer == principal.issuer
        and record.kind is RevocationKind.SUBJECT
        and record.value in {principal.name, principal.subject}
    )


def _words(record: RevocationRecord) -> dict[str, object]:
    """Return a revocation as the audit log has it."""
    return {"issuer": record.issuer, "issued_until": record.issued_until, "ends_at": record.ends_at}
