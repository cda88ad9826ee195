"""Token roles: tokens that a maker may not make otherwise, within what the role says and nothing beyond."""

import pytest

MAKER = {"auth/token/create/ci": ["update"]}


def role(store, **said):
    answer = store.vault("PUT", "auth/token/roles/ci", said, token=store.root)
    assert answer.status == 204, answer.body


def make(store, *, by=None, **wanted):
    return store.create_token(
        by=by or store.token_for(MAKER, ttl="10h"), path="auth/token/create/ci", **wanted
    )


def looked_up(store, token):
    return store.vault("PUT", "auth/token/lookup", {"token": token}, token=store.root).data


def test_a_role_is_written_read_listed_and_removed(store):
    assert store.vault("LIST", "auth/token/roles", token=store.root).status == 404
    role(store, allowed_policies="b,A", orphan="true", token_period="1h")
    role(store, renewable=False, disallowed_policies_glob=["adm*"])
    shown = store.vault("GET", "auth/token/roles/ci", token=store.root).data
    assert shown["name"] == "ci"
    assert shown["allowed_policies"] == ["a", "b"]
    assert (shown["orphan"], shown["renewable"], shown["token_period"]) == (True, False, 3600)
    assert shown["disallowed_policies_glob"] == ["adm*"]
    assert store.vault("LIST", "auth/token/roles", token=store.root).data == {"keys": ["ci"]}
    assert store.vault("DELETE", "auth/token/roles/ci", token=store.root).status == 204
    assert store.vault("DELETE", "auth/token/roles/ci", token=store.root).status == 204
    assert store.vault("GET", "auth/token/roles/ci", token=store.root).status == 404
    assert make(store).status == 400


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"token_type": "canary-7f3a"}, "token_type"),
        ({"token_type": "batch", "token_period": "1h"}, "token_type"),
        ({"token_type": "batch", "token_num_uses": 2}, "token_type"),
        ({"token_period": "769h"}, "token_period"),
        ({"token_explicit_max_ttl": "canary-7f3a"}, "token_explicit_max_ttl"),
        ({"token_bound_cidrs": "canary-7f3a"}, "token_bound_cidrs"),
        ({"allowed_policies": "canary-7f3a/b"}, "policy name"),
        ({"path_suffix": "../canary-7f3a"}, "path_suffix"),
        ({"orphan": "canary-7f3a"}, "orphan"),
        ({"allowed_entity_aliases": {"canary-7f3a": 1}}, "allowed_entity_aliases"),
    ],
)
def test_what_is_no_role_is_refused(store, said, field):
    answer = store.vault("PUT", "auth/token/roles/ci", said, token=store.root)
    assert answer.status == 400
    assert field in answer.errors[0]
    assert b"canary" not in answer.body
    assert store.vault("GET", "auth/token/roles/ci", token=store.root).status == 404


@pytest.mark.parametrize(
    ("said", "asked", "got"),
    [
        pytest.param({"allowed_policies": ["a", "b"]}, None, ["a", "b", "default"], id="all that is allowed"),
        pytest.param({"allowed_policies": ["a", "b"]}, ["B"], ["b", "default"], id="a part"),
        pytest.param({"allowed_policies": ["a"]}, ["a", "c"], None, id="more than is allowed"),
        pytest.param({"allowed_policies_glob": ["dev-*"]}, ["dev-x"], ["default", "dev-x"], id="a pattern"),
        pytest.param({"allowed_policies_glob": ["dev-*"]}, ["prod"], None, id="not of the pattern"),
        pytest.param({"allowed_policies_glob": ["de[v]?"]}, ["devx"], None, id="only a star is one"),
        pytest.param({"disallowed_policies": ["admin"]}, ["x"], ["default", "x"], id="anything else"),
        pytest.param({"disallowed_policies": ["admin"]}, ["admin"], None, id="what is disallowed"),
        pytest.param({"disallowed_policies_glob": ["adm*"]}, ["admin"], None, id="by a pattern"),
        pytest.param(
            {"allowed_policies": ["a"], "disallowed_policies": ["default"]},
            None,
            ["a"],
            id="default disallowed",
        ),
        pytest.param(
            {"allowed_policies": ["a"], "token_no_default_policy": True},
            None,
            ["a"],
            id="no default by the role",
        ),
        pytest.param(
            {"allowed_policies": ["a"], "disallowed_policies": ["a"]}, ["a"], None, id="no beats yes"
        ),
        pytest.param({"allowed_policies": ["root"]}, None, None, id="root by somebody who is not"),
        pytest.param(
            {"disallowed_policies": ["x"]}, ["root"], None, id="root by a role that does not say no"
        ),
        pytest.param({"allowed_policies_glob": ["*"]}, ["response-wrapping"], None, id="one-time tokens"),
        pytest.param({}, ["x"], None, id="a role that says nothing gives what the maker has"),
    ],
)
def test_the_role_says_which_policies(store, said, asked, got):
    role(store, **said)
    answer = make(store, **({} if asked is None else {"policies": asked}))
    assert answer.status == (400 if got is None else 200), answer.body
    if got is not None:
        assert answer.auth["policies"] == got


def test_a_root_caller_makes_root_tokens_by_a_role_that_allows_it(store):
    role(store, allowed_policies=["root"])
    assert make(store, by=store.root).auth["policies"] == ["root"]


def test_a_role_gives_what_else_takes_sudo_and_takes_what_it_limits(store):
    role(
        store,
        orphan=True,
        token_period="1h",
        token_num_uses=5,
        token_explicit_max_ttl="3h",
        token_bound_cidrs="10.0.0.0/8",
        renewable=True,
        path_suffix="builds",
        allowed_policies="default",
    )
    auth = make(store, num_uses=9, explicit_max_ttl="9h").auth
    assert (auth["orphan"], auth["lease_duration"], auth["num_uses"]) == (True, 3600, 5)
    shown = looked_up(store, auth["client_token"])
    assert (shown["period"], shown["explicit_max_ttl"], shown["role"]) == (3600, 10800, "ci")
    assert shown["bound_cidrs"] == ["10.0.0.0/8"]
    assert shown["path"] == "auth/token/create/ci/builds"


@pytest.mark.parametrize(
    "wanted", [{"no_parent": True}, {"period": "1h"}, {"id": "chosen"}], ids=lambda wanted: next(iter(wanted))
)
def test_what_a_role_does_not_give_still_takes_sudo(store, wanted):
    role(store, allowed_policies="default")
    assert make(store, **wanted).status == 400


def test_the_child_of_a_maker_ends_with_it_unless_the_role_says_orphan(store):
    maker = store.token_for(MAKER, ttl="1h")
    role(store, allowed_policies="default")
    child = make(store, by=maker).auth["client_token"]
    role(store, orphan=True)
    orphan = make(store, by=maker).auth["client_token"]
    store.vault("PUT", "auth/token/revoke", {"token": maker}, token=store.root)
    assert not store.is_live(child)
    assert store.is_live(orphan)


@pytest.mark.parametrize(
    ("of_role", "asked", "got"),
    [
        ("default-service", "", "service"),
        ("default-service", "batch", "batch"),
        ("default-batch", "", "batch"),
        ("default-batch", "service", "service"),
        ("batch", "service", "batch"),
        ("service", "batch", "service"),
    ],
)
def test_the_role_says_which_type(store, of_role, asked, got):
    role(store, token_type=of_role, allowed_policies="default", orphan=True)
    auth = make(store, ttl="1h", **({"type": asked} if asked else {})).auth
    assert auth["token_type"] == got


def test_a_token_is_not_renewed_once_its_role_is_gone(store):
    role(store, allowed_policies="default", token_period="1h")
    token = make(store).auth["client_token"]
    assert store.vault("PUT", "auth/token/renew-self", token=token).status == 200
    store.vault("DELETE", "auth/token/roles/ci", token=store.root)
    answer = store.vault("PUT", "auth/token/renew-self", token=token)
    assert answer.status == 400
    assert "role" in answer.errors[0]
    assert store.is_live(token)


def test_all_tokens_of_a_role_end_with_its_prefix(store):
    role(store, allowed_policies="default", path_suffix="builds")
    token, other = make(store).auth["client_token"], store.token(ttl="1h")
    assert store.vault("PUT", "sys/leases/revoke-prefix/auth/token/create/ci", token=store.root).status == 204
    assert not store.is_live(token)
    assert store.is_live(other)


def test_a_maker_by_one_role_makes_none_by_another_or_without(store):
    role(store, allowed_policies="default")
    maker = store.token_for(MAKER, ttl="1h")
    for path in (
        "auth/token/create",
        "auth/token/create/cd",
        "auth/token/create-orphan",
        "auth/token/roles/ci",
    ):
        assert store.vault("PUT", path, {}, token=maker).status == 403


def test_two_who_change_a_role_at_once_do_not_undo_each_other(store):
    role(store, allowed_policies="a")
    submit = store.local.submit

    def late(frame, done):
        store.local.submit = submit
        role(store, orphan=True)
        submit(frame, done)

    store.local.submit = late
    answer = store.vault("PUT", "auth/token/roles/ci", {"renewable": False}, token=store.root)
    assert answer.status == 400
    shown = store.vault("GET", "auth/token/roles/ci", token=store.root).data
    assert (shown["orphan"], shown["renewable"]) == (True, True)


def test_tidying_tokens_is_accepted(store):
    assert store.vault("PUT", "auth/token/tidy", token=store.root).status == 202
