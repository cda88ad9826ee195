"""Mounts as clients of the Vault API see them: what there is at first, mount objects, tuning, and lookups."""

import re

import pytest
from tests.support.local_store import StoreUnderTest

MOUNT = {
    "type": str,
    "description": str,
    "accessor": str,
    "uuid": str,
    "local": bool,
    "seal_wrap": bool,
    "external_entropy_access": bool,
    "plugin_version": str,
    "running_plugin_version": str,
    "running_sha256": str,
    "deprecation_status": str,
    "config": dict,
}
PREFLIGHT = (
    'preflight capability check returned 403, please ensure client\'s policies grant access to path "{}"'
)


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, *, token=None):
        return store.vault(method, path, body, token=token or store.root)

    return ask


def test_what_is_mounted_at_first(ask):
    mounts = {path: mount["type"] for path, mount in ask("GET", "sys/mounts").data.items()}
    assert mounts["secret/"] == "kv"  # unlike in the original, where a first `kv put` fails
    assert (mounts["cubbyhole/"], mounts["sys/"]) == ("cubbyhole", "system")
    assert mounts["identity/"] == "identity"
    assert {path: mount["type"] for path, mount in ask("GET", "sys/auth").data.items()} == {"token/": "token"}


@pytest.mark.parametrize("path", ["sys/mounts", "sys/auth"])
def test_a_mount_object_has_every_field_with_its_type(ask, path):
    ask("POST", "sys/auth/people", {"type": "userpass"})
    for name, mount in ask("GET", path).data.items():
        assert name.endswith("/")
        assert {field: type(mount[field]) for field in MOUNT} == MOUNT
        assert mount["options"] is None or all(isinstance(value, str) for value in mount["options"].values())
        assert {"default_lease_ttl", "max_lease_ttl", "force_no_cache"} <= set(mount["config"])
        assert re.fullmatch(r"\w+", mount["accessor"])
    assert ask("GET", path).json.keys() > ask("GET", path).data.keys()


def test_accessors_say_the_kind(ask):
    assert re.fullmatch(r"kv_[0-9a-f]{8}", ask("GET", "sys/mounts/secret").data["accessor"])


class TestMounting:
    @pytest.mark.parametrize(
        ("body", "kind", "version"),
        [
            ({"type": "kv"}, "kv", "1"),
            ({"type": "kv-v1"}, "kv", "1"),
            ({"type": "kv-v2"}, "kv", "2"),
            ({"type": "generic"}, "kv", "1"),
            ({"type": "kv", "options": {"version": "2"}}, "kv", "2"),
            ({"type": "kv", "options": {"version": 2}}, "kv", "2"),
            ({"type": "kv", "options": None}, "kv", "1"),
            (
                {
                    "type": "kv",
                    "description": "",
                    "config": {"default_lease_ttl": "0s", "max_lease_ttl": "0s", "force_no_cache": False},
                    "options": {"version": "2"},
                    "local": False,
                    "seal_wrap": False,
                    "external_entropy_access": False,
                },
                "kv",
                "2",
            ),
        ],
    )
    def test_kinds_and_versions(self, ask, body, kind, version):
        assert ask("POST", "sys/mounts/new", body).status == 204
        mount = ask("GET", "sys/mounts/new").data
        assert (mount["type"], (mount["options"] or {"version": "1"})["version"]) == (kind, version)

    @pytest.mark.parametrize(
        ("path", "body", "text"),
        [
            ("new", {}, "backend type must be specified as a string"),
            ("new", {"type": 5}, "backend type must be specified as a string"),
            ("new", {"type": "carrier-pigeon"}, "plugin not found in the catalog"),
            ("secret", {"type": "kv"}, "path is already in use at secret/"),
            ("secret/below", {"type": "kv"}, "path is already in use at secret/"),
            ("sys", {"type": "kv"}, 'cannot mount "sys/"'),
            ("auth/x", {"type": "kv"}, 'cannot mount "auth/'),
            ("audit", {"type": "kv"}, 'cannot mount "audit/"'),
            ("identity", {"type": "kv"}, 'cannot mount "identity/"'),
            ("cubbyhole", {"type": "kv"}, 'cannot mount "cubbyhole/"'),
        ],
    )
    def test_what_cannot_be_mounted_is_400(self, ask, path, body, text):
        answer = ask("POST", f"sys/mounts/{path}", body)
        assert answer.status == 400
        assert text in answer.errors[0]

    def test_above_another_mount_neither(self, ask):
        ask("POST", "sys/mounts/a/b", {"type": "kv"})
        answer = ask("POST", "sys/mounts/a", {"type": "kv"})
        assert answer.status == 400
        assert "a/b/" in answer.errors[0]

    def test_unmounting_removes_everything_and_is_done_even_if_nothing_is_there(self, ask):
        ask("POST", "sys/mounts/new", {"type": "kv"})
        ask("PUT", "new/a", {"k": "v"})
        assert ask("DELETE", "sys/mounts/new").status == ask("DELETE", "sys/mounts/new").status == 204
        ask("POST", "sys/mounts/new", {"type": "kv"})
        assert ask("GET", "new/a").status == 404

    def test_of_auth_methods(self, ask):
        assert ask("POST", "sys/auth/k", {"type": "kubernetes"}).status == 204
        assert ask("GET", "sys/auth/k").data["type"] == "kubernetes"
        answer = ask("POST", "sys/auth/x", {"type": "nothing"})
        assert (answer.status, "plugin not found in the catalog" in answer.errors[0]) == (400, True)
        answer = ask("POST", "sys/auth/k", {"type": "kubernetes"})
        assert (answer.status, "path is already in use at k/" in answer.errors[0]) == (400, True)
        assert ask("DELETE", "sys/auth/k").status == 204


class TestTuning:
    @pytest.mark.parametrize("path", ["sys/mounts/secret/tune", "sys/auth/token/tune"])
    def test_shows_what_counts(self, ask, path):
        shown = ask("GET", path).data
        assert (shown["default_lease_ttl"], shown["max_lease_ttl"]) == (2764800, 2764800)
        assert {"description", "force_no_cache"} <= set(shown)

    @pytest.mark.parametrize("reset", ["system", "0", 0])
    def test_times_are_set_and_reset(self, ask, reset):
        path = "sys/mounts/secret/tune"
        assert ask("POST", path, {"default_lease_ttl": "1h", "max_lease_ttl": 7200}).status == 204
        shown = ask("GET", path).data
        assert (shown["default_lease_ttl"], shown["max_lease_ttl"]) == (3600, 7200)
        assert ask("GET", "sys/mounts").data["secret/"]["config"]["default_lease_ttl"] == 3600
        assert ask("POST", path, {"default_lease_ttl": reset, "max_lease_ttl": reset}).status == 204
        assert ask("GET", path).data["default_lease_ttl"] == 2764800

    def test_a_description_is_kept(self, ask):
        assert ask("POST", "sys/mounts/secret/tune", {"description": "ours"}).status == 204
        assert ask("GET", "sys/mounts/secret").data["description"] == "ours"

    def test_of_an_auth_method_by_either_path(self, ask):
        ask("POST", "sys/auth/people", {"type": "userpass"})
        assert ask("POST", "sys/auth/people/tune", {"listing_visibility": "unauth"}).status == 204
        assert ask("POST", "sys/mounts/auth/people/tune", {"default_lease_ttl": "1h"}).status == 204
        shown = ask("GET", "sys/auth/people/tune").data
        assert (shown["listing_visibility"], shown["default_lease_ttl"]) == ("unauth", 3600)

    @pytest.mark.parametrize("options", [{"version": "3"}, {"version": ""}, {"odd": "1"}, {"version": "1"}])
    def test_odd_options_destroy_nothing(self, ask, options):
        ask("PUT", "secret/data/a", {"data": {"k": "v"}})
        assert ask("POST", "sys/mounts/secret/tune", {"options": options}).status == 400
        assert ask("GET", "secret/data/a").data["data"] == {"k": "v"}


class TestRemounting:
    def test_answers_with_an_id_whose_status_is_success(self, ask):
        answer = ask("POST", "sys/remount", {"from": "secret", "to": "moved"})
        assert answer.status == 200
        shown = ask("GET", f"sys/remount/status/{answer.data['migration_id']}").data
        assert shown["migration_info"] == {
            "source_mount": "secret/",
            "target_mount": "moved/",
            "status": "success",
        }
        assert ask("GET", "sys/mounts/moved").data["type"] == "kv"


class TestLookups:
    def test_the_list_for_pages(self, store, ask):
        shown = ask("GET", "sys/internal/ui/mounts").data
        assert set(shown) == {"secret", "auth"}
        reader = store.token_for({"secret/data/a": ["read"]})
        assert set(ask("GET", "sys/internal/ui/mounts", token=reader).data["secret"]) == {"secret/"}

    @pytest.mark.parametrize("below", ["secret", "secret/a", "secret/a/b", "secret/data/a"])
    def test_the_first_call_of_every_kv_command(self, ask, below):
        shown = ask("GET", f"sys/internal/ui/mounts/{below}").data
        assert (shown["path"], shown["options"]) == ("secret/", {"version": "2"})
        assert shown.keys() >= MOUNT.keys()

    @pytest.mark.parametrize(
        "rules", [{"secret/data/a": ["read"]}, {"secret/*": ["list"]}, {"secret/+/a": ["update"]}]
    )
    def test_any_right_below_the_mount_is_enough(self, store, ask, rules):
        assert ask("GET", "sys/internal/ui/mounts/secret/x", token=store.token_for(rules)).status == 200

    def test_no_right_and_no_mount_read_the_same_even_to_root(self, store, ask):
        nobody = store.token_for({"other/*": ["read"]})
        for path, token in (("secret/foo", nobody), ("nothing/foo", nobody), ("nothing/foo", None)):
            answer = ask("GET", f"sys/internal/ui/mounts/{path}", token=token)
            assert (answer.status, answer.errors) == (403, [PREFLIGHT.format(f"{path}/")])
