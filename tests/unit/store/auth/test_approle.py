"""Programs with a role id and a secret id: limits are kept, ids stored as hashes, a login writes nothing."""

import pytest
from tests.support.auth import about, enable, logged_in, login, read, write

from holdfast.iam.lockout import FREE_TRIES_OF_SOURCE
from holdfast.store.auth.approle.login import INVALID

LOGIN = "approle/login"
ROLE = "approle/role/web"


@pytest.fixture
def apps(store):
    enable(store, "approle")
    write(store, ROLE, token_policies="reader", token_ttl="20m")
    return store


def role_id(store, role=ROLE):
    return read(store, f"{role}/role-id")["role_id"]


def new_secret(store, role=ROLE, **wanted):
    return write(store, f"{role}/secret-id", **wanted).data


def credentials(store, role=ROLE, **wanted):
    return {"role_id": role_id(store, role), "secret_id": new_secret(store, role, **wanted)["secret_id"]}


def refused(store, **fields):
    answer = login(store, LOGIN, **fields)
    assert answer.status == 400, answer.body
    return answer.errors[0]


def test_a_login_gives_a_token_that_is_stored_nowhere(apps):
    auth = logged_in(apps, LOGIN, **credentials(apps, metadata='{"team": "a"}'))
    assert auth["client_token"].startswith("hvb.")
    assert (auth["token_type"], auth["lease_duration"], auth["renewable"]) == ("batch", 1200, False)
    assert auth["policies"] == ["default", "reader"]
    assert auth["metadata"] == {"role_name": "web", "team": "a"}
    assert about(apps, auth["client_token"])["display_name"] == "approle"


def test_a_thousand_logins_leave_the_storage_as_it_was(apps):
    given = credentials(apps)
    before = apps.storage.revision()
    tokens = {logged_in(apps, LOGIN, **given)["client_token"] for _ in range(1000)}
    assert len(tokens) == 1000
    assert apps.storage.revision() == before


def test_a_role_is_shown_as_it_was_written(apps):
    fields = {
        "secret_id_ttl": "10m",
        "secret_id_num_uses": 40,
        "token_max_ttl": "30m",
        "bind_secret_id": True,
    }
    write(apps, "approle/role/other", **fields)
    shown = read(apps, "approle/role/Other")
    assert (shown["secret_id_ttl"], shown["secret_id_num_uses"], shown["token_max_ttl"]) == (600, 40, 1800)
    listed = apps.vault("LIST", "auth/approle/role", token=apps.root)
    assert listed.data == {"keys": ["other", "web"]}


def test_a_role_id_can_be_chosen_and_belongs_to_one_role(apps):
    before = credentials(apps)
    write(apps, f"{ROLE}/role-id", role_id="web-of-team-a")
    assert refused(apps, **before) == INVALID
    assert logged_in(apps, LOGIN, role_id="web-of-team-a", secret_id=before["secret_id"])
    write(apps, "approle/role/other")
    answer = apps.vault(
        "POST", "auth/approle/role/other/role-id", {"role_id": "web-of-team-a"}, token=apps.root
    )
    assert (answer.status, answer.errors) == (400, ["role_id: expected one that no other role has"])


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"role_id": ""}, "missing role_id", id="no role id"),
        pytest.param({"secret_id": ""}, "missing secret_id", id="no secret id"),
        pytest.param({"role_id": "00000000-0000-0000-0000-000000000000"}, INVALID, id="unknown role id"),
        pytest.param({"secret_id": "00000000-0000-0000-0000-000000000000"}, INVALID, id="unknown secret id"),
        pytest.param({"secret_id": "x" * 5000}, INVALID, id="oversized"),
        pytest.param({"role_id": ["x"]}, "role_id: expected a string", id="a list"),
    ],
)
def test_a_login_is_refused(apps, change, refusal):
    assert refused(apps, **credentials(apps) | change) == refusal


def test_a_secret_id_of_another_role_is_none(apps):
    write(apps, "approle/role/other")
    foreign = new_secret(apps, "approle/role/other")["secret_id"]
    assert refused(apps, role_id=role_id(apps), secret_id=foreign) == INVALID


def test_a_secret_id_is_used_as_often_as_it_may_be(apps):
    given = credentials(apps, num_uses=2)
    assert logged_in(apps, LOGIN, **given)
    told = write(apps, f"{ROLE}/secret-id/lookup", secret_id=given["secret_id"]).data
    assert told["secret_id_num_uses"] == 1
    assert logged_in(apps, LOGIN, **given)
    assert refused(apps, **given) == INVALID
    assert apps.vault("LIST", f"auth/{ROLE}/secret-id", token=apps.root).status == 404


def test_a_secret_id_ends_with_its_time_and_is_tidied_away(apps):
    write(apps, ROLE, secret_id_ttl="10m")
    given = credentials(apps)
    accessor = apps.vault("LIST", f"auth/{ROLE}/secret-id", token=apps.root).data["keys"]
    assert logged_in(apps, LOGIN, **given)
    apps.clock.advance(601)
    assert refused(apps, **given) == INVALID
    answer = apps.vault(
        "POST", f"auth/{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": accessor[0]}, token=apps.root
    )
    assert answer.status == 404
    assert write(apps, "approle/tidy/secret-id").status == 200
    assert apps.vault("LIST", f"auth/{ROLE}/secret-id", token=apps.root).status == 404


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        pytest.param({"ttl": "20m"}, "ttl: expected at most what the role says", id="longer than the role"),
        pytest.param({"ttl": 0}, "ttl: expected at most what the role says", id="for ever"),
        pytest.param({"num_uses": 9}, "num_uses: expected at most what the role says", id="more uses"),
        pytest.param({"num_uses": 0}, "num_uses: expected at most what the role says", id="unlimited uses"),
        pytest.param({"metadata": "{"}, "JSON", id="metadata is no JSON"),
        pytest.param({"metadata": {"a": "b" * 3000}}, "metadata: expected at most", id="too much metadata"),
        pytest.param({"cidr_list": "x"}, "cidr_list: expected networks", id="no network"),
    ],
)
def test_a_secret_id_is_refused(apps, wanted, refusal):
    write(apps, ROLE, secret_id_ttl="10m", secret_id_num_uses=5)
    answer = apps.vault("POST", f"auth/{ROLE}/secret-id", wanted, token=apps.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]


def test_secret_ids_are_looked_up_and_removed_by_themselves_and_by_accessor(apps):
    first, second = new_secret(apps, metadata='{"a": "b"}'), new_secret(apps)
    listed = apps.vault("LIST", f"auth/{ROLE}/secret-id", token=apps.root).data["keys"]
    assert set(listed) == {first["secret_id_accessor"], second["secret_id_accessor"]}
    one = write(apps, f"{ROLE}/secret-id/lookup", secret_id=first["secret_id"]).data
    other = write(
        apps, f"{ROLE}/secret-id-accessor/lookup", secret_id_accessor=first["secret_id_accessor"]
    ).data
    assert one == other
    assert one["metadata"] == {"a": "b"}
    assert "secret_id" not in one
    write(apps, f"{ROLE}/secret-id/destroy", secret_id=first["secret_id"])
    write(apps, f"{ROLE}/secret-id-accessor/destroy", secret_id_accessor=second["secret_id_accessor"])
    for made in (first, second):
        assert refused(apps, role_id=role_id(apps), secret_id=made["secret_id"]) == INVALID
        assert write(apps, f"{ROLE}/secret-id/lookup", secret_id=made["secret_id"]).status == 204


def test_nothing_stored_shows_an_id(apps):
    given = credentials(apps)
    keys = []

    def walk(prefix):
        for name in apps.storage.list(prefix):
            walk(prefix + name) if name.endswith("/") else keys.append(prefix + name)

    walk("auth/")
    assert keys
    for key in keys:
        for secret in given.values():
            assert secret not in key
            assert secret.encode() not in apps.storage.get(key)


def test_a_chosen_secret_id_is_guarded_against_guessing(apps):
    write(apps, f"{ROLE}/custom-secret-id", secret_id="chosen-by-hand")
    given = {"role_id": role_id(apps), "secret_id": "chosen-by-hand"}
    for _ in range(3 * FREE_TRIES_OF_SOURCE):
        assert logged_in(apps, LOGIN, **given)
    for _ in range(FREE_TRIES_OF_SOURCE):
        assert refused(apps, **given | {"secret_id": "chosen-by-hamd"}) == INVALID
    assert login(apps, LOGIN, **given).status == 429
    apps.clock.advance(3600)
    assert logged_in(apps, LOGIN, **given)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"secret_id_bound_cidrs": "10.0.0.0/8"}, id="of the role"),
        pytest.param({"token_bound_cidrs": "10.0.0.0/8"}, id="of its tokens"),
    ],
)
def test_a_role_that_is_bound_to_networks_lets_in_nobody_from_elsewhere(apps, fields):
    write(apps, ROLE, **fields)
    assert login(apps, LOGIN, **credentials(apps)).status in {400, 403}


def test_a_secret_id_that_is_bound_to_networks(apps):
    assert refused(apps, **credentials(apps, cidr_list="10.0.0.0/8")) == INVALID


def test_a_role_without_any_bound_is_refused(apps):
    answer = apps.vault("POST", "auth/approle/role/open", {"bind_secret_id": False}, token=apps.root)
    assert answer.status == 400
    assert "at least one constraint" in answer.errors[0]


@pytest.mark.parametrize(
    ("word", "name", "value", "shown"),
    [
        ("policies", "token_policies", "a,b", ["a", "b"]),
        ("period", "token_period", "5m", 300),
        ("secret-id-num-uses", "secret_id_num_uses", 3, 3),
        ("secret-id-ttl", "secret_id_ttl", "1h", 3600),
        ("token-ttl", "token_ttl", "5m", 300),
        ("token-max-ttl", "token_max_ttl", "50m", 3000),
        ("token-num-uses", "token_num_uses", 4, 4),
        ("secret-id-bound-cidrs", "secret_id_bound_cidrs", "10.0.0.0/8", ["10.0.0.0/8"]),
        ("token-bound-cidrs", "token_bound_cidrs", ["10.0.0.0/8"], ["10.0.0.0/8"]),
    ],
)
def test_fields_are_written_and_reset_one_by_one(apps, word, name, value, shown):
    write(apps, ROLE, token_ttl=0)
    before = read(apps, ROLE)
    write(apps, f"{ROLE}/{word}", **{name: value})
    assert read(apps, f"{ROLE}/{word}")[name] == shown
    assert read(apps, ROLE)[name] == shown
    assert apps.vault("DELETE", f"auth/{ROLE}/{word}", token=apps.root).status == 204
    assert not read(apps, ROLE)[name]
    assert {key: value for key, value in read(apps, ROLE).items() if key != name} == {
        key: value for key, value in before.items() if key != name
    }


def test_with_a_role_go_its_secret_ids(apps):
    given = credentials(apps)
    assert apps.vault("DELETE", f"auth/{ROLE}", token=apps.root).status == 204
    assert refused(apps, **given) == INVALID
    write(apps, ROLE)
    write(apps, f"{ROLE}/role-id", role_id=given["role_id"])
    assert refused(apps, **given) == INVALID


def test_two_changes_at_the_same_moment_do_not_lose_one(apps, monkeypatch):
    """The second is made of what the first replaced, and is told so."""
    store, submit = apps, apps.local.submit
    between = []

    def interrupted(frame, done):
        if not between:
            between.append(True)
            write(store, ROLE, token_policies="other")
        submit(frame, done)

    monkeypatch.setattr(apps.local, "submit", interrupted)
    answer = apps.vault("POST", f"auth/{ROLE}", {"token_ttl": "1m"}, token=apps.root)
    assert answer.status == 400
    assert "at the same moment" in answer.errors[0]
    assert read(apps, ROLE)["token_ttl"] == 1200
