"""An answer that waits has one reader: whoever shows its one-time token first, and in time."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

NOT_VALID = ["wrapping token is not valid or does not exist"]
WRAP = ("X-Vault-Wrap-TTL: 5m",)
SECRET = "canary-7f3a"


def wrapped_secret(store, *, token="", headers=WRAP):
    store.vault("PUT", "secret/data/a", {"data": {"k": SECRET}}, token=store.root)
    answer = store.vault("GET", "secret/data/a", token=token or store.root, headers=headers)
    assert answer.status == 200
    return answer.json


def unwrap(store, token="", *, by=""):
    body = {"token": token} if token else None
    return store.vault("PUT", "sys/wrapping/unwrap", body, token=by)


def test_what_is_wrapped_does_not_leave(store):
    answer = wrapped_secret(store)
    assert SECRET not in json.dumps(answer)
    assert (answer["data"], answer["auth"]) == (None, None)
    info = answer["wrap_info"]
    assert info["token"].startswith("hvs.")
    assert (info["ttl"], info["creation_path"]) == (300, "secret/data/a")
    assert info["creation_time"].endswith("Z")


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            lambda store, token: unwrap(store, token, by=store.root), id="with a token of one's own"
        ),
        pytest.param(lambda store, token: unwrap(store, by=token), id="as the request's token"),
        pytest.param(lambda store, token: unwrap(store, token, by=token), id="as both"),
        pytest.param(unwrap, id="in the body alone"),
    ],
)
def test_it_is_handed_out_once(store, way):
    info = wrapped_secret(store)["wrap_info"]
    answer = way(store, info["token"])
    assert answer.status == 200
    assert answer.data["data"] == {"k": SECRET}
    assert answer.data["metadata"]["version"] == 1
    assert answer.json["wrap_info"] is None
    again = way(store, info["token"])
    assert (again.status, again.errors) == (400, NOT_VALID)


def test_nothing_of_it_stays_behind(store):
    before = set(names_of(store))
    info = wrapped_secret(store)["wrap_info"]
    assert unwrap(store, info["token"], by=store.root).status == 200
    left = set(names_of(store)) - before
    assert not [name for name in left if name.startswith("sys/token/")]


def test_the_answer_lies_encrypted(store):
    wrapped_secret(store)
    wrapped = [name for name in names_of(store) if name.startswith("sys/token/wrapped/")]
    assert len(wrapped) == 1
    assert SECRET.encode() not in store.storage.get(wrapped[0])


def names_of(store, prefix=""):
    for name in store.storage.list(prefix, limit=10_000):
        if name.endswith("/"):
            yield from names_of(store, prefix + name)
        else:
            yield prefix + name


def test_after_its_time_nobody_gets_it(store):
    info = wrapped_secret(store)["wrap_info"]
    store.clock.advance(299)
    assert store.vault("PUT", "sys/wrapping/lookup", {"token": info["token"]}).status == 200
    store.clock.advance(1)
    for answer in (
        unwrap(store, info["token"], by=store.root),
        unwrap(store, by=info["token"]),
        store.vault("PUT", "sys/wrapping/lookup", {"token": info["token"]}),
    ):
        assert (answer.status, answer.errors) == (400, NOT_VALID)


def test_time_and_restarts_remove_what_nobody_fetched(store):
    before = set(names_of(store))
    wrapped_secret(store)
    store.restart()
    store.clock.advance(302)
    store.local.keeper.tick()
    assert not [name for name in set(names_of(store)) - before if name.startswith("sys/token/")]


def test_it_survives_a_restart(store):
    info = wrapped_secret(store)["wrap_info"]
    store.restart()
    assert unwrap(store, info["token"], by=store.root).data["data"] == {"k": SECRET}


def test_revoking_the_one_time_token_ends_the_answer(store):
    info = wrapped_secret(store)["wrap_info"]
    answer = store.vault(
        "PUT", "auth/token/revoke-accessor", {"accessor": info["accessor"]}, token=store.root
    )
    assert answer.status == 204
    assert unwrap(store, info["token"], by=store.root).errors == NOT_VALID


def test_a_one_time_token_can_do_nothing_else_and_then_is_used_up(store):
    info = wrapped_secret(store)["wrap_info"]
    assert store.vault("GET", "secret/data/a", token=info["token"]).status == 403
    assert unwrap(store, by=info["token"]).errors == NOT_VALID
    assert unwrap(store, info["token"], by=store.root).errors == NOT_VALID


def test_an_ordinary_token_is_no_one_time_token(store):
    for token in (store.root, store.token(num_uses=1), store.token()):
        for path in ("unwrap", "rewrap", "lookup"):
            answer = store.vault("PUT", f"sys/wrapping/{path}", {"token": token}, token=store.root)
            assert (answer.status, answer.errors) == (400, NOT_VALID)
    assert store.is_live(store.root)


def test_looking_at_it_needs_no_token_and_takes_no_use(store):
    info = wrapped_secret(store)["wrap_info"]
    for method in ("PUT", "POST"):
        for answer in (
            store.vault(method, "sys/wrapping/lookup", {"token": info["token"]}),
            store.vault(method, "sys/wrapping/lookup", token=info["token"]),
        ):
            assert answer.data == {
                "creation_ttl": 300,
                "creation_time": info["creation_time"],
                "creation_path": "secret/data/a",
            }
    assert unwrap(store, info["token"]).status == 200


def test_wrapping_anew_ends_the_old_token_and_keeps_path_and_time(store):
    info = wrapped_secret(store)["wrap_info"]
    store.clock.advance(100)
    again = store.vault("PUT", "sys/wrapping/rewrap", {"token": info["token"]}, token=store.root).json[
        "wrap_info"
    ]
    assert again["token"] != info["token"]
    assert (again["ttl"], again["creation_path"]) == (300, "secret/data/a")
    assert unwrap(store, info["token"], by=store.root).errors == NOT_VALID
    store.clock.advance(299)
    assert unwrap(store, again["token"], by=store.root).data["data"] == {"k": SECRET}


def test_a_wrapped_token_names_its_accessor_and_works_once_fetched(store):
    answer = store.vault("PUT", "auth/token/create", {"ttl": "1h"}, token=store.root, headers=WRAP)
    info = answer.json["wrap_info"]
    assert answer.auth is None
    auth = unwrap(store, info["token"], by=store.root).auth
    assert auth["accessor"] == info["wrapped_accessor"]
    assert store.is_live(auth["client_token"])


def test_a_login_can_be_wrapped(store):
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault("PUT", "auth/people/users/ann", {"password": "correct horse battery"}, token=store.root)
    body = {"password": "correct horse battery"}
    answer = store.vault("PUT", "auth/people/login/ann", body, headers=WRAP)
    assert (answer.status, answer.auth) == (200, None)
    auth = unwrap(store, answer.json["wrap_info"]["token"]).auth
    assert store.is_live(auth["client_token"])


def test_what_people_wrap_themselves_comes_back_as_they_sent_it(store):
    body = {"a": 2**60, "b": [1, {"c": None}]}
    answer = store.vault("PUT", "sys/wrapping/wrap", body, token=store.root, headers=WRAP)
    info = answer.json["wrap_info"]
    assert info["creation_path"] == "sys/wrapping/wrap"
    assert unwrap(store, info["token"]).data == body
    refused = store.vault("PUT", "sys/wrapping/wrap", body, token=store.root)
    assert refused.status == 400
    assert "X-Vault-Wrap-TTL" in refused.errors[0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("PUT", "sys/policies/acl/p", 204, id="done"),
        pytest.param("GET", "secret/data/absent", 404, id="nothing there"),
        pytest.param("GET", "secret/data/absent/", 404, id="nothing there, with a slash"),
        pytest.param("GET", "nowhere/x", 404, id="no mount"),
    ],
)
def test_an_answer_that_says_nothing_is_not_wrapped(store, method, path, status):
    body = {"policy": 'path "x" { capabilities = ["read"] }'} if method == "PUT" else None
    answer = store.vault(method, path, body, token=store.root, headers=WRAP)
    assert answer.status == status
    assert b"wrap_info" not in answer.body


def test_a_deleted_version_comes_back_as_one(store):
    wrapped_secret(store)
    store.vault("DELETE", "secret/data/a", token=store.root)
    info = store.vault("GET", "secret/data/a", token=store.root, headers=WRAP).json["wrap_info"]
    answer = unwrap(store, info["token"])
    assert answer.status == 404
    assert answer.data["data"] is None


RULES = """
path "secret/data/must" { capabilities = ["read"] min_wrapping_ttl = "1m" max_wrapping_ttl = "10m" }
path "auth/token/create" { capabilities = ["update", "sudo"] min_wrapping_ttl = "1m" }
"""


@pytest.mark.parametrize(
    ("ttl", "status"), [("", 403), ("0", 403), ("59s", 403), ("60", 200), ("10m", 200), ("601", 403)]
)
def test_a_policy_says_whether_and_for_how_long(store, ttl, status):
    store.vault("PUT", "secret/data/must", {"data": {"k": SECRET}}, token=store.root)
    store.policy("must", RULES)
    token = store.token(policies=["must"])
    headers = (f"X-Vault-Wrap-TTL: {ttl}",) if ttl else ()
    answer = store.vault("GET", "secret/data/must", token=token, headers=headers)
    assert answer.status == status
    assert SECRET.encode() not in answer.body


def test_a_policy_that_demands_wrapping_grants_sudo_to_who_wraps(store):
    store.policy("must", RULES)
    token = store.token(policies=["must"])
    orphan = {"no_parent": True, "ttl": "1h"}
    assert store.vault("PUT", "auth/token/create", orphan, token=token).status == 403
    assert store.vault("PUT", "auth/token/create", orphan, token=token, headers=WRAP).status == 200


def test_the_policy_of_one_time_tokens_is_nobody_else_s(store):
    assert store.create_token(policies=["response-wrapping"]).status == 400
    text = {"policy": 'path "*" { capabilities = ["read"] }'}
    assert store.vault("PUT", "sys/policies/acl/response-wrapping", text, token=store.root).status == 400
    assert store.vault("DELETE", "sys/policies/acl/response-wrapping", token=store.root).status == 400


def lines_of(sink):
    return [json.loads(line) for line in sink.lines]


def test_audit_lines_show_who_wrapped_what_and_no_token():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"file": sink}).initialize()
    info = wrapped_secret(store)["wrap_info"]
    wrapped = lines_of(sink)[-1]
    assert wrapped["response"]["wrap_info"]["creation_path"] == "secret/data/a"
    assert wrapped["response"]["wrap_info"]["ttl"] == 300
    for name in ("token", "accessor"):
        assert wrapped["response"]["wrap_info"][name].startswith("hmac-sha256:")
    assert "data" not in wrapped["response"]
    assert unwrap(store, info["token"], by=store.root).status == 200
    asked, told = lines_of(sink)[-2:]
    assert asked["request"]["path"] == told["request"]["path"] == "sys/wrapping/unwrap"
    assert asked["request"]["data"]["token"] == wrapped["response"]["wrap_info"]["token"]
    store.vault("PUT", "sys/wrapping/lookup", {"token": info["token"]})
    assert lines_of(sink)[-1]["error"] == NOT_VALID[0]
    text = json.dumps(lines_of(sink))
    assert SECRET not in text
    assert info["token"] not in text
    assert info["accessor"] not in text


def test_where_no_device_takes_the_line_the_answer_stays():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"file": sink}).initialize()
    info = wrapped_secret(store)["wrap_info"]
    sink.refuses = True
    assert unwrap(store, info["token"], by=store.root).status == 500
    sink.refuses = False
    assert unwrap(store, info["token"], by=store.root).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "sys/replication/status", None),
        ("GET", "sys/internal/ui/mounts", None),
        ("POST", "sys/decode-token", {"encoded_token": "AAAA", "otp": "abc"}),
        ("POST", "sys/wrapping/lookup", {"token": "one-time"}),
    ],
)
def test_nobody_fills_the_store_without_a_token(store, method, path, body):
    if body and "token" in body:
        body = {"token": wrapped_secret(store)["wrap_info"]["token"]}
    before = set(names_of(store))
    assert store.vault(method, path, body).status == 200
    answer = store.vault(method, path, body, headers=WRAP)
    assert answer.status == 400
    assert answer.errors[0].startswith("X-Vault-Wrap-TTL: expected none")
    assert set(names_of(store)) == before
