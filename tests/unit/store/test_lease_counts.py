"""Quotas of leases: there are never more tokens of a path than its quota allows, and room is given back."""

import pytest
from tests.support.iam import PASSWORD
from tests.support.local_store import StoreUnderTest

FULL = "lease count quota exceeded"


@pytest.fixture
def store():
    store = StoreUnderTest().initialize()
    for path in ("people", "others"):
        store.vault("PUT", f"sys/auth/{path}", {"type": "userpass"}, token=store.root)
        store.vault("PUT", f"auth/{path}/users/ann", {"password": PASSWORD}, token=store.root)
        store.vault("PUT", f"auth/{path}/users/bob", {"password": PASSWORD}, token=store.root)
    return store


def limit(store, name="q", **said):
    answer = store.vault("POST", f"sys/quotas/lease-count/{name}", said, token=store.root)
    assert answer.status == 204, answer.body


def log_in(store, path="people", who="ann"):
    return store.vault("PUT", f"auth/{path}/login/{who}", {"password": PASSWORD})


def counter(store, name="q"):
    return store.vault("GET", f"sys/quotas/lease-count/{name}", token=store.root).data["counter"]


def keep_up(store, times=5):
    for _ in range(times):
        store.local.keeper.tick()


def test_as_many_logins_as_it_allows_and_no_more(store):
    limit(store, path="auth/people", max_leases=2)
    answers = [log_in(store) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].errors == [f'request path "auth/people/login/ann": {FULL}']
    assert log_in(store, "others").status == 200
    assert counter(store) == 2


def test_a_revoked_token_gives_its_room_back(store):
    limit(store, path="auth/people/", max_leases=1)
    token = log_in(store).auth["client_token"]
    assert log_in(store).status == 429
    assert store.vault("PUT", "auth/token/revoke-self", token=token).status == 204
    assert log_in(store).status == 200


def test_a_token_whose_time_is_up_gives_its_room_back(store):
    limit(store, path="auth/people/", max_leases=1)
    seconds = log_in(store).auth["lease_duration"]
    store.clock.advance(seconds + 2)
    keep_up(store)
    assert counter(store) == 0
    assert log_in(store).status == 200


def test_all_descendants_of_a_revoked_token_give_theirs_back(store):
    limit(store, path="auth/token", max_leases=4)
    top = store.token(ttl=600)
    child = store.token(by=top, ttl=600)
    for _ in range(2):
        store.token(by=child, ttl=600)
    assert store.create_token(ttl=600).status == 429
    store.vault("PUT", "auth/token/revoke", {"token": top}, token=store.root)
    keep_up(store)
    assert counter(store) == 0


def test_what_was_there_before_is_counted(store):
    for _ in range(3):
        log_in(store)
    limit(store, path="auth/people", max_leases=3)
    assert counter(store) == 3
    assert log_in(store).status == 429
    limit(store, max_leases=4)  # the path stays
    assert [log_in(store).status for _ in range(2)] == [200, 429]


def test_counts_survive_a_restart(store):
    limit(store, path="auth/people", max_leases=2)
    log_in(store)
    store.restart()
    assert counter(store) == 1
    assert [log_in(store).status for _ in range(2)] == [200, 429]


def test_of_several_the_most_specific_counts_and_no_other(store):
    limit(store, "all", max_leases=5)
    limit(store, "mount", path="auth/people/", max_leases=3)
    limit(store, "ann", path="auth/people/login/ann", max_leases=1)
    assert [log_in(store, who="ann").status for _ in range(2)] == [200, 429]
    assert [log_in(store, who="bob").status for _ in range(4)] == [200, 200, 200, 429]
    assert [log_in(store, "others").status for _ in range(6)] == [200] * 5 + [429]
    assert [counter(store, name) for name in ("all", "mount", "ann")] == [5, 3, 1]


def test_a_role_can_have_one_of_its_own(store):
    limit(store, "bob", path="auth/people/", role="bob", max_leases=1)
    assert [log_in(store, who="bob").status for _ in range(2)] == [200, 429]
    assert log_in(store, who="ann").status == 200


def test_a_namespace_can_have_one_and_a_mount_in_it(store):
    assert store.vault("POST", "sys/namespaces/team", token=store.root).status == 200
    inside = ["X-Vault-Namespace: team"]
    body = {"type": "userpass"}
    assert store.vault("PUT", "sys/auth/people", body, token=store.root, headers=inside).status == 204
    body = {"password": PASSWORD}
    assert store.vault("PUT", "auth/people/users/ann", body, token=store.root, headers=inside).status == 204
    limit(store, "team", path="team/", max_leases=3)
    limit(store, "people", path="team/auth/people", max_leases=1)

    def log_in_there():
        return store.vault("PUT", "auth/people/login/ann", {"password": PASSWORD}, headers=inside).status

    def make_there():
        body = {"ttl": 600, "policies": ["default"]}
        return store.vault("POST", "auth/token/create", body, token=store.root, headers=inside).status

    assert [log_in_there(), log_in_there()] == [200, 429]
    assert [make_there() for _ in range(4)] == [200, 200, 200, 429]
    assert log_in(store).status == 200  # elsewhere nobody notices
    assert [counter(store, name) for name in ("team", "people")] == [3, 1]


def test_root_tokens_and_waiting_answers_are_never_refused(store):
    limit(store, max_leases=1)
    store.token(ttl=600)
    assert store.create_token(ttl=600).status == 429
    assert store.create_token(policies=["root"]).status == 200
    headers = ["X-Vault-Wrap-TTL: 60"]
    wrapped = store.vault("PUT", "sys/wrapping/wrap", {"k": "v"}, token=store.root, headers=headers)
    assert wrapped.status == 200
    assert counter(store) == 1


def test_a_batch_token_is_refused_where_there_is_no_room_though_it_takes_none(store):
    limit(store, path="auth/token/", max_leases=1)
    assert [store.create_token(type="batch", ttl=60, policies=["default"]).status for _ in range(2)] == [
        200,
        200,
    ]
    store.token(ttl=600)
    answer = store.create_token(type="batch", ttl=60, policies=["default"])
    assert (answer.status, FULL in answer.errors[0]) == (429, True)


def test_it_is_written_read_listed_and_removed(store):
    assert store.vault("LIST", "sys/quotas/lease-count", token=store.root).status == 404
    limit(store, "Few", path="auth/people", max_leases="7", inheritable=True)
    assert store.vault("GET", "sys/quotas/lease-count/few", token=store.root).data == {
        "name": "few",
        "type": "lease-count",
        "path": "auth/people/",
        "max_leases": 7,
        "counter": 0,
        "role": "",
        "inheritable": True,
    }
    assert store.vault("LIST", "sys/quotas/lease-count", token=store.root).data == {"keys": ["few"]}
    assert store.vault("DELETE", "sys/quotas/lease-count/few", token=store.root).status == 204
    assert store.vault("GET", "sys/quotas/lease-count/few", token=store.root).status == 404
    assert store.vault("DELETE", "sys/quotas/lease-count/few", token=store.root).status == 204


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({}, "max_leases", id="no number"),
        pytest.param({"max_leases": 0}, "max_leases", id="none at all"),
        pytest.param({"max_leases": -1}, "max_leases", id="negative"),
        pytest.param({"max_leases": 1.5}, "max_leases", id="a half"),
        pytest.param({"max_leases": 1, "path": "absent"}, "path", id="no mount"),
        pytest.param({"max_leases": 1, "role": "ann"}, "role", id="role of nothing"),
        pytest.param({"max_leases": 1, "path": "secret", "role": "ann"}, "role", id="role of no login"),
        pytest.param({"max_leases": 1, "type": "rate-limit"}, "type", id="another kind"),
    ],
)
def test_what_is_no_quota_is_refused(store, said, field):
    answer = store.vault("POST", "sys/quotas/lease-count/q", said, token=store.root)
    assert answer.status == 400
    assert field in answer.errors[0]


def test_a_path_has_one_quota(store):
    limit(store, "a", path="auth/people", max_leases=1)
    body = {"path": "auth/people/", "max_leases": 2}
    assert store.vault("POST", "sys/quotas/lease-count/b", body, token=store.root).status == 400
