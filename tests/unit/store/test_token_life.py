"""Tokens from creation to their end, through the API: expiry, renewal, uses, revocation, restart."""

import time

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.clock import SystemClock
from holdfast.storage.memory import MemoryStorage
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS, TIDY_BATCH, USED_UP_GRACE_SECONDS

HOUR = 3600


def lookup(store, token):
    return store.vault("POST", "auth/token/lookup", {"token": token}, token=store.root)


def revoke(store, token, *, how="revoke"):
    return store.vault("POST", f"auth/token/{how}", {"token": token}, token=store.root).status


def token_names_in(storage):
    return [
        name for kind in ("id", "accessor", "parent", "expiry") for name in storage.list(f"sys/token/{kind}/")
    ]


def test_root_token_never_ends_and_has_no_parent(store):
    data = store.vault("GET", "auth/token/lookup-self", token=store.root).data
    assert (data["policies"], data["path"], data["ttl"]) == (["root"], "auth/token/root", 0)
    assert (data["expire_time"], data["orphan"], data["type"]) == (None, True, "service")
    store.clock.advance(50 * 365 * 24 * HOUR)
    assert store.is_live(store.root)


def test_lookup_tells_what_creation_was_told(store):
    made = store.create_token(
        policies=["default"], ttl="90s", display_name="App One!", meta={"team": "db"}, num_uses=7
    ).auth
    data = lookup(store, made["client_token"]).data
    assert data["id"] == made["client_token"]
    assert (data["accessor"], data["policies"]) == (made["accessor"], ["default"])
    assert (data["ttl"], data["creation_ttl"], data["num_uses"]) == (90, 90, 7)
    assert (data["display_name"], data["meta"]) == ("token-App-One", {"team": "db"})
    assert (data["renewable"], data["orphan"], data["explicit_max_ttl"]) == (True, False, 0)
    assert data["creation_time"] == int(store.clock.now())
    assert data["expire_time"] == "2023-11-14T22:14:50.000000000Z"


def test_a_new_token_is_said_to_live_as_long_as_it_was_granted_however_long_the_commit_took(store):
    submit = store.local.submit

    def slowly(frame, done):
        store.clock.advance(0.5)
        submit(frame, done)

    store.local.submit = slowly
    assert store.create_token(ttl="1h").auth["lease_duration"] == HOUR


def test_a_token_ends_with_its_second_and_not_before(store):
    token = store.token(ttl=60)
    store.clock.advance(59.9)
    assert store.is_live(token)
    store.clock.advance(0.1)
    assert not store.is_live(token)
    assert lookup(store, token).status == 403


@pytest.mark.parametrize(
    "create",
    [
        pytest.param({"ttl": 60}, id="parent expires"),
        pytest.param({"ttl": 60, "period": 60}, id="periodic parent expires"),
        pytest.param({"ttl": 300, "explicit_max_ttl": 60}, id="parent reaches its maximum"),
    ],
)
def test_an_expired_parent_kills_its_children_at_once(store, create):
    parent = store.token(**create)
    child = store.token(by=store.token(by=parent, ttl=HOUR), ttl=HOUR)
    accessor = lookup(store, child).data["accessor"]
    assert store.is_live(child)
    store.clock.advance(60)
    assert not store.is_live(child)
    # Not only the child itself hears so: every way to ask about it does, before anything was tidied.
    assert lookup(store, child).status == 403
    assert store.vault("POST", "auth/token/renew", {"token": child}, token=store.root).status == 403
    by_accessor = {"accessor": accessor, "paths": ["x"]}
    assert store.vault("POST", "auth/token/lookup-accessor", by_accessor, token=store.root).status == 400
    assert store.vault("POST", "auth/token/renew-accessor", by_accessor, token=store.root).status == 400
    assert store.vault("POST", "sys/capabilities-accessor", by_accessor, token=store.root).status == 400
    by_token = {"token": child, "paths": ["x"]}
    assert store.vault("POST", "sys/capabilities", by_token, token=store.root).status == 400


def test_revoking_a_token_ends_its_whole_tree(store):
    parent = store.token()
    children = [store.token(by=parent) for _ in range(3)]
    grandchildren = [store.token(by=child) for child in children]
    stranger = store.token()
    assert revoke(store, parent) == 204
    assert not any(store.is_live(token) for token in (parent, *children, *grandchildren))
    assert store.is_live(stranger)


def test_an_orphan_outlives_the_token_that_made_it(store):
    parent = store.token(policies=["root"])
    orphans = [
        store.token(by=parent, no_parent=True),
        store.create_token(by=parent, path="auth/token/create-orphan").auth["client_token"],
    ]
    child = store.token(by=parent)
    revoke(store, parent)
    assert [store.is_live(token) for token in (*orphans, child)] == [True, True, False]
    assert [lookup(store, token).data["orphan"] for token in orphans] == [True, True]


def test_revoke_orphan_leaves_the_children_without_a_parent(store):
    parent = store.token(ttl=HOUR)
    child = store.token(by=parent, ttl=10 * HOUR)
    grandchild = store.token(by=child, ttl=10 * HOUR)
    assert revoke(store, parent, how="revoke-orphan") == 204
    assert [store.is_live(token) for token in (parent, child, grandchild)] == [False, True, True]
    assert [lookup(store, token).data["orphan"] for token in (child, grandchild)] == [True, False]
    store.clock.advance(2 * HOUR)
    assert store.is_live(grandchild)
    assert revoke(store, child) == 204
    assert not store.is_live(grandchild)


def test_revoking_what_is_not_there_is_fine(store):
    assert revoke(store, "hvs.never-existed") == 204
    token = store.token()
    assert [revoke(store, token), revoke(store, token)] == [204, 204]


def test_a_token_may_end_itself(store):
    token = store.token()
    assert store.vault("POST", "auth/token/revoke-self", token=token).status == 204
    assert not store.is_live(token)


def test_an_accessor_looks_up_renews_and_revokes_but_never_authenticates(store):
    made = store.create_token(ttl=HOUR).auth
    token, accessor = made["client_token"], made["accessor"]
    shown = store.vault("POST", "auth/token/lookup-accessor", {"accessor": accessor}, token=store.root)
    assert (shown.data["id"], shown.data["accessor"]) == ("", accessor)
    store.clock.advance(600)
    renewed = store.vault("POST", "auth/token/renew-accessor", {"accessor": accessor}, token=store.root)
    assert (renewed.auth["client_token"], renewed.auth["lease_duration"]) == ("", HOUR)
    listed = store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"]
    assert accessor in listed
    assert not store.is_live(accessor)
    assert (
        store.vault("POST", "auth/token/revoke-accessor", {"accessor": accessor}, token=store.root).status
        == 204
    )
    assert not store.is_live(token)
    again = store.vault("POST", "auth/token/revoke-accessor", {"accessor": accessor}, token=store.root)
    assert again.status == 204  # as for a token that is not there: what was asked for is so


def test_a_token_for_two_uses_has_two(store):
    token = store.token(num_uses=2)
    assert [store.is_live(token) for _ in range(3)] == [True, True, False]
    assert lookup(store, token).status == 403


def test_a_refused_request_is_a_use_too(store):
    token = store.token(num_uses=1, policies=["default"])
    assert store.vault("GET", "secret/data/a", token=token).status == 403
    assert not store.is_live(token)


def test_a_token_without_an_end_is_tidied_away_once_it_is_used_up(store):
    before = token_names_in(store.storage)
    token = store.token(by=store.root, num_uses=1, policies=["root"])
    assert store.is_live(token)
    store.clock.advance(USED_UP_GRACE_SECONDS + 1)
    store.local.keeper.tick()
    assert token_names_in(store.storage) == before


def test_uses_are_counted_before_the_answer_and_survive_a_crash(store):
    token = store.token(num_uses=2)
    assert store.is_live(token)
    store.restart(storage=store.storage.survivor())
    assert [store.is_live(token), store.is_live(token)] == [True, False]


class TestRenewal:
    def renew(self, store, token, **body):
        return store.vault("POST", "auth/token/renew-self", body, token=token)

    def test_counts_from_now(self, store):
        token = store.token(ttl=HOUR)
        store.clock.advance(HOUR - 1)
        answer = self.renew(store, token)
        assert (answer.auth["client_token"], answer.auth["lease_duration"]) == (token, HOUR)
        store.clock.advance(HOUR - 1)
        assert store.is_live(token)

    def test_by_an_increment(self, store):
        token = store.token(ttl=HOUR)
        assert self.renew(store, token, increment="2h").auth["lease_duration"] == 2 * HOUR

    def test_never_passes_the_system_maximum(self, store):
        token = store.token(ttl=HOUR)
        store.clock.advance(HOUR // 2)
        answer = self.renew(store, token, increment=10 * SYSTEM_MAX_TTL_SECONDS)
        assert answer.auth["lease_duration"] == SYSTEM_MAX_TTL_SECONDS - HOUR // 2

    def test_never_passes_the_explicit_maximum(self, store):
        token = store.token(ttl=60, explicit_max_ttl=100)
        store.clock.advance(50)
        assert self.renew(store, token).auth["lease_duration"] == 50
        store.clock.advance(50)
        assert not store.is_live(token)

    def test_of_a_periodic_token_gives_its_period_for_ever(self, store):
        token = store.token(period="1h")
        for _ in range(50):
            store.clock.advance(HOUR * 20 // 21)
            assert self.renew(store, token, increment=5).auth["lease_duration"] == HOUR
        store.clock.advance(SYSTEM_MAX_TTL_SECONDS)
        assert not store.is_live(token)

    def test_of_a_periodic_token_ends_with_its_explicit_maximum(self, store):
        token = store.token(period=60, explicit_max_ttl=100)
        store.clock.advance(50)
        assert self.renew(store, token).auth["lease_duration"] == 50

    def test_of_a_period_beyond_the_system_maximum_is_capped_each_time(self, store):
        made = store.create_token(period="2000h")
        assert made.auth["lease_duration"] == SYSTEM_MAX_TTL_SECONDS
        assert "exceeded the effective max_ttl" in made.json["warnings"][0]
        assert self.renew(store, made.auth["client_token"]).auth["lease_duration"] == SYSTEM_MAX_TTL_SECONDS

    @pytest.mark.parametrize(
        "create",
        [
            pytest.param({"ttl": 60, "renewable": False}, id="made without renewal"),
            pytest.param({"policies": ["root"]}, id="never expires"),
        ],
    )
    def test_is_refused(self, store, create):
        token = store.token(**create)
        answer = self.renew(store, token)
        assert (answer.status, answer.errors) == (400, ["lease is not renewable"])

    def test_of_a_dead_token_is_refused(self, store):
        token = store.token(ttl=60)
        store.clock.advance(60)
        answer = store.vault("POST", "auth/token/renew", {"token": token}, token=store.root)
        assert (answer.status, answer.errors) == (403, ["bad token"])
        assert not store.is_live(token)


class TestTidying:
    def test_removes_every_trace_of_what_has_run_out(self, store):
        before = token_names_in(store.storage)
        parent = store.token(ttl=60)
        for _ in range(3):
            store.token(by=store.token(by=parent, ttl=HOUR), ttl=HOUR)
        store.clock.advance(61)
        store.local.keeper.tick()
        assert token_names_in(store.storage) == before

    def test_leaves_what_lives(self, store):
        tokens = [store.token(ttl=ttl) for ttl in (60, 120, 180)]
        renewed = store.token(ttl=60)
        store.clock.advance(30)
        store.vault("POST", "auth/token/renew-self", token=renewed)
        store.clock.advance(31)
        store.local.keeper.tick()
        assert [store.is_live(token) for token in (*tokens, renewed)] == [False, True, True, True]

    def test_works_in_batches_until_all_are_gone(self, store):
        before = token_names_in(store.storage)
        for _ in range(TIDY_BATCH + 5):
            store.token(ttl=60)
        store.clock.advance(61)
        assert store.local.keeper.tick() is True  # it wants to be called again soon
        assert token_names_in(store.storage) != before
        assert store.local.keeper.tick() is False
        assert token_names_in(store.storage) == before

    def test_of_a_sealed_store_waits(self, store):
        store.token(ttl=60)
        store.seal()
        store.clock.advance(61)
        left = token_names_in(store.storage)
        store.local.keeper.tick()
        assert token_names_in(store.storage) == left


class TestRestart:
    def test_keeps_the_living_and_the_dead_apart(self, store):
        alive, expired, revoked = store.token(ttl=HOUR), store.token(ttl=60), store.token(ttl=HOUR)
        child = store.token(by=revoked, ttl=HOUR)
        revoke(store, revoked)
        store.clock.advance(61)
        store.restart()
        assert [store.is_live(token) for token in (store.root, alive)] == [True, True]
        assert [store.is_live(token) for token in (expired, revoked, child)] == [False, False, False]

    @pytest.mark.parametrize(
        "stored", [pytest.param(True, id="stored"), pytest.param(False, id="not stored")]
    )
    def test_after_a_crash_while_revoking_leaves_the_whole_tree_or_nothing(self, store, stored):
        parent = store.token()
        child = store.token(by=parent)
        store.storage.crash_at_commit(1, stored=stored)
        assert revoke(store, parent) == 503
        store.restart(storage=store.storage.survivor())
        assert [store.is_live(parent), store.is_live(child)] == [not stored, not stored]


def test_a_clock_stepped_back_revives_nobody(monkeypatch):
    reading = 1_700_000_000.0
    monkeypatch.setattr(time, "time", lambda: reading)
    store = StoreUnderTest(clock=SystemClock()).initialize()
    token = store.token(ttl=60)
    reading += 61
    assert not store.is_live(token)
    reading -= 1000
    assert not store.is_live(token)
    assert lookup(store, token).status == 403
    store.local.keeper.tick()
    store.restart()
    assert not store.is_live(token)


def test_no_token_is_ever_in_storage():
    written = []

    class Witness(MemoryStorage):
        def _commit(self, overlay):
            written.extend(overlay.changes.items())
            super()._commit(overlay)

    store = StoreUnderTest(storage=Witness()).initialize()
    made = [store.create_token().auth for _ in range(3)]
    texts = [store.root, *(auth[name] for auth in made for name in ("client_token", "accessor"))]
    stored = b"\n".join(key + b"\n" + (value or b"") for key, value in written)
    assert len(written) > 10
    assert not [text for text in texts if text.encode() in stored]
