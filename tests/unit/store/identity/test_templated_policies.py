"""Policies that speak of who asks: each gets his own place, and nobody another's by what he calls himself."""

import pytest
from tests.support.identity import enable_jwt, enable_kubernetes, job, pod

from holdfast.store import open_store

READ = 'path "{}" {{ capabilities = ["read"] }}'


def may(store, token, path):
    answer = store.vault("GET", path, token=token)
    assert answer.status in {200, 403, 404}
    return answer.status != 403


def explained(store, token, path, verb="read"):
    body = {"token": token, "verb": verb, "path": path}
    return store.vault("POST", "sys/policies/explain", body, token=store.root).data


def test_every_service_account_has_a_path_of_its_own(store, identity):
    accessor = enable_kubernetes(store, policies="own")
    where = "{{identity.entity.aliases." + accessor + ".metadata.service_account_namespace}}"
    who = "{{identity.entity.aliases." + accessor + ".metadata.service_account_name}}"
    store.policy("own", READ.format(f"secret/data/{where}/{who}/*"))
    web, db = pod(store, "prod", "web"), pod(store, "prod", "db")
    assert may(store, web["client_token"], "secret/data/prod/web/x")
    assert not may(store, web["client_token"], "secret/data/prod/db/x")
    assert not may(store, db["client_token"], "secret/data/prod/web/x")
    assert may(store, db["client_token"], "secret/data/prod/db/x")
    assert identity.keys("entity/id") == []


def test_templates_follow_what_is_said_of_an_entity(store, identity):
    enable_jwt(store)
    store.policy("default", READ.format("secret/data/{{identity.entity.metadata.team}}/*"))
    auth = job(store, "a")
    token = auth["client_token"]
    assert not may(store, token, "secret/data/blue/x")
    identity.write(f"entity/id/{auth['entity_id']}", metadata={"team": "blue"})
    assert may(store, token, "secret/data/blue/x")
    identity.write(f"entity/id/{auth['entity_id']}", metadata={"team": "red"})
    assert not may(store, token, "secret/data/blue/x")
    assert may(store, token, "secret/data/red/x")
    other = job(store, "b")["client_token"]
    assert not may(store, other, "secret/data/red/x")


def test_groups_stand_for_their_names_and_ids(store, identity):
    accessor = enable_jwt(store)
    group = identity.write("group", name="ops", type="external")["id"]
    identity.write("group-alias", name="ops", mount_accessor=accessor, canonical_id=group)
    store.policy(
        "default",
        READ.format("secret/data/{{identity.groups.ids." + group + ".name}}/*")
        + READ.format("secret/data/by-id/{{identity.groups.names.ops.id}}"),
    )
    inside, outside = job(store, "a", groups=["ops"]), job(store, "b")
    assert may(store, inside["client_token"], "secret/data/ops/x")
    assert may(store, inside["client_token"], f"secret/data/by-id/{group}")
    assert not may(store, outside["client_token"], "secret/data/ops/x")
    identity.write(f"group/id/{group}", name="crew")
    assert may(store, inside["client_token"], "secret/data/crew/x")
    assert not may(store, inside["client_token"], "secret/data/ops/x")


@pytest.mark.parametrize(
    "team", ["*", "+", "red/blue", "red*", "..", "r\u200bed", " red", "", "{{identity.entity.id}}*"]
)
def test_a_job_that_calls_itself_something_clever_gets_nothing(store, team):
    accessor = enable_jwt(store)
    template = "{{identity.entity.aliases." + accessor + ".metadata.team}}"
    store.policy(
        "default", READ.format(f"secret/data/{template}/*") + READ.format(f"secret/data/{template}*")
    )
    token = job(store, "a", team=team)["client_token"]
    for path in ("secret/data/red/x", "secret/data/red/blue/x", "secret/data/x", "secret/data/redder"):
        assert not may(store, token, path)
    assert explained(store, token, "secret/data/red/x")["dropped_rules"]


def test_two_tokens_of_one_account_have_what_their_own_login_said(store):
    """What a login says counts for its token alone: no login changes what another one may."""
    accessor = enable_jwt(store)
    template = "{{identity.entity.aliases." + accessor + ".metadata.team}}"
    store.policy("default", READ.format(f"secret/data/{template}/*"))
    red, blue = job(store, "a", team="red"), job(store, "a", team="blue")
    assert red["entity_id"] == blue["entity_id"]
    assert may(store, red["client_token"], "secret/data/red/x")
    assert not may(store, red["client_token"], "secret/data/blue/x")
    assert may(store, blue["client_token"], "secret/data/blue/x")


def test_an_explanation_shows_the_rule_as_it_is_for_the_token_or_why_it_is_nothing(store, identity):
    enable_jwt(store)
    store.policy(
        "default",
        READ.format("secret/data/{{identity.entity.name}}/*")
        + READ.format("secret/data/{{identity.entity.metadata.team}}/*"),
    )
    auth = job(store, "a")
    identity.write(f"entity/id/{auth['entity_id']}", name="ann", metadata={"team": "canary/../7f3a"})
    told = explained(store, auth["client_token"], "secret/data/ann/x")
    assert told["allowed"]
    [decision] = told["decisions"]
    assert decision["because"] == (
        'default (secret/data/{{identity.entity.name}}/*): path "secret/data/ann/*"'
    )
    [dropped] = told["dropped_rules"]
    assert dropped == (
        'default: path "secret/data/{{identity.entity.metadata.team}}/*":'
        " identity.entity.metadata.team is nothing that may stand in a path"
    )
    nobody = explained(store, store.token(policies=["default"]), "secret/data/ann/x")
    assert (nobody["allowed"], len(nobody["dropped_rules"])) == (False, 2)
    assert "the token belongs to no entity" in nobody["dropped_rules"][0]


def test_policies_that_are_written_wrong_are_refused_when_they_are_written(store):
    for pattern in ("secret/{{identity.entity.age}}", "secret/{{identity.entity.id", "secret/{{}}"):
        body = {"policy": READ.format(pattern)}
        assert store.vault("PUT", "sys/policies/acl/p", body, token=store.root).status == 400


def test_tables_are_shared_by_those_who_have_the_same_and_kept_for_so_many(store, monkeypatch):
    """A storm of accounts with a template each fills no memory."""
    monkeypatch.setattr(open_store, "MAX_TABLES_OF_ONE", 8)
    enable_jwt(store)
    tokens = [job(store, f"a{number}")["client_token"] for number in range(20)]
    for token in tokens * 2:
        assert may(store, token, "auth/token/lookup-self")
    opened = store.local.store.opened
    assert len(opened._own_acls) <= 8
    plain = [store.token(policies=["default"], ttl=60) for _ in range(3)]
    assert len({opened.authenticate(token, store.clock.now()).acl for token in plain}) == 1
