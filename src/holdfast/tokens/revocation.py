"""What was taken back before its time: one token, all tokens of a subject, or all tokens of an issuer.

A subject or an issuer is cut off up to a moment, so that tokens made later work again. Issue times have
whole seconds, hence a token from the very second of the cut-off is revoked too. A token that was renewed
counts as what it was renewed from: it ends with the id and with the issue time of the first one (see
``renewal``). Changes return a new value; they take effect when that value is given to the verifier. How
revocations are kept is for others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.tokens.renewal import family_of


@dataclass(frozen=True, slots=True)
class Revocations:
    """Everything revoked at one time.

    Attributes:
        token_ids: single tokens and all that were renewed from them, as pairs of issuer and ``jti``.
        subjects: by issuer and ``sub`` or user name, the Unix second up to which tokens no longer count.
        issuers: by issuer, the Unix second up to which tokens no longer count.
    """

    token_ids: frozenset[tuple[str, str]] = frozenset()
    subjects: Mapping[tuple[str, str], int] = field(default_factory=dict)
    issuers: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is revoked."""
        return not (self.token_ids or self.subjects or self.issuers)

    def covers(self, principal: Principal) -> bool:
        """Whether the token that ``principal`` was read from was revoked."""
        if self.is_empty:
            return False
        issuer, begun = principal.issuer, principal.begun_at
        return (
            (issuer, principal.token_id) in self.token_ids
            or (issuer, family_of(principal.token_id)) in self.token_ids
            or begun <= self.issuers.get(issuer, -1)
            or begun <= self.subjects.get((issuer, principal.name), -1)
            or begun <= self.subjects.get((issuer, principal.subject), -1)
        )

    def with_token(self, issuer: str, token_id: str) -> "Revocations":
        """Also revoke the one token with this ``jti``, and the whole family if it is a renewed one.

        Raises:
            InvalidInputError: the id is empty, which would mean every token without one.
        """
        if not token_id:
            raise InvalidInputError("token id: expected one; revoke the subject or the issuer instead")
        return replace(self, token_ids=self.token_ids | {(issuer, family_of(token_id))})

    def with_subject(self, issuer: str, subject: str, *, issued_until: int) -> "Revocations":
        """Also revoke what this subject was issued up to the Unix second ``issued_until``.

        Raises:
            InvalidInputError: the subject is empty.
        """
        if not subject:
            raise InvalidInputError("subject: expected one; revoke the issuer instead")
        until = max(issued_until, self.subjects.get((issuer, subject), 0))
        return replace(self, subjects={**self.subjects, (issuer, subject): until})

    def with_issuer(self, issuer: str, *, issued_until: int) -> "Revocations":
        """Also revoke what this issuer signed up to the Unix second ``issued_until``."""
        until = max(issued_until, self.issuers.get(issuer, 0))
        return replace(self, issuers={**self.issuers, issuer: until})


NOTHING_REVOKED = Revocations()
