"""Tokens by roles, batch tokens and their leases against a naive model: what ends, ends everywhere."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests.support.local_store import StoreUnderTest

LONGEST = 768 * 3600
ROLES = {
    "plain": {},
    "orphan": {"orphan": True},
    "periodic": {"token_period": 1000},
    "capped": {"token_explicit_max_ttl": 2500},
    "batch": {"token_type": "batch"},
}


@dataclass
class Known:
    """What a person would write down about a token that a role made."""

    role: str
    accessor: str
    maker: "Known | None"
    ttl: int
    born: float
    ends: float
    revoked: bool = False

    @property
    def is_batch(self):
        return self.role == "batch"

    def is_live(self, now):
        own = not self.revoked and now < self.ends
        return own and (self.maker is None or self.maker.is_live(now))


class LeaseMachine(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    @initialize()
    def begin(self):
        self.store = StoreUnderTest().initialize(shares=1, threshold=1)
        self.ask(
            "PUT", "sys/policies/acl/makers", {"policy": 'path "auth/token/*" { capabilities = ["update"] }'}
        )
        for name, fields in ROLES.items():
            self.ask("POST", f"auth/token/roles/{name}", fields)
        self.known = {}
        self.leases = {}

    def ask(self, method, path, body=None, token=None):
        return self.store.vault(method, path, body, token=token or self.store.root)

    @property
    def now(self):
        return self.store.clock.now()

    def _make(self, role, ttl, maker=None):
        body = {"policies": ["makers"], "ttl": ttl}
        made = self.ask("POST", f"auth/token/create/{role}", body, token=maker)
        by = self.known[maker] if maker else None
        if by is not None and (not by.is_live(self.now) or by.is_batch):
            assert made.status in {400, 403}
            return multiple()
        assert made.status == 200, made.body
        limit = ROLES[role].get("token_explicit_max_ttl", LONGEST)
        lives = ROLES[role].get("token_period") or min(ttl, limit)
        text = made.auth["client_token"]
        parent = None if role == "orphan" else by
        self.known[text] = Known(role, made.auth["accessor"], parent, lives, self.now, self.now + lives)
        return text

    @rule(target=tokens, role=st.sampled_from(sorted(ROLES)), ttl=st.integers(1, 4000))
    def make(self, role, ttl):
        return self._make(role, ttl)

    @rule(target=tokens, role=st.sampled_from(sorted(ROLES)), ttl=st.integers(1, 4000), maker=tokens)
    def make_with(self, role, ttl, maker):
        return self._make(role, ttl, maker)

    @rule(token=tokens, increment=st.integers(0, 5000))
    def renew_by_lease(self, token, increment):
        known = self.known[token]
        lease = self.lease_of(token)
        answer = self.ask("PUT", "sys/leases/renew", {"lease_id": lease, "increment": increment})
        if known.is_batch or not known.is_live(self.now):
            assert answer.status == 400
            return
        assert answer.status == 200
        limit = known.born + ROLES[known.role].get("token_explicit_max_ttl", LONGEST)
        wanted = ROLES[known.role].get("token_period") or increment or known.ttl
        known.ends = min(self.now + wanted, limit)
        assert answer.json["lease_duration"] == int(known.ends - self.now)

    @rule(token=tokens)
    def revoke_by_lease(self, token):
        known = self.known[token]
        answer = self.ask("PUT", "sys/leases/revoke", {"lease_id": self.lease_of(token)})
        assert answer.status in {202, 204, 400}
        known.revoked = known.revoked or not known.is_batch

    @rule(token=tokens)
    def revoke_by_accessor(self, token):
        known = self.known[token]
        if not known.is_batch:
            self.ask("POST", "auth/token/revoke-accessor", {"accessor": known.accessor})
            known.revoked = True

    @rule(role=st.sampled_from(sorted(ROLES)))
    def revoke_all_of_a_role(self, role):
        assert self.ask("PUT", f"sys/leases/revoke-prefix/auth/token/create/{role}").status in {202, 204}
        for known in self.known.values():
            known.revoked = known.revoked or (known.role == role and not known.is_batch)

    @rule(seconds=st.integers(1, 3000))
    def pass_time(self, seconds):
        self.store.clock.advance(seconds)
        self.store.local.keeper.tick()

    @rule()
    def restart(self):
        self.store.restart(storage=self.store.storage.survivor())

    def lease_of(self, token):
        known = self.known[token]
        return f"auth/token/create/{known.role}/{self.store.local.store.opened.hasher.token(token)}"

    @invariant()
    def tokens_and_leases_agree_with_the_model(self):
        if not hasattr(self, "known"):
            return
        living = {token for token, known in self.known.items() if known.is_live(self.now)}
        for token, known in self.known.items():
            answer = self.ask("POST", "auth/token/lookup", token=token)
            assert answer.status == (200 if token in living else 403), known
            if token in living:
                assert answer.data["ttl"] == int(known.ends - self.now)
                assert answer.data["type"] == ("batch" if known.is_batch else "service")
        counted = self.ask("GET", "sys/leases/count").data["lease_count"]
        expected = sum(not self.known[token].is_batch for token in living)
        if any(known.ends == self.now for known in self.known.values()):
            assert counted >= expected  # what ends this very second is cleared away with the next
        else:
            assert counted == expected


LeaseMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLeases = LeaseMachine.TestCase
