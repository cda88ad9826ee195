"""A key-value mount gets versions at once, and nothing that it holds is lost; there is no way back."""

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.engines.errors import UpgradedError
from holdfast.errors import InvalidInputError
from holdfast.store.command import decode_outcome, encode_command
from holdfast.store.kv.commands import Kv1Delete, Kv1Write
from holdfast.store.permit import Permit

BIG = b'{"k": "v", "n": 123456789012345678901234567890, "f": 1.10}'


@pytest.fixture
def store():
    store = StoreUnderTest().initialize()
    store.vault("PUT", "sys/mounts/old", {"type": "kv", "description": "old one"}, token=store.root)
    assert store.vault("PUT", "old/app/db", raw=BIG, token=store.root).status == 204
    assert store.vault("PUT", "old/top", {"k": "w"}, token=store.root).status == 204
    return store


def upgrade(store, version="2"):
    body = {"options": {"version": version}}
    return store.vault("POST", "sys/mounts/old/tune", body, token=store.root)


def ask(store, method, path, body=None, **more):
    return store.vault(method, f"old/{path}", body, token=store.root, **more)


@pytest.mark.parametrize("version", ["2", 2])
def test_what_was_there_is_version_1_digit_by_digit(store, version):
    assert upgrade(store, version).status == 204
    now = store.clock.now()
    store.clock.advance(60)
    answer = ask(store, "GET", "data/app/db")
    assert answer.status == 200
    assert BIG in answer.body
    assert answer.data["metadata"]["version"] == 1
    assert answer.data["metadata"]["created_time"].startswith(stamp(now))
    assert ask(store, "GET", "data/app/db?version=1").data == answer.data
    assert ask(store, "GET", "data/app/db?version=2").status == 404
    assert ask(store, "GET", "subkeys/app/db").data["subkeys"] == {"k": None, "n": None, "f": None}
    metadata = ask(store, "GET", "metadata/app/db").data
    assert (metadata["current_version"], metadata["oldest_version"], list(metadata["versions"])) == (
        1,
        0,
        ["1"],
    )
    assert metadata["created_time"] == metadata["updated_time"] == answer.data["metadata"]["created_time"]


def stamp(now):
    from holdfast.clock import rfc3339

    return rfc3339(now)[:19]


def test_names_stay(store):
    upgrade(store)
    assert ask(store, "LIST", "metadata").data["keys"] == ["app/", "top"]
    assert ask(store, "SCAN", "metadata").data["keys"] == ["app/db", "top"]


def test_the_mount_says_so_and_stays_what_it_was_otherwise(store):
    before = store.vault("GET", "sys/mounts/old", token=store.root).data
    upgrade(store)
    after = store.vault("GET", "sys/mounts/old", token=store.root).data
    assert after == before | {"options": {"version": "2"}}
    assert upgrade(store).status == 204
    assert ask(store, "GET", "data/top").data["metadata"]["version"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "then"),
    [
        ("PUT", "data/top", {"data": {"k": "2"}, "options": {"cas": 1}}, {"1": "w", "2": "2"}),
        ("DELETE", "data/top", None, {"1": None}),
        ("PUT", "delete/top", {"versions": [1]}, {"1": None}),
        ("PUT", "destroy/top", {"versions": [1]}, {"1": None}),
        ("PUT", "metadata/top", {"max_versions": 3}, {"1": "w"}),
        ("PUT", "undelete/top", {"versions": [1]}, {"1": "w"}),
    ],
)
def test_the_first_change_of_any_kind_keeps_what_was_there(store, method, path, body, then):
    upgrade(store)
    assert ask(store, method, path, body).status in {200, 204}
    assert list(ask(store, "GET", "metadata/top").data["versions"]) == list(then)
    for number, value in then.items():
        answer = ask(store, "GET", f"data/top?version={number}")
        assert (answer.data["data"] or {}).get("k") == value


def test_a_patch_is_made_of_what_was_there(store):
    upgrade(store)
    patch = {"data": {"f": None}}
    headers = ["Content-Type: application/merge-patch+json"]
    assert ask(store, "PATCH", "data/app/db", patch, headers=headers).data["version"] == 2
    answer = ask(store, "GET", "data/app/db")
    assert answer.data["data"] == {"k": "v", "n": 123456789012345678901234567890}


def test_erased_is_erased(store):
    upgrade(store)
    assert ask(store, "DELETE", "metadata/top").status == 204
    assert ask(store, "GET", "data/top").status == 404
    assert ask(store, "PUT", "data/top", {"data": {}, "options": {"cas": 0}}).data["version"] == 1


def test_it_lasts_through_a_restart(store):
    upgrade(store)
    store.restart()
    assert BIG in ask(store, "GET", "data/app/db").body


@pytest.mark.parametrize(
    "options", [{"version": "1"}, {"version": 1}, {"version": "3"}, {"version": "2", "x": 1}]
)
def test_there_is_no_way_back_and_no_other_version(store, options):
    upgrade(store)
    answer = store.vault("POST", "sys/mounts/old/tune", {"options": options}, token=store.root)
    assert answer.status == 400
    assert BIG in ask(store, "GET", "data/app/db").body


def test_only_a_key_value_mount_gets_versions(store):
    store.vault("PUT", "sys/mounts/crypt", {"type": "transit"}, token=store.root)
    for path in ("crypt", "cubbyhole", "sys"):
        body = {"options": {"version": "2"}}
        assert store.vault("POST", f"sys/mounts/{path}/tune", body, token=store.root).status == 400


@pytest.mark.parametrize("kind", ["write", "delete"])
def test_a_change_that_was_on_its_way_is_refused_and_loses_nothing(store, kind):
    (mount,) = [mount for mount in store.local.store.opened.mounts.mounts if mount.path == "old/"]
    change = (
        Kv1Write(mount=mount.uuid, path="top", payload=b'{"k":"late"}', permit=Permit(True, True))
        if kind == "write"
        else Kv1Delete(mount=mount.uuid, path="top")
    )
    upgrade(store)
    outcome = decode_outcome(store.local.keeper.apply([encode_command(change)])[0])
    assert isinstance(outcome, InvalidInputError)
    assert outcome.message == UpgradedError().message
    assert ask(store, "GET", "data/top").data["data"] == {"k": "w"}


def test_a_search_and_a_bulk_read_know_it(store):
    upgrade(store)
    search = store.vault("POST", "sys/kv/search", {"below": "old"}, token=store.root)
    paths = [entry["path"] for entry in search.data["results"]]
    assert paths == ["old/data/app/db", "old/data/top"]
    read = store.vault("POST", "sys/kv/bulk-read", {"paths": paths}, token=store.root).data["results"]
    assert [entry["data"]["metadata"]["version"] for entry in read] == [1, 1]
