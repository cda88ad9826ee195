"""The token store against a naive model of it: random trees, renewals, revocations, time and restarts."""

from dataclasses import dataclass
from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests.support.local_store import StoreUnderTest

LONGEST = 768 * 3600.0


@dataclass
class ModelToken:
    """What a person would write down about a token. It lives as long as all of its line does."""

    parent: "ModelToken | None"
    born: float
    ttl: float
    ends: float
    uses: int | None
    revoked: bool = False

    def is_live(self, now):
        own = not self.revoked and self.uses != 0 and (now < self.ends)
        return own and (self.parent is None or self.parent.is_live(now))


class TokenMachine(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    @initialize()
    def begin(self):
        self.store = StoreUnderTest().initialize(shares=1, threshold=1)
        self.root = ModelToken(None, self.now, 0, inf, None)
        self.model = {}

    @property
    def now(self):
        return self.store.clock.now()

    def _keep(self, made, parent, ttl, uses):
        text = made.auth["client_token"]
        self.model[text] = ModelToken(parent, self.now, ttl, self.now + ttl, uses)
        return text

    @rule(target=tokens, ttl=st.integers(1, 5000))
    def create(self, ttl):
        return self._keep(self.store.create_token(ttl=ttl), self.root, ttl, None)

    @rule(target=tokens, parent=tokens, ttl=st.integers(1, 5000), orphan=st.booleans())
    def create_child(self, parent, ttl, orphan):
        made = self.store.create_token(by=parent, ttl=ttl, no_parent=orphan)
        above = self.model[parent]
        if not above.is_live(self.now):
            assert made.status == 403
            return multiple()
        if above.uses is not None:
            above.uses -= 1
            assert made.status == 400
            return multiple()
        return self._keep(made, None if orphan else above, ttl, None)

    @rule(target=tokens, uses=st.integers(1, 3), ttl=st.integers(1, 5000))
    def create_counted(self, uses, ttl):
        return self._keep(self.store.create_token(ttl=ttl, num_uses=uses), self.root, ttl, uses)

    @rule(token=tokens)
    def use(self, token):
        known = self.model[token]
        assert self.store.is_live(token) is known.is_live(self.now)
        if known.is_live(self.now) and known.uses is not None:
            known.uses -= 1

    @rule(token=tokens, increment=st.integers(0, 9000))
    def renew(self, token, increment):
        answer = self.store.vault(
            "POST", "auth/token/renew", {"token": token, "increment": increment}, token=self.store.root
        )
        known = self.model[token]
        assert (answer.status == 200) is known.is_live(self.now)
        if answer.status == 200:
            known.ends = min(self.now + (increment or known.ttl), known.born + LONGEST)
            assert answer.auth["lease_duration"] == int(known.ends - self.now)

    @rule(token=tokens)
    def revoke(self, token):
        answer = self.store.vault("POST", "auth/token/revoke", {"token": token}, token=self.store.root)
        assert answer.status == 204
        self.model[token].revoked = True

    @rule(token=tokens)
    def revoke_orphan(self, token):
        answer = self.store.vault("POST", "auth/token/revoke-orphan", {"token": token}, token=self.store.root)
        assert answer.status == 204
        gone = self.model[token]
        for other in self.model.values():
            # What had already died with it, or was tidied away, stays dead.
            if other.parent is gone and not gone.revoked and gone.is_live(self.now):
                other.parent = None
        gone.revoked = True

    @rule(seconds=st.integers(1, 4000))
    def pass_time(self, seconds):
        self.store.clock.advance(seconds)
        # What has ended is tidied at once, so that an end is final, as for an operator whose store runs.
        self.store.local.keeper.tick()

    @rule()
    def restart(self):
        self.store.restart(storage=self.store.storage.survivor())

    @invariant()
    def lookups_agree(self):
        if not hasattr(self, "model"):
            return
        for text, known in self.model.items():
            answer = self.store.vault("POST", "auth/token/lookup", {"token": text}, token=self.store.root)
            assert answer.status == (200 if known.is_live(self.now) else 403)
            if answer.status == 200:
                assert answer.data["ttl"] == int(known.ends - self.now)
                assert answer.data["num_uses"] == (known.uses or 0)
                assert answer.data["orphan"] is (known.parent is None)


TokenMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTokens = TokenMachine.TestCase
