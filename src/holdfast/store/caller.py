"""Somebody whose token was found alive: who it is, and what may be done with it."""

from collections.abc import Callable

import msgspec

from holdfast.audit import AuditAuth
from holdfast.policy.acl import Capability
from holdfast.policy.decision import Decision
from holdfast.policy.path_rules import PathRules
from holdfast.policy.together import RulesTogether
from holdfast.store.identity.known import NOBODY, Known
from holdfast.store.namespaces.below import RulesBelow
from holdfast.store.tokens.records import TokenEntry


class UserToken(msgspec.Struct, frozen=True, gc=False):
    """What names one token of a user, so that it can be revoked.

    Attributes:
        uid: the user.
        token_id: told from every other token by it.
        expires_at: Unix seconds.
    """

    uid: str
    token_id: str
    expires_at: int


class Caller:
    """Who asks, as long as nothing changes.

    Attributes:
        token_hash: the token's name in storage; of a user's token, which is not stored, its name here.
        entry: the stored token; of a user's token, what stands for it.
        acl: what it allows: policies compiled, or grants.
        decide: ``acl.decide`` with a bounded memory of earlier decisions.
        live_until: Unix seconds at which the token or an ancestor of it ends; infinite for never.
        user_token: set if a user of the IAM asks, ``None`` for a stored token.
        is_guest: whether the token is of a namespace above that in which it asks.
        known: who it is beside the token: entity, groups and their policies.
        audit_auth: how audit lines show the caller, once they have.
    """

    __slots__ = (
        "acl",
        "audit_auth",
        "decide",
        "entry",
        "is_guest",
        "known",
        "live_until",
        "token_hash",
        "user_token",
    )

    def __init__(
        self,
        token_hash: str,
        entry: TokenEntry,
        acl: PathRules,
        decide: Callable[[str, Capability], Decision],
        live_until: float,
        *,
        user_token: UserToken | None = None,
        is_guest: bool = False,
        known: Known = NOBODY,
    ) -> None:
        self.token_hash = token_hash
        self.entry = entry
        self.acl = acl
        self.decide = decide
        self.live_until = live_until
        self.user_token = user_token
        self.is_guest = is_guest
        self.known = known
        self.audit_auth: AuditAuth | None = None

    def along_with(self, rules: PathRules) -> "Caller":
        """Return the same caller with more that he may do."""
        acl = RulesTogether(self.acl, rules)
        return Caller(
            self.token_hash,
            self.entry,
            acl,
            acl.decide,
            self.live_until,
            user_token=self.user_token,
            is_guest=self.is_guest,
            known=self.known,
        )

    def seen_from(self, between: str) -> "Caller":
        """Return the same caller as seen from a namespace below that of the token.

        Args:
            between: path from the one to the other, with a trailing slash.
        """
        return Caller(
            self.token_hash,
            self.entry,
            RulesBelow(self.acl, between),
            lambda path, capability: self.decide(between + path, capability),
            self.live_until,
            user_token=self.user_token,
            is_guest=True,
            known=self.known,
        )
