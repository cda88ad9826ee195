"""Tokens that are issued, renewed and revoked in any order count exactly as a plain list of them says."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from holdfast.clock import ManualClock
from holdfast.model import SecretBytes
from holdfast.tokens.errors import TokenError
from holdfast.tokens.generate import generate_token
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.renewal import RenewalEndedError, renew_token
from holdfast.tokens.revocation import NOTHING_REVOKED
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User
from holdfast.tokens.verify import Verifier

KEYS = {name: SharedSecretKey(SecretBytes(name.encode() * 40)) for name in ("a", "b")}
LIFETIME, LONGEST = 100, 300
NAMES = ("ann", "bob")


@dataclass
class Known:
    """What the model knows of one token."""

    text: str
    issuer: str
    subject: str
    begun: int
    expires: int
    family: int
    revoked: bool = False


class Tokens(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(1_000_000)
        registry = IssuerRegistry([Issuer(name=name, keys=(key,), renews=True) for name, key in KEYS.items()])
        self.verifier = Verifier(registry, clock=self.clock)
        self.revocations = NOTHING_REVOKED
        self.all: list[Known] = []

    @rule(target=tokens, issuer=st.sampled_from(sorted(KEYS)), name=st.sampled_from(NAMES))
    def issue(self, issuer, name):
        now = int(self.clock.now())
        text = generate_token(
            User(name=name, sub=name),
            issuer=issuer,
            key=KEYS[issuer],
            issued_at=now,
            lifetime_seconds=LIFETIME,
        )
        made = Known(text, issuer, name, now, now + LIFETIME, len(self.all))
        self.all.append(made)
        return made

    @rule(target=tokens, old=consumes(tokens))
    def renew(self, old):
        """What comes back is the new one, or the old one if it cannot be renewed."""
        try:
            principal = self.verifier.verify(old.text)
        except TokenError:
            assert not self.counts(old) or old.begun <= self.cut_off(old)
            return old
        now = int(self.clock.now())
        try:
            text, expires = renew_token(principal, key=KEYS[old.issuer], now=now, max_life_seconds=LONGEST)
        except RenewalEndedError:
            assert old.expires >= old.begun + LONGEST
            return old
        assert expires <= old.begun + LONGEST
        assert expires - now <= LIFETIME
        made = Known(text, old.issuer, old.subject, old.begun, expires, old.family)
        self.all.append(made)
        return made

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(token=tokens)
    def revoke_one(self, token):
        try:
            token_id = self.verifier.verify(token.text).token_id
        except TokenError:
            return
        self.revoke(self.revocations.with_token(token.issuer, token_id))
        for each in self.all:
            each.revoked |= each.family == token.family

    @rule(token=tokens, back=st.integers(0, 100))
    def revoke_subject(self, token, back):
        until = int(self.clock.now()) - back
        self.revoke(self.revocations.with_subject(token.issuer, token.subject, issued_until=until))
        for each in self.all:
            is_meant = (each.issuer, each.subject) == (token.issuer, token.subject)
            each.revoked |= is_meant and each.begun <= until

    @rule(token=tokens, back=st.integers(0, 100))
    def revoke_issuer(self, token, back):
        until = int(self.clock.now()) - back
        self.revoke(self.revocations.with_issuer(token.issuer, issued_until=until))
        for each in self.all:
            each.revoked |= each.issuer == token.issuer and each.begun <= until

    def revoke(self, revocations):
        self.revocations = revocations
        self.verifier.trust(revocations=revocations)

    def counts(self, token) -> bool:
        return not token.revoked and self.clock.now() < token.expires

    @invariant()
    def each_counts_as_the_list_says(self):
        for token in self.all:
            try:
                is_believed = self.verifier.verify(token.text).name == token.subject
            except TokenError as error:
                is_believed = False
                if error.reason not in {"revoked", "expired"}:
                    raise
            # A token of the very second of a cut-off that is made after it is revoked, too.
            assert is_believed == self.counts(token) or (
                not is_believed and token.begun <= self.cut_off(token)
            )

    def cut_off(self, token) -> int:
        return max(
            self.revocations.issuers.get(token.issuer, -1),
            self.revocations.subjects.get((token.issuer, token.subject), -1),
        )


TestTokens = Tokens.TestCase
TestTokens.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
