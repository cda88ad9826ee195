"""However much depends on a token, revoking it is one small change, and the rest goes in small ones too."""

import logging

import pytest
from msgspec.structs import replace
from tests.support.local_store import StoreUnderTest

from holdfast.errors import HoldfastError
from holdfast.server.assembly import keep_up
from holdfast.storage.errors import StorageFullError
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.zookeeper.commit import MAX_PACKET_BYTES, Commit, packet_bytes
from holdfast.store.cubbyhole.commands import MAX_ENTRIES
from holdfast.store.layout import TOKENS, cubbyhole_place, writing
from holdfast.store.tokens import purge as token_purge
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import USED_UP_GRACE_SECONDS, TokenEntry
from holdfast.store.trouble import Trouble
from holdfast.store.upkeep import PURGES_AT_ONCE

HOUR = 3600
A_REVOCATION = 8  # keys: what is said of one token, its mark, and the change counters


class CountingStorage(MemoryStorage):
    """Storage that counts what each commit changes, and can be told to take no more than so much at once."""

    most_keys = 0  # without a limit
    most_bytes = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.sizes = []

    def _commit(self, overlay):
        size = sum(len(key) + len(value or b"") for key, value in overlay.changes.items())
        if self.most_keys and (len(overlay.changes) > self.most_keys or size > self.most_bytes):
            raise StorageFullError("storage: the change is too large")
        if overlay.changes:
            self.sizes.append(len(overlay.changes))
        super()._commit(overlay)


class PacketStorage(MemoryStorage):
    """Storage that works out how large each commit would be as one transaction of ZooKeeper."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.packets = []

    def stored(self, key):
        return self.get(key)

    def children(self, prefix):
        return len(self.list(prefix, limit=100_000)) or None

    def _commit(self, overlay):
        changes = {key.decode(): value for key, value in overlay.changes.items()}
        commit = Commit("/holdfast", self, changes)
        self.packets.append(packet_bytes(commit.with_head(1, bytes(16))))
        super()._commit(overlay)


@pytest.fixture
def store():
    return StoreUnderTest(storage=CountingStorage()).initialize(shares=1, threshold=1)


def names_below(storage, prefix="sys/token/"):
    after = ""
    while page := storage.list(prefix, after=after):
        for name in page:
            yield from names_below(storage, prefix + name) if name.endswith("/") else [prefix + name]
        after = page[-1]


def limit(storage):
    """Have every commit from here on be as small as is promised, and forget those before."""
    storage.most_keys, storage.most_bytes = token_purge.MAX_KEYS, token_purge.MAX_BYTES
    storage.sizes.clear()


def change(store, do):
    """Change tokens past the API, which would take too long for thousands."""
    keeper = store.local.keeper
    keyring = keeper.require_unsealed().keyring
    return store.storage.write(lambda tx: do(writing(tx, keyring, TOKENS), keeper._seal.require_hasher()))


def grow(store, parent, number):
    """Make tokens below ``parent``, some of them the parent of those after them; return their texts."""
    now, texts = store.clock.now(), []

    def do(tx, hasher):
        texts.clear()
        above = hasher.token(parent)
        for n in range(number):
            entry = TokenEntry("", ("default",), "auth/token/create", "t", {}, now, HOUR, now + HOUR)
            new = token_records.create(tx, hasher, replace(entry, parent=above))
            texts.append(new.token)
            if n % 300 == 0:
                above = new.hash

    change(store, do)
    return texts


def fill(store, token, number=MAX_ENTRIES, name="n" * 500):
    """Keep entries with long names in the cubbyhole of a token."""
    keeper = store.local.keeper
    keyring, token_hash = keeper.require_unsealed().keyring, keeper._seal.require_hasher().token(token)

    def do(tx):
        view = writing(tx, keyring, cubbyhole_place(token_hash))
        for n in range(number):
            view.put(f"s/{n % 7}/{name}{n}", b'{"k":1}')

    store.storage.write(do)


def revoke(store, token, how="revoke"):
    return store.vault("PUT", f"auth/token/{how}", {"token": token}, token=store.root).status


def accessors(store):
    return store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"]


def accessor_of(store, token):
    return store.vault("PUT", "auth/token/lookup", {"token": token}, token=store.root).data["accessor"]


def tick_until_clean(store, before, most):
    """Tick until no trace is left; return how many ticks it took."""
    for ticks in range(1, most + 1):
        store.local.keeper.tick()
        if set(names_below(store.storage)) == before:
            return ticks
    raise AssertionError(f"something is left after {most} ticks")


def test_a_large_tree_is_dead_at_once_and_goes_in_small_changes(store):
    before = set(names_below(store.storage))
    parent = store.token(ttl="2h")
    fill(store, parent)
    tree = grow(store, parent, 3000)
    fill(store, tree[-1])
    some = [tree[0], tree[1], tree[1500], tree[-1]]
    handles = [accessor_of(store, token) for token in some]
    assert len(accessors(store)) == 3002
    limit(store.storage)

    assert revoke(store, parent) == 204
    assert max(store.storage.sizes) <= A_REVOCATION
    assert not any(store.is_live(token) for token in (parent, *some))
    for way in ("lookup-accessor", "renew-accessor", "revoke-accessor"):
        answers = [
            store.vault("PUT", f"auth/token/{way}", {"accessor": handle}, token=store.root)
            for handle in handles
        ]
        assert {answer.status for answer in answers} == {204 if way == "revoke-accessor" else 400}
    assert len(accessors(store)) == 1
    assert store.vault("GET", "sys/leases/count", token=store.root).data["lease_count"] == 0
    assert store.vault("LIST", "sys/leases/lookup", token=store.root).status == 404

    ticks = tick_until_clean(store, before, most=10)
    assert ticks > 1  # so that nobody waits for all of it
    assert max(store.storage.sizes) <= token_purge.MAX_KEYS
    assert len(store.storage.sizes) <= ticks * (PURGES_AT_ONCE + 3)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("n" * 1200, id="long"),
        pytest.param("é" * 600, id="percent-encoded"),
        pytest.param("/".join("a" * 200), id="deep"),
        pytest.param("/".join("é" * 200), id="deep and percent-encoded"),
    ],
)
def test_each_change_fits_into_a_transaction_of_zookeeper(name):
    store = StoreUnderTest(storage=PacketStorage()).initialize(shares=1, threshold=1)
    before = set(names_below(store.storage))
    parent = store.token()
    fill(store, parent, 200, name=f"{name}/")
    grow(store, parent, 300)
    store.storage.packets.clear()
    assert revoke(store, parent) == 204
    tick_until_clean(store, before, most=20)
    assert max(store.storage.packets) < MAX_PACKET_BYTES / 2
    assert len(store.storage.packets) > 5


def test_running_out_is_as_bounded_as_being_revoked(store):
    before = set(names_below(store.storage))
    parent = store.token(ttl="10s")
    fill(store, parent)
    tree = grow(store, parent, 500)
    limit(store.storage)
    store.clock.advance(11)
    assert not store.is_live(tree[-1])
    tick_until_clean(store, before, most=10)
    assert max(store.storage.sizes) <= token_purge.MAX_KEYS


def test_upkeep_of_a_store_that_was_just_opened_can_leave_a_mark(store):
    """What is encrypted has to be reserved first, and nobody has asked for anything yet."""
    before = set(names_below(store.storage))
    parent = store.token(ttl="10s")
    store.token(by=store.token(by=parent, ttl="1h"), ttl="1h")
    store.restart()
    store.clock.advance(11)
    tick_until_clean(store, before, most=1)


@pytest.mark.parametrize("stored", [pytest.param(True, id="stored"), pytest.param(False, id="not stored")])
@pytest.mark.parametrize("commit", [1, 2, 3, 5, 8])
def test_a_crash_between_two_changes_brings_nobody_back(store, commit, stored):
    before = set(names_below(store.storage))
    parent = store.token()
    fill(store, parent, 300)
    tree = grow(store, parent, 400)
    assert revoke(store, parent) == 204
    store.storage.crash_at_commit(commit, stored=stored)
    with pytest.raises(HoldfastError):
        store.local.keeper.tick()
    store.restart(storage=store.storage.survivor())
    assert not any(store.is_live(token) for token in (parent, tree[0], tree[-1]))
    tick_until_clean(store, before, most=5)


def test_a_revoked_id_is_not_used_again_before_all_is_cleared_away(store):
    first = store.token(id="chosen-one", policies=["root"])
    child = store.token(by=first)
    assert store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=first).status == 204
    revoke(store, first)
    again = store.create_token(id="chosen-one")
    assert again.status == 400
    assert "try again" in again.errors[0]
    assert not store.is_live(child)
    store.local.keeper.tick()
    again = store.token(id="chosen-one", policies=["root"])
    assert store.vault("GET", "cubbyhole/a", token=again).status == 404
    assert not store.is_live(child)


def test_what_is_dead_keeps_nothing_more_and_frees_no_children(store):
    """A token below a revoked one is still stored for a while: nothing can be done with it."""
    parent = store.token()
    child = store.token(by=parent)
    grandchild = store.token(by=child)
    assert revoke(store, parent) == 204
    assert revoke(store, child, "revoke-orphan") == 204
    assert revoke(store, parent, "revoke-orphan") == 204
    assert not any(store.is_live(token) for token in (parent, child, grandchild))
    assert store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=grandchild).status == 403
    store.local.keeper.tick()
    assert not any(store.is_live(token) for token in (parent, child, grandchild))
    assert len(accessors(store)) == 1


def test_children_that_were_kept_outlive_the_clearing_away(store):
    parent = store.token()
    child = store.token(by=parent)
    fill(store, parent, 3)
    assert revoke(store, parent, "revoke-orphan") == 204
    store.local.keeper.tick()
    assert [store.is_live(token) for token in (parent, child)] == [False, True]
    assert not list(names_below(store.storage, "sys/token/cubbyhole/"))
    assert not list(names_below(store.storage, "sys/token/purge/"))


def test_a_batch_token_ends_with_a_large_tree(store):
    parent = store.token(policies=["root"])
    grow(store, parent, 100)
    batch = store.token(by=parent, type="batch", ttl="1h", policies=["default"])
    assert store.is_live(batch)
    revoke(store, parent)
    assert not store.is_live(batch)


def test_a_cubbyhole_has_a_limit(store):
    token = store.token(policies=["default"])
    fill(store, token, MAX_ENTRIES - 1)
    assert store.vault("PUT", "cubbyhole/last", {"k": "v"}, token=token).status == 204
    full = store.vault("PUT", "cubbyhole/more", {"k": "v"}, token=token)
    assert (full.status, f"at most {MAX_ENTRIES} entries" in full.errors[0]) == (400, True)
    assert store.vault("PUT", "cubbyhole/last", {"k": "w"}, token=token).status == 204
    assert store.vault("DELETE", "cubbyhole/last", token=token).status == 204
    assert store.vault("PUT", "cubbyhole/more", {"k": "v"}, token=token).status == 204


class TestTheLastUse:
    def test_survives_a_tick(self, store):
        """Its own request is only about to begin when it is counted."""
        token = store.token(num_uses=1, policies=["default"])
        submit = store.local.submit
        said = []

        def tick_after(frame, done):
            submit(frame, done)
            if not said:
                said.append("the use is counted")
                store.clock.advance(USED_UP_GRACE_SECONDS - 2)
                store.local.keeper.tick()

        fill(store, token, 1, name="kept")
        store.local.submit = tick_after
        assert store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=token).status == 204
        assert said
        assert not store.is_live(token)

    def test_is_all_the_same_the_last(self, store):
        before = set(names_below(store.storage))
        token = store.token(num_uses=1, policies=["default"])
        assert store.is_live(token)
        store.local.keeper.tick()
        assert not store.is_live(token)
        assert set(names_below(store.storage)) != before
        store.clock.advance(USED_UP_GRACE_SECONDS + 1)
        tick_until_clean(store, before, most=1)

    def test_ends_no_other_token_with_the_same_id(self, store):
        token = store.token(num_uses=1, id="chosen-one")
        assert store.is_live(token)
        revoke(store, token)
        again = store.token(id="chosen-one")
        store.clock.advance(USED_UP_GRACE_SECONDS + 1)
        store.local.keeper.tick()
        assert store.is_live(again)


class TestTrouble:
    def test_with_tokens_keeps_no_key_from_rotation(self, store, monkeypatch, caplog):
        store.vault("PUT", "sys/rotate/config", {"enabled": True, "interval": "24h"}, token=store.root)

        def refuse(*_, **__):
            raise StorageFullError("storage: the change is too large")

        monkeypatch.setattr(token_records, "tidy", refuse)
        monkeypatch.setattr(token_purge, "is_due", refuse)
        store.clock.advance(25 * HOUR)
        term = store.local.keeper.require_unsealed().keyring.active_term
        keep_up(store.local.keeper, Trouble(logging.getLogger("test"), "upkeep"))
        assert store.local.keeper.require_unsealed().keyring.active_term == term + 1
        assert "upkeep fails: storage: the change is too large " in caplog.messages
