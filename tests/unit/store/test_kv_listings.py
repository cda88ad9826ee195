"""Long listings: what the caller may list level by level, in pages, and others are not kept waiting."""

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.engines.search import COST_OF_A_LIST
from holdfast.store.kv import listing as kv_listing
from holdfast.store.kv.listing import EFFORT


@pytest.fixture
def store():
    store = StoreUnderTest().initialize()
    store.vault("PUT", "sys/mounts/plain", {"type": "kv"}, token=store.root)
    return store


def fill(store, names):
    for name in names:
        store.vault("PUT", f"plain/{name}", {"k": "v"}, token=store.root)
        store.vault("PUT", f"secret/data/{name}", {"data": {"k": "v"}}, token=store.root)


NAMES = ["a", "a/b", "a/c/d", "e", "p/q/r", "p/x", "z"]


@pytest.mark.parametrize("root", ["plain/", "secret/metadata/"])
class TestScan:
    def test_names_everything_below_in_order(self, store, root):
        fill(store, NAMES)
        assert store.vault("SCAN", root, token=store.root).data["keys"] == NAMES
        assert store.vault("SCAN", f"{root}a", token=store.root).data["keys"] == ["b", "c/d"]
        assert store.vault("SCAN", f"{root}none", token=store.root).status == 404

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_comes_in_pages(self, store, root, limit):
        fill(store, NAMES)
        names, after = [], ""
        while True:
            page = store.vault("SCAN", f"{root}?limit={limit}&after={after}", token=store.root)
            if page.status == 404:
                break
            assert len(page.data["keys"]) <= limit
            names += page.data["keys"]
            after = names[-1]
        assert names == NAMES

    def test_goes_only_where_every_directory_on_the_way_may_be_listed(self, store, root):
        fill(store, NAMES)
        rules = {f"{root}*": ["list"], f"{root}p/": ["deny"], f"{root}p/q/": ["list"]}
        token = store.token_for(rules)
        assert store.vault("SCAN", root, token=token).data["keys"] == ["a", "a/b", "a/c/d", "e", "z"]
        assert store.vault("SCAN", f"{root}?after=p/q/a", token=token).data["keys"] == ["z"]

    def test_a_limit_that_is_none_is_refused(self, store, root):
        assert store.vault("SCAN", f"{root}?limit=x", token=store.root).status == 400


class TestOthers:
    """The server's schedule in the hands of the test: what waits for its turn is seen between the turns."""

    @pytest.fixture
    def turns(self, store):
        fill(store, [f"d{number}/x" for number in range(2 * EFFORT // COST_OF_A_LIST)])
        waiting = []
        store.local.store._schedule = waiting.append
        return waiting

    def begin(self, store, token):
        answers = []
        request = store.local.store
        from holdfast.store.request import Operation, StoreRequest

        request.serve(
            StoreRequest(id="x", operation=Operation.SCAN, path="secret/metadata/", token=token),
            answers.append,
        )
        return answers

    def test_are_served_between_the_steps_of_a_scan(self, store, turns):
        answers = self.begin(store, store.root)
        assert not answers
        steps = 0
        while turns:
            assert store.vault("GET", "plain/d0/x", token=store.root).status == 200
            turns.pop(0)()
            steps += 1
        assert steps >= 2
        assert answers[0].data.count(b"/x") == 2 * EFFORT // COST_OF_A_LIST

    def test_may_seal_the_store_and_then_nothing_is_told(self, store, turns):
        answers = self.begin(store, store.root)
        store.seal()
        while turns:
            turns.pop(0)()
        assert [type(answer).__name__ for answer in answers] == ["SealedError"]

    def test_may_replace_the_keyring(self, store, turns):
        answers = self.begin(store, store.root)
        store.vault("PUT", "sys/rotate", token=store.root)
        while turns:
            turns.pop(0)()
        assert answers[0].data.count(b"/x") == 2 * EFFORT // COST_OF_A_LIST


def test_a_short_listing_is_answered_at_once(store):
    fill(store, NAMES)
    store.local.store._schedule = None  # whoever needed it would fail
    assert store.vault("LIST", "plain/", token=store.root).data["keys"] == ["a", "a/", "e", "p/", "z"]
    assert store.vault("SCAN", "secret/metadata/", token=store.root).data["keys"] == NAMES


def test_metadata_of_many_secrets_come_in_pages_of_bounded_size(store, monkeypatch):
    """What a process holds for one answer is bounded, however many notes and versions there are."""
    monkeypatch.setattr(kv_listing, "MAX_METADATA_BYTES", 2000)
    for name in "abcd":
        notes = {"custom_metadata": {"note": "n" * 500}}
        assert store.vault("PUT", f"secret/metadata/{name}", notes, token=store.root).status == 204
    refused = store.vault("LIST", "secret/detailed-metadata/", token=store.root)
    assert refused.status == 413
    assert "limit" in refused.errors[0]
    page = store.vault("LIST", "secret/detailed-metadata/?limit=2", token=store.root)
    assert list(page.data["key_info"]) == ["a", "b"]


def test_metadata_that_a_rule_denies_are_not_shown_by_way_of_a_listing(store):
    for name in ("open", "shut", "d/shut"):
        notes = {"custom_metadata": {"note": name}}
        store.vault("PUT", f"secret/metadata/{name}", notes, token=store.root)
    rules = {"secret/*": ["list"], "secret/metadata/shut": ["deny"], "secret/metadata/+/shut": ["deny"]}
    token = store.token_for(rules)
    shown = store.vault("LIST", "secret/detailed-metadata/", token=token).data
    assert shown["keys"] == ["d/", "open", "shut"]
    assert list(shown["key_info"]) == ["open"]
    below = store.vault("LIST", "secret/detailed-metadata/d", token=token).data
    assert (below["keys"], below["key_info"]) == (["shut"], {})
