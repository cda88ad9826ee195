"""Changes to leases, as commands for the writer."""

from typing import ClassVar

from holdfast.errors import InvalidInputError
from holdfast.store.command import Command, Scope
from holdfast.store.layout import TOKENS
from holdfast.store.leases.ids import find_lease, leases_below
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.commands import renew_token


class RenewLease(Command, frozen=True, kw_only=True):
    """Extend what a lease is for.

    Attributes:
        lease: its name.
        increment_seconds: by how long; 0 for as long as at first.
    """

    shared: ClassVar[bool] = True
    lease: str
    increment_seconds: int = 0

    def run(self, scope: Scope) -> Answer:
        """Extend it and return until when."""
        found = find_lease(scope.view(TOKENS), scope.hasher, self.lease, now=scope.now)
        if found is None:
            raise InvalidInputError("lease not found")
        entry = renew_token(scope, found[0], increment_seconds=self.increment_seconds)
        left = max(0, int(entry.expires_at - scope.now))
        return Answer(lease_id=self.lease, lease_seconds=left, renewable=entry.renewable)


class RevokeLease(Command, frozen=True, kw_only=True):
    """End what a lease is for, and what depends on it. An unknown lease is fine."""

    shared: ClassVar[bool] = True
    lease: str

    def run(self, scope: Scope) -> Answer:
        """Remove the token and its descendants."""
        view = scope.view(TOKENS)
        found = find_lease(view, scope.hasher, self.lease, now=scope.now)
        if found is not None:
            token_records.revoke(view, scope.hasher, found[0])
        return Answer()


class RevokeLeasesBelow(Command, frozen=True, kw_only=True):
    """End everything that was leased below a prefix, which ends in a slash."""

    shared: ClassVar[bool] = True
    prefix: str

    def run(self, scope: Scope) -> Answer:
        """Remove those tokens and their descendants in one transaction."""
        view = scope.view(TOKENS)
        for token_hash in [token_hash for _, token_hash, _ in leases_below(view, scope.hasher, self.prefix)]:
            token_records.revoke(view, scope.hasher, token_hash)
        return Answer()


class TidyTokens(Command, frozen=True):
    """Remove what has run out now, rather than at the next upkeep."""

    shared: ClassVar[bool] = True

    def run(self, scope: Scope) -> Answer:
        """Remove tokens whose time is over; what is left of very many waits for upkeep."""
        # One batch: a shared storage takes no more than so much in one change.
        token_records.tidy(scope.view(TOKENS), scope.hasher, now=scope.now)
        return Answer(
            warnings=("Tidy operation done: what had run out is removed.",),
            accepted=True,
        )
