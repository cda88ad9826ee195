"""What users of the IAM may do in a whole store, by either dialect, and how their tokens begin and end."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.iam import grant, make_user, token_of, user_with
from tests.support.local_store import StoreUnderTest

SECRETS = "dcos:secrets:default:"
NAMES = "dcos:secrets:list:default:"
KEPT = ("pwx/secrets/key", "pwx/other", "pwx", "pwx/secrets", "team/a", "top")


@pytest.fixture(scope="module")
def store():
    store = StoreUnderTest().initialize()
    for path in KEPT:
        answer = store.dcos("PUT", f"secret/default/{path}", {"value": f"of {path}"}, token=store.root)
        assert answer.status == 201
    make_user(store, "anchor", description="keeps the signing key")
    return store


_users = iter(range(10_000))


def somebody(store, *rids, action="full"):
    return user_with(store, f"user-{next(_users)}", *rids, action=action)


class Dcos:
    def read(self, store, token, path):
        return store.dcos("GET", f"secret/default/{path}", token=token).status

    def create(self, store, token, path):
        return store.dcos("PUT", f"secret/default/{path}", {"value": "new"}, token=token).status

    def update(self, store, token, path):
        return store.dcos("PATCH", f"secret/default/{path}", {"value": "newer"}, token=token).status

    def delete(self, store, token, path):
        return store.dcos("DELETE", f"secret/default/{path}", token=token).status

    def names(self, store, token, path):
        return store.dcos("GET", f"secret/default/{path}?list=true", token=token).status


class Vault:
    def read(self, store, token, path):
        return store.vault("GET", f"secret/data/{path}", token=token).status

    def create(self, store, token, path):
        return store.vault("PUT", f"secret/data/{path}", {"data": {"value": "new"}}, token=token).status

    def update(self, store, token, path):
        return store.vault("PUT", f"secret/data/{path}", {"data": {"value": "newer"}}, token=token).status

    def delete(self, store, token, path):
        return store.vault("DELETE", f"secret/data/{path}", token=token).status

    def names(self, store, token, path):
        return store.vault("LIST", f"secret/metadata/{path}", token=token).status


@pytest.fixture(params=[Dcos(), Vault()], ids=["dcos", "vault"])
def dialect(request):
    return request.param


def test_the_grant_for_a_driver_s_secrets_opens_them_and_nothing_else(store, dialect):
    """The documented grant: ``dcos:secrets:default:/pwx/secrets/* full`` for a volume driver's user."""
    token = somebody(store, SECRETS + "/pwx/secrets/*")
    new = f"pwx/secrets/new-{next(_users)}"
    assert dialect.read(store, token, "pwx/secrets/key") == 200
    assert dialect.create(store, token, new) in {200, 201}
    assert dialect.read(store, token, new) == 200
    assert dialect.update(store, token, new) in {200, 204}
    assert dialect.delete(store, token, new) == 204
    for path in ("pwx/other", "pwx", "pwx/secrets", "team/a", "top", "pwx/secrets2/x", "absent"):
        assert dialect.read(store, token, path) == 403, path
        assert dialect.update(store, token, path) == 403, path
        assert dialect.delete(store, token, path) == 403, path
    assert dialect.names(store, token, "pwx/secrets/") == 403


@pytest.mark.parametrize("rid", [SECRETS + "team/a", SECRETS + "/team/a"], ids=["no slash", "slash"])
def test_a_rid_with_and_without_the_slash_is_one_rid(store, dialect, rid):
    token = somebody(store, rid, action="read")
    assert dialect.read(store, token, "team/a") == 200
    assert dialect.read(store, token, "top") == 403


@pytest.mark.parametrize(
    ("action", "may"),
    [
        pytest.param("create", {"create"}, id="create"),
        pytest.param("read", {"read"}, id="read"),
        pytest.param("update", {"update"}, id="update"),
        pytest.param("delete", {"delete"}, id="delete"),
        pytest.param("full", {"create", "read", "update", "delete"}, id="full"),
    ],
)
def test_each_action_is_granted_by_itself(store, dialect, action, may):
    kept = f"each/{next(_users)}"
    store.dcos("PUT", f"secret/default/{kept}", {"value": "v"}, token=store.root)
    token = somebody(store, SECRETS + "/each/*", action=action)
    for verb in ("read", "update", "create", "delete"):
        path = f"{kept}-new" if verb == "create" else kept
        assert (getattr(dialect, verb)(store, token, path) != 403) is (verb in may), verb


def test_without_a_right_to_the_names_a_reader_sees_none(store, dialect):
    token = somebody(store, SECRETS + "/*")
    assert dialect.read(store, token, "top") == 200
    assert dialect.names(store, token, "") == 403
    grant(store, NAMES + "/", f"users/user-{next(_users) - 1}", "read")
    assert dialect.names(store, token, "") == 200
    assert dialect.names(store, token, "pwx/") == 200


def test_a_right_to_names_shows_no_value(store, dialect):
    token = somebody(store, NAMES + "/", action="read")
    assert dialect.names(store, token, "team/") == 200
    assert dialect.read(store, token, "team/a") == 403


def test_names_below_one_folder_are_not_those_of_another(store, dialect):
    token = somebody(store, NAMES + "/pwx", action="read")
    assert dialect.names(store, token, "pwx/") == 200
    assert dialect.names(store, token, "pwx/secrets/") == 200
    assert dialect.names(store, token, "team/") == 403
    assert dialect.names(store, token, "") == 403


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        pytest.param("/odd/*/x", "odd/a/x", id="star in the middle"),
        pytest.param("/odd/a*", "odd/ab", id="star behind a name"),
        pytest.param("/odd/+/x", "odd/a/x", id="plus"),
        pytest.param("/+/*", "odd/ab", id="plus before the star"),
        pytest.param("/*/ab", "odd/ab", id="star in front"),
    ],
)
def test_what_looks_like_a_wildcard_is_a_character(store, dialect, granted, asked):
    store.dcos("PUT", f"secret/default/{asked}", {"value": "v"}, token=store.root)
    token = somebody(store, SECRETS + granted)
    assert dialect.read(store, token, asked) == 403
    assert dialect.create(store, token, f"{asked}-new") == 403


def test_grants_take_effect_and_end_with_the_next_request(store, dialect):
    token = somebody(store)
    uid = f"user-{next(_users) - 1}"
    rid = "dcos:secrets:default:%252Fteam%252Fa"
    assert dialect.read(store, token, "team/a") == 403
    grant(store, SECRETS + "/team/a", f"users/{uid}", "read")
    assert dialect.read(store, token, "team/a") == 200
    assert store.acs("DELETE", f"acls/{rid}/users/{uid}/read").status == 204
    assert dialect.read(store, token, "team/a") == 403


def test_a_group_s_grants_are_those_of_its_members(store, dialect):
    token = somebody(store)
    uid, gid = f"user-{next(_users) - 1}", f"group-{next(_users)}"
    store.acs("PUT", f"groups/{gid}", {"description": ""})
    grant(store, SECRETS + "/team/*", f"groups/{gid}", "read")
    assert dialect.read(store, token, "team/a") == 403
    store.acs("PUT", f"groups/{gid}/users/{uid}")
    assert dialect.read(store, token, "team/a") == 200
    store.acs("DELETE", f"groups/{gid}")
    assert dialect.read(store, token, "team/a") == 403


@pytest.mark.parametrize(
    "rids",
    [
        pytest.param(["dcos:adminrouter:secrets", "dcos:adminrouter:acs"], id="doors"),
        pytest.param(["dcos:secrets:elsewhere:/*"], id="another store"),
        pytest.param([], id="nothing"),
    ],
)
def test_other_grants_open_nothing(store, dialect, rids):
    token = somebody(store, *rids)
    for path in KEPT:
        assert dialect.read(store, token, path) == 403
    assert dialect.names(store, token, "") == 403
    assert store.acs("GET", "users", token=token).status == 403


class TestSuperuser:
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda s, u: grant(s, "dcos:superuser", f"users/{u}", "read"), id="by a grant"),
            pytest.param(lambda s, u: s.acs("PUT", f"groups/superusers/users/{u}"), id="by the group"),
        ],
    )
    def test_a_superuser_may_do_everything_until_he_is_none(self, store, make):
        keep = f"user-{next(_users)}"
        make_user(store, keep)
        store.acs("PUT", f"groups/superusers/users/{keep}")
        uid = f"user-{next(_users)}"
        make_user(store, uid)
        token = token_of(store, uid)
        assert store.acs("GET", "users", token=token).status == 403
        make(store, uid)
        assert store.acs("GET", "users", token=token).status == 200
        assert store.vault("GET", "sys/key-status", token=token).status == 200
        assert store.dcos("GET", "secret/default/top", token=token).status == 200
        assert store.acs("DELETE", f"users/{uid}/tokens", token=token).status == 204
        assert store.acs("GET", "users", token=token).status == 401

    def test_he_makes_no_token_that_would_outlive_his_rights(self, store):
        token = somebody(store, "dcos:superuser")
        for path in ("auth/token/create", "auth/token/create-orphan"):
            for body in ({}, {"policies": ["root"]}, {"no_parent": True, "ttl": "1h"}, {"id": "chosen"}):
                assert store.vault("POST", path, body, token=token).status == 403, (path, body)

    @pytest.mark.parametrize("rules", [{"*": ["create", "read", "update", "delete", "list", "sudo"]}])
    def test_a_policy_for_everything_makes_nobody_a_superuser_of_the_iam(self, store, rules):
        """Or whoever may do all that policies can grant could make himself root."""
        token = store.token_for(rules)
        for method, path in (("GET", "users"), ("PUT", "groups/superusers/users/anchor"), ("GET", "acls")):
            assert store.acs(method, path, token=token).status == 403
            assert store.vault(method, f"acs/{path}", token=token).status == 403

    def test_nothing_can_be_mounted_in_front_of_the_iam(self, store):
        for path in ("acs", "acs/users"):
            assert store.vault("PUT", f"sys/mounts/{path}", {"type": "kv"}, token=store.root).status == 400


class TestOwnToken:
    def test_it_can_be_looked_up_and_says_who_it_is_for(self, store):
        token = somebody(store, SECRETS + "/top")
        uid = f"user-{next(_users) - 1}"
        for method in ("GET", "POST"):
            data = store.vault(method, "auth/token/lookup-self", token=token).data
            assert (data["display_name"], data["meta"], data["policies"]) == (uid, {"uid": uid}, [])
            assert (data["renewable"], data["ttl"], data["orphan"]) == (False, 5 * 86_400, True)
        assert store.vault("POST", "auth/token/lookup", {"token": token}, token=store.root).data == data

    def test_it_is_not_renewed_and_has_no_children(self, store):
        token = somebody(store, SECRETS + "/top")
        renewal = store.vault("PUT", "auth/token/renew-self", {"increment": "1h"}, token=token)
        assert (renewal.status, "log in again" in renewal.errors[0]) == (400, True)
        assert store.vault("POST", "auth/token/create", {}, token=token).status == 403
        assert store.vault("PUT", "auth/token/renew", {"token": token}, token=store.root).status in {400, 403}

    def test_it_can_ask_what_it_may_do(self, store):
        token = somebody(store, SECRETS + "/a/*", action="read")
        paths = ["secret/data/a/b", "secret/data/b", "sys/seal"]
        data = store.vault("POST", "sys/capabilities-self", {"paths": paths}, token=token).data
        assert [data[path] for path in paths] == [["read"], ["deny"], ["deny"]]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            pytest.param("GET", "sys/key-status", id="keys"),
            pytest.param("PUT", "sys/seal", id="seal"),
            pytest.param("GET", "sys/policies/acl/default", id="policies"),
            pytest.param("LIST", "auth/token/accessors", id="accessors"),
            pytest.param("PUT", "auth/token/revoke", id="revoke others"),
            pytest.param("PUT", "sys/mounts/x", id="mount"),
            pytest.param("GET", "secret/config", id="settings of the engine"),
            pytest.param("GET", "acs/users", id="users"),
        ],
    )
    def test_it_reaches_nothing_of_the_store_itself(self, store, method, path):
        token = somebody(store, SECRETS + "/*", NAMES + "/")
        body = {} if method == "PUT" else None
        assert store.vault(method, path, body, token=token).status == 403

    def test_of_the_mounts_it_sees_those_that_it_reaches(self, store):
        token, other = somebody(store, SECRETS + "/top"), somebody(store)
        assert "secret/" in store.vault("GET", "sys/mounts", token=token).data
        assert "secret/" not in store.vault("GET", "sys/mounts", token=other).json["data"]


def test_a_user_s_line_in_the_audit_trail_names_him_and_shows_no_token():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    token = user_with(store, "bob", SECRETS + "/a")
    sink.writes.clear()
    store.dcos("GET", "secret/default/a", token=token)
    lines = [json.loads(line) for line in sink.lines]
    assert [line["auth"]["display_name"] for line in lines] == ["bob", "bob"]
    assert all(part not in line for line in map(bytes.decode, sink.lines) for part in token.split("."))
