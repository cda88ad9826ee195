"""Changes to tokens, as commands for the writer."""

from typing import ClassVar

import msgspec

from holdfast.errors import InvalidInputError, UnauthenticatedError
from holdfast.formats.strict_json import encode
from holdfast.model import format_short_duration
from holdfast.store.auth.mounts import AuthMount, load_auth_mounts
from holdfast.store.command import Command, Scope
from holdfast.store.identity.known import NOBODY, Known, known_as
from holdfast.store.identity.names import Names
from holdfast.store.layout import IDENTITY, MOUNTS, POLICIES, TOKEN_ROLES, TOKENS, auth_place
from holdfast.store.policy_records import load_policy_text
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenEntry


class CreateToken(Command, frozen=True, kw_only=True):
    """Make a token. ``entry.parent`` is the hash of the caller's token, or empty for an orphan."""

    entry: TokenEntry
    token: str | None = None

    def run(self, scope: Scope) -> Answer:
        """Store the token and return it as the ``auth`` part of an answer."""
        view = scope.view(TOKENS)
        parent = self.entry.parent
        if parent and token_records.load_live(view, parent, now=scope.now) is None:
            raise UnauthenticatedError("permission denied", reason="revoked")
        new = token_records.create(view, scope.hasher, self.entry, token=self.token)
        policies = scope.view(POLICIES)
        unknown = [
            name for name in new.entry.policies if name != "root" and load_policy_text(policies, name) is None
        ]
        warnings = tuple(f'Policy "{name}" does not exist' for name in unknown)
        # As long as it was granted for: the moment that it took to get here is not the caller's concern.
        known = known_in(scope, new.entry)
        _require_let_in(known)
        auth = describe_auth(new.token, new.entry, new.entry.created_at, known)
        return Answer(auth=auth, warnings=warnings)


class RenewToken(Command, frozen=True, kw_only=True):
    """Extend a token. ``token`` is only echoed to a caller who sent it himself."""

    shared: ClassVar[bool] = True
    token_hash: str
    token: str = ""
    increment_seconds: int = 0

    def run(self, scope: Scope) -> Answer:
        """Extend the token and return the ``auth`` part of an answer."""
        entry = renew_token(scope, self.token_hash, increment_seconds=self.increment_seconds)
        return Answer(auth=describe_auth(self.token, entry, scope.now, known_in(scope, entry)))


class UseToken(Command, frozen=True, kw_only=True):
    """Count one use of a token that has a limited number of them."""

    shared: ClassVar[bool] = True
    token_hash: str

    def run(self, scope: Scope) -> Answer:
        """Take one use off, or refuse."""
        token_records.use(scope.view(TOKENS), self.token_hash, now=scope.now)
        return Answer()


class RevokeToken(Command, frozen=True, kw_only=True):
    """Remove a token and its descendants."""

    shared: ClassVar[bool] = True
    token_hash: str
    keep_children: bool = False

    def run(self, scope: Scope) -> Answer:
        """Remove them in one transaction, so that no child outlives its parent."""
        token_records.revoke(
            scope.view(TOKENS), scope.hasher, self.token_hash, keep_children=self.keep_children
        )
        return Answer()


class RevokeAccessor(Command, frozen=True, kw_only=True):
    """Remove the token that an accessor belongs to."""

    shared: ClassVar[bool] = True
    accessor: str

    def run(self, scope: Scope) -> Answer:
        """Find and remove it."""
        view = scope.view(TOKENS)
        found = token_records.find_by_accessor(view, scope.hasher, self.accessor)
        if found is not None:
            token_records.revoke(view, scope.hasher, found[0])
        return Answer()


def renew_token(scope: Scope, token_hash: str, *, increment_seconds: int) -> TokenEntry:
    """Extend a token, if it could still be had, and return its new entry.

    Raises:
        UnauthenticatedError: there is no such live token, or its mount is gone.
        InvalidInputError: it is not renewable, or no longer so.
    """
    view = scope.view(TOKENS)
    entry = token_records.load(view, token_hash)
    _check_origin(scope, entry)
    if entry is not None:
        _require_let_in(known_in(scope, entry))
    made_by = "" if entry is None else entry.token_role
    if made_by and scope.view(TOKEN_ROLES).get(made_by) is None:
        raise InvalidInputError("lease is not renewable: the token role that it was made by is gone")
    return token_records.renew(view, token_hash, increment_seconds=increment_seconds, now=scope.now)


def _check_origin(scope: Scope, entry: TokenEntry | None) -> None:
    """Return unless a token came from a login that nobody could repeat: its mount, or its role, is gone.

    Raises:
        UnauthenticatedError: the mount is gone, and so is the token.
        InvalidInputError: the role is gone; the token lives on until its time is up.
    """
    if entry is None or not entry.mount:
        return
    if entry.mount not in load_auth_mounts(scope.view(MOUNTS)).uuids:
        raise UnauthenticatedError("permission denied", reason="revoked")
    if entry.role and scope.view(auth_place(AuthMount.prefix_of(entry.mount))).get(entry.role) is None:
        raise InvalidInputError("lease is not renewable: the role or user that the token came from is gone")


def known_in(scope: Scope, entry: TokenEntry) -> Known:
    """Return who the bearer of a token is, as of this transaction."""
    if entry.alias is None or entry.alias.home != scope.namespace.uuid:
        return NOBODY
    known = known_as(scope.view(IDENTITY), Names(scope.hasher), entry.alias.expanded(entry.meta))
    return known.of_token(entry.created_at)


def _require_let_in(known: Known) -> None:
    """Return unless whoever a token belongs to is gone, or disabled.

    Raises:
        UnauthenticatedError: he is.
    """
    if known.refusal:
        raise UnauthenticatedError("permission denied", reason=known.refusal)


def describe_auth(token: str, entry: TokenEntry, now: float, known: Known = NOBODY) -> bytes:
    """Return the ``auth`` object of the Vault API for a token that was made or renewed."""
    of_identity = {"identity_policies": list(known.policies)} if known.policies else {}
    return encode(
        {
            "client_token": token,
            "accessor": entry.accessor,
            "policies": list(known.all_policies(entry.policies)),
            "token_policies": list(entry.policies),
            **of_identity,
            "metadata": entry.meta or None,
            "lease_duration": max(0, int(entry.expires_at - now)) if entry.expires_at else 0,
            "renewable": entry.renewable,
            "entity_id": known.entity_id,
            "token_type": entry.type,
            "orphan": not entry.parent,
            "mfa_requirement": None,
            "num_uses": max(0, entry.uses_left),
        }
    )


def limit_ttl(
    *, ttl_seconds: int, explicit_max_ttl_seconds: int, period_seconds: int
) -> tuple[int, list[str]]:
    """Return the TTL to grant in seconds, and warnings about what was capped."""
    ceiling = token_records.SYSTEM_MAX_TTL_SECONDS
    wanted = period_seconds or ttl_seconds or ceiling
    granted = min(wanted, ceiling)
    if explicit_max_ttl_seconds:
        granted = min(granted, explicit_max_ttl_seconds)
    if granted == wanted:
        return granted, []
    return granted, [capped_warning(wanted, granted)]


def capped_warning(wanted: int, granted: int) -> str:
    """Return the sentence about a TTL that was longer than allowed, in seconds."""
    asked, most = format_short_duration(wanted), format_short_duration(granted)
    return f'TTL of "{asked}" exceeded the effective max_ttl of "{most}"; TTL value is capped accordingly'


def with_lifetime(entry: TokenEntry, *, now: float, ttl_seconds: int) -> TokenEntry:
    """Return ``entry`` with its creation and expiry times set; a TTL of 0 never expires."""
    return msgspec.structs.replace(
        entry, created_at=now, ttl_seconds=ttl_seconds, expires_at=now + ttl_seconds if ttl_seconds else 0.0
    )
