"""What was taken back before its time: one token, all tokens of a principal, or all tokens of an issuer.

A principal or an issuer is cut off up to a moment, so that tokens made later work again. Issue times
have whole seconds, hence a token from the very second of the cut-off is revoked too. Changes return a
new value; they take effect when that value is given to the verifier. How revocations are kept is for
others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from holdfast.errors import InvalidInputError
from holdfast.model import Principal


@dataclass(frozen=True, slots=True)
class Revocations:
    """Everything revoked at one time.

    Attributes:
        token_ids: single tokens, as pairs of issuer and ``jti``.
        principals: by issuer and user name, the Unix second up to which tokens no longer count.
        issuers: by issuer, the Unix second up to which tokens no longer count.
    """

    token_ids: frozenset[tuple[str, str]] = frozenset()
    principals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    issuers: Mapping[str, int] = field(default_factory=dict)

    def covers(self, principal: Principal, *, issued_at: float) -> bool:
        """Whether a token of ``principal``, issued at that Unix time, was revoked."""
        return (
            (principal.issuer, principal.token_id) in self.token_ids
            or issued_at <= self.principals.get((principal.issuer, principal.name), -1)
            or issued_at <= self.issuers.get(principal.issuer, -1)
        )

    def with_token(self, issuer: str, token_id: str) -> "Revocations":
        """Also revoke the one token with this ``jti``.

        Raises:
            InvalidInputError: the id is empty, which would mean every token without one.
        """
        if not token_id:
            raise InvalidInputError("token id: expected one; revoke the principal or the issuer instead")
        return replace(self, token_ids=self.token_ids | {(issuer, token_id)})

    def with_principal(self, issuer: str, name: str, *, issued_until: int) -> "Revocations":
        """Also revoke what this principal was issued up to the Unix second ``issued_until``."""
        until = max(issued_until, self.principals.get((issuer, name), 0))
        return replace(self, principals={**self.principals, (issuer, name): until})

    def with_issuer(self, issuer: str, *, issued_until: int) -> "Revocations":
        """Also revoke what this issuer signed up to the Unix second ``issued_until``."""
        until = max(issued_until, self.issuers.get(issuer, 0))
        return replace(self, issuers={**self.issuers, issuer: until})


NOTHING_REVOKED = Revocations()
