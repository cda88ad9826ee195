"""Mounts: added, shown, tuned and removed, and what of them a caller gets to see."""

import pytest

from holdfast.formats.strict_json import decode_object
from holdfast.store.request import Operation, StoreRequest


def mount(store, path, **body):
    return store.vault("POST", f"sys/mounts/{path}", {"type": "kv", **body}, token=store.root)


def shown(store, token=None):
    return set(store.vault("GET", "sys/mounts", token=token or store.root).data)


@pytest.mark.parametrize(
    ("body", "version"),
    [
        pytest.param({"type": "kv"}, "1", id="kv"),
        pytest.param({"type": "kv-v1"}, "1", id="kv-v1"),
        pytest.param({"type": "kv-v2"}, "2", id="kv-v2"),
        pytest.param({"type": "generic"}, "1", id="the old name"),
        pytest.param({"type": "kv", "options": {"version": "2"}}, "2", id="version as text"),
        pytest.param({"type": "kv", "options": {"version": 2}}, "2", id="version as a number"),
        pytest.param({"type": "kv", "options": None}, "1", id="null options"),
    ],
)
def test_a_kind_means_a_version(store, body, version):
    assert mount(store, "new", **body).status == 204
    described = store.vault("GET", "sys/mounts", token=store.root).json["new/"]
    assert (described["type"], described["options"]) == ("kv", {"version": version})
    assert store.vault("GET", "sys/mounts/new", token=store.root).data == described


@pytest.mark.parametrize(
    ("config", "shown_ttls"),
    [
        pytest.param(None, (0, 0), id="null"),
        pytest.param({}, (0, 0), id="nothing"),
        pytest.param({"default_lease_ttl": "0s", "max_lease_ttl": "0s"}, (0, 0), id="zero"),
        pytest.param({"default_lease_ttl": "system", "max_lease_ttl": ""}, (0, 0), id="the system's"),
        pytest.param({"default_lease_ttl": "1h", "max_lease_ttl": 7200}, (3600, 7200), id="both"),
        pytest.param({"max_lease_ttl": "9000h"}, (0, 32_400_000), id="more than the system's"),
    ],
)
def test_a_mount_gets_the_ttls_that_it_is_added_with(store, config, shown_ttls):
    assert mount(store, "new", config=config).status == 204
    described = store.vault("GET", "sys/mounts/new", token=store.root).data["config"]
    assert (described["default_lease_ttl"], described["max_lease_ttl"]) == shown_ttls


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("secret", {}, id="the same path"),
        pytest.param("secret/below", {}, id="below another"),
        pytest.param("sys/x", {}, id="below sys"),
        pytest.param("sys", {}, id="sys"),
        pytest.param("auth/x", {}, id="below auth"),
        pytest.param("identity", {}, id="a protected name"),
        pytest.param("new", {"type": "database"}, id="unknown engine"),
        pytest.param("new", {"type": ""}, id="no engine"),
        pytest.param("new", {"type": None}, id="null engine"),
        pytest.param("new", {"type": ["kv"]}, id="a list of engines"),
        pytest.param("new", {"options": {"version": "3"}}, id="unknown version"),
        pytest.param("new", {"options": {"version": "2", "x": "y"}}, id="unknown option"),
        pytest.param("new", {"options": ["version"]}, id="options in a list"),
        pytest.param("new", {"description": "x" * 2000}, id="endless description"),
        pytest.param("new", {"config": "x"}, id="config as text"),
        pytest.param("new", {"config": {"default_lease_ttl": "soon"}}, id="a ttl that is none"),
        pytest.param("new", {"config": {"default_lease_ttl": "9000h"}}, id="a ttl over the system's"),
        pytest.param(
            "new", {"config": {"default_lease_ttl": "2h", "max_lease_ttl": "1h"}}, id="a ttl over its maximum"
        ),
        pytest.param("%2e%2e", {}, id="dots"),
        pytest.param("a%00b", {}, id="NUL"),
    ],
)
def test_a_mount_is_refused(store, path, body):
    before = shown(store)
    assert mount(store, path, **body).status == 400
    assert shown(store) == before


def test_a_mount_above_another_is_refused(store):
    assert mount(store, "a/b").status == 204
    assert mount(store, "a").status == 400
    assert mount(store, "ab").status == 204


def test_removing_a_mount_removes_what_it_held(store):
    mount(store, "new", type="kv-v2")
    for path in ("a", "a/b", "deep/er/still"):
        for value in ("1", "2"):
            assert (
                store.vault("PUT", f"new/data/{path}", {"data": {"k": value}}, token=store.root).status == 200
            )
    uuid = store.vault("GET", "sys/mounts/new", token=store.root).data["uuid"]
    assert store.storage.list(f"logical/{uuid}/") != []
    assert store.vault("DELETE", "sys/mounts/new/", token=store.root).status == 204
    assert store.storage.list(f"logical/{uuid}/") == []
    assert store.vault("GET", "new/data/a", token=store.root).status == 404
    mount(store, "new", type="kv-v2")
    assert store.vault("GET", "new/data/a", token=store.root).status == 404


def test_removing_what_is_not_mounted_is_fine_and_sys_stays(store):
    before = shown(store)
    assert store.vault("DELETE", "sys/mounts/nothing", token=store.root).status == 204
    assert store.vault("DELETE", "sys/mounts/sys", token=store.root).status == 400
    assert shown(store) == before


def test_a_write_that_was_on_its_way_when_its_mount_was_removed_is_lost_loudly(store):
    mount(store, "new")
    frames, submit = [], store.local.submit
    store.local.submit = lambda frame, _done: frames.append(frame)
    store.local.store.serve(_write_to("new/a", store.root), frames.append)
    store.local.submit = submit
    store.vault("DELETE", "sys/mounts/new", token=store.root)
    mount(store, "new")
    outcomes = []
    submit(frames[0], outcomes.append)
    assert b"NotFoundError" in outcomes[0]
    assert store.vault("GET", "new/a", token=store.root).status == 404


def _write_to(path, token):
    return StoreRequest(
        id="x", operation=Operation.WRITE, path=path, token=token, body=decode_object(b'{"k":"v"}')
    )


class TestTuning:
    def tune(self, store, **body):
        return store.vault("POST", "sys/mounts/secret/tune", body, token=store.root)

    def test_changes_what_is_given(self, store):
        assert self.tune(store, description="mine", default_lease_ttl="1h").status == 204
        data = store.vault("GET", "sys/mounts/secret/tune", token=store.root).data
        assert (data["description"], data["default_lease_ttl"], data["max_lease_ttl"]) == (
            "mine",
            3600,
            2764800,
        )
        assert self.tune(store, max_lease_ttl=7200).status == 204
        data = store.vault("GET", "sys/mounts/secret/tune", token=store.root).data
        assert (data["description"], data["max_lease_ttl"]) == ("mine", 7200)

    def test_leaves_a_ttl_as_it_is_that_is_given_as_an_empty_text(self, store):
        assert self.tune(store, default_lease_ttl="1h", max_lease_ttl="2h").status == 204
        assert self.tune(store, default_lease_ttl="30m", max_lease_ttl="").status == 204
        data = store.vault("GET", "sys/mounts/secret/tune", token=store.root).data
        assert (data["default_lease_ttl"], data["max_lease_ttl"]) == (1800, 7200)

    @pytest.mark.parametrize("unset", ["system", 0, "0s", None])
    def test_gives_ttls_back_to_the_system(self, store, unset):
        assert self.tune(store, default_lease_ttl="1h", max_lease_ttl="2h").status == 204
        assert self.tune(store, default_lease_ttl=unset, max_lease_ttl=unset).status == 204
        data = store.vault("GET", "sys/mounts/secret/tune", token=store.root).data
        assert (data["default_lease_ttl"], data["max_lease_ttl"]) == (2764800, 2764800)

    def test_never_leaves_a_ttl_over_its_maximum(self, store):
        assert self.tune(store, default_lease_ttl="1h").status == 204
        assert self.tune(store, max_lease_ttl="30m").status == 400
        assert self.tune(store, max_lease_ttl="1h").status == 204
        assert self.tune(store, default_lease_ttl="2h").status == 400
        assert self.tune(store, default_lease_ttl="2h", max_lease_ttl="2h").status == 204

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"options": {"version": "1"}}, id="another version"),
            pytest.param({"options": {"version": "2", "x": "y"}}, id="another option"),
            pytest.param({"options": "2"}, id="options as text"),
            pytest.param({"default_lease_ttl": -1}, id="negative ttl"),
            pytest.param({"default_lease_ttl": []}, id="a list of ttls"),
        ],
    )
    def test_is_refused_and_loses_nothing(self, store, body):
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        assert self.tune(store, **body).status == 400
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}

    def test_of_no_mount_is_refused(self, store):
        assert (
            store.vault("POST", "sys/mounts/none/tune", {"description": "x"}, token=store.root).status == 400
        )


class TestSight:
    """Who may do nothing below a mount does not learn that it exists."""

    def test_everything_for_who_may_read_the_table(self, store):
        mount(store, "hidden")
        assert shown(store, store.token_for({"sys/mounts": ["read"]})) == {
            "secret/",
            "hidden/",
            "cubbyhole/",
            "identity/",
            "sys/",
        }

    def test_only_what_can_be_reached_otherwise(self, store):
        mount(store, "hidden")
        assert shown(store, store.token_for({"secret/data/x": ["read"]})) == {"secret/"}
        assert shown(store, store.token_for({"sys/mounts/*": ["read"]})) == {"sys/"}
        assert shown(store, store.token_for({"hidden/*": ["deny"]})) == set()

    def test_of_one_path_for_who_can_reach_its_mount(self, store):
        token = store.token_for({"secret/data/x": ["read"]})
        data = store.vault("GET", "sys/internal/ui/mounts/secret/any/thing", token=token).data
        assert (data["path"], data["type"], data["options"]) == ("secret/", "kv", {"version": "2"})

    def test_a_hidden_mount_reads_like_no_mount(self, store):
        mount(store, "hidden")
        token = store.token_for({"secret/data/x": ["read"]})
        answers = [
            store.vault("GET", f"sys/internal/ui/mounts/{name}", token=token) for name in ("hidden", "absent")
        ]
        assert [answer.status for answer in answers] == [403, 403]
        assert answers[0].body.replace(b"hidden", b"absent") == answers[1].body

    def test_nothing_without_a_token(self, store):
        for path in ("sys/mounts", "sys/internal/ui/mounts/secret"):
            assert store.vault("GET", path).status == 403
        # Pages that people log in at ask this one; it names what anybody may know of, which is nothing yet.
        assert store.vault("GET", "sys/internal/ui/mounts").data == {"secret": {}, "auth": {}}
