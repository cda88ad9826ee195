"""Entities: made, found, changed and removed as Vault's clients do it; hostile words change nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.auth import about
from tests.support.identity import accessor_of, enable_jwt, job

MADE_UP = "00000000-0000-0000-0000-000000000000"


def test_an_entity_is_made_read_changed_and_removed(identity):
    made = identity.write("entity", name="ann", policies=["b", "A"], metadata={"team": "blue"})
    assert made == {"id": made["id"], "name": "ann", "aliases": None}
    read = identity.read(f"entity/id/{made['id']}")
    assert identity.read("entity/name/ann") == read
    assert {"id", "name", "policies", "metadata", "disabled", "aliases", "namespace_id"} <= read.keys()
    assert (read["policies"], read["metadata"], read["disabled"]) == (["b", "a"], {"team": "blue"}, False)
    assert (read["direct_group_ids"], read["inherited_group_ids"], read["group_ids"]) == ([], [], [])
    assert identity.write(f"entity/id/{made['id']}", metadata={"x": "y"}) is None
    read = identity.read("entity/name/ann")
    assert (read["policies"], read["metadata"]) == (["b", "a"], {"x": "y"})
    identity.remove(f"entity/id/{made['id']}")
    assert identity.ask("GET", f"entity/id/{made['id']}").status == 404
    assert identity.ask("GET", "entity/name/ann").status == 404
    assert identity.keys("entity/id") == []


def test_writing_by_name_makes_once_and_changes_then(identity):
    made = identity.write("entity/name/ann", policies="a,b")
    assert identity.write("entity/name/ann", disabled="true") is None
    assert identity.write("entity", name="ann", policies=[]) is None
    read = identity.read(f"entity/id/{made['id']}")
    assert (read["disabled"], read["policies"]) == (True, [])


def test_an_entity_can_be_called_something_else_and_nobody_else_that(identity):
    ann, bob = identity.write("entity", name="ann")["id"], identity.write("entity", name="bob")["id"]
    assert identity.ask("POST", f"entity/id/{ann}", {"name": "bob"}).status == 400
    assert identity.ask("POST", f"entity/id/{ann}", {"name": "BOB"}).status == 400
    identity.write(f"entity/id/{ann}", name="anna")
    assert identity.ask("GET", "entity/name/ann").status == 404
    assert identity.read("entity/name/ANNA")["id"] == ann
    assert identity.write("entity", name="ann")["id"] not in {ann, bob}
    assert identity.keys("entity/name") == ["ann", "anna", "bob"]


def test_entities_are_listed_by_id_and_by_name_with_their_aliases(store, identity):
    accessor = enable_jwt(store)
    ann = identity.write("entity", name="ann")["id"]
    alias = identity.write("entity-alias", name="job", mount_accessor=accessor, canonical_id=ann)
    listed = identity.ask("LIST", "entity/id").data
    assert listed["keys"] == [ann]
    assert listed["key_info"][ann]["name"] == "ann"
    [shown] = listed["key_info"][ann]["aliases"]
    assert (shown["id"], shown["mount_type"], shown["mount_path"]) == (alias["id"], "jwt", "auth/jwt/")
    assert identity.ask("GET", "entity/id?list=true").data == listed


def test_many_are_removed_at_once(identity):
    made = [identity.write("entity", name=f"e{number}")["id"] for number in range(5)]
    identity.write("entity/batch-delete", entity_ids=[*made[:4], MADE_UP])
    assert identity.keys("entity/id") == made[4:]
    assert identity.ask("POST", "entity/batch-delete", {}).status == 400


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"name": "x", "policies": ["root"]}, "policies cannot contain root"),
        ({"name": "x", "policies": ["ROOT"]}, "policies cannot contain root"),
        ({"name": "x", "policies": ["a/b"]}, "policy name"),
        ({"id": MADE_UP, "name": "x"}, "entity not found from id"),
        ({"id": "canary-7f3a"}, "entity not found from id"),
        ({"name": "canary-7f3a/"}, "name"),
        ({"name": "/canary-7f3a"}, "name"),
        ({"name": "canary-7f3a\n"}, "name"),
        ({"name": ".."}, "name"),
        ({"name": "x" * 513}, "name"),
        ({"name": "entity_" + "0" * 32}, "name"),
        ({"name": "ENTITY_" + "A" * 32}, "name"),
        ({"name": "x", "metadata": {"k" * 129: "v"}}, "metadata: expected keys of 1 to 128"),
        ({"name": "x", "metadata": {"": "v"}}, "metadata: expected keys"),
        ({"name": "x", "metadata": {"k": "v" * 513}}, "metadata: expected values of at most 512"),
        ({"name": "x", "metadata": {"k": "é" * 257}}, "metadata: expected values of at most 512"),
        ({"name": "x", "metadata": {str(number): "v" for number in range(65)}}, "at most 64 keys"),
        ({"name": "x", "metadata": {"k": "canary-7f3a\x00"}}, "printable"),
        ({"name": "x", "metadata": {"k": {"canary-7f3a": 1}}}, "metadata"),
        ({"name": "x", "metadata": "canary-7f3a"}, "key=value"),
        ({"name": "x", "metadata": 7}, "metadata"),
        ({"name": "x", "disabled": "canary-7f3a"}, "disabled"),
        ({"name": ["canary-7f3a"]}, "name"),
    ],
)
def test_what_is_no_entity_is_refused_and_nothing_stored(identity, said, told):
    answer = identity.ask("POST", "entity", said)
    assert answer.status == 400
    assert told in answer.errors[0]
    assert b"canary" not in answer.body
    assert identity.keys("entity/id") == []


def test_the_largest_metadata_fit(identity):
    largest = {f"{number:0128d}": "v" * 512 for number in range(64)}
    identity.write("entity", name="large", metadata=largest)
    assert identity.read("entity/name/large")["metadata"] == largest


@pytest.mark.parametrize("said", ["a=1", ["a=1", "b=x=y"], '{"a": "1"}', {"a": 1}, [], "", None])
def test_metadata_come_in_all_the_ways_that_command_lines_send(identity, said):
    identity.write("entity", name="x", metadata=said)
    told = identity.read("entity/name/x")["metadata"]
    assert told in ({"a": "1"}, {"a": "1", "b": "x=y"}, None)
    assert bool(said) == bool(told)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(name=st.text(max_size=20), key=st.text(max_size=5), value=st.text(max_size=5))
def test_any_words_are_kept_as_they_are_or_refused(identity, name, key, value):
    answer = identity.ask("POST", "entity", {"name": name, "metadata": {key: value}})
    assert answer.status in {200, 204, 400, 413}
    if answer.status == 200 and name:
        read = identity.read(f"entity/id/{answer.data['id']}")
        assert (read["name"], read["metadata"]) == (name, {key: value})
        identity.remove(f"entity/id/{answer.data['id']}")


def test_ids_that_nobody_gave_are_found_by_nobody(identity):
    for wrong in (MADE_UP, "canary", "0" * 36, "../x", "entity_" + "0" * 32):
        assert identity.ask("GET", f"entity/id/{wrong}").status in {400, 404}
        assert identity.ask("DELETE", f"entity/id/{wrong}").status in {204, 400}
    assert identity.ask("GET", "entity/name/entity_" + "0" * 32).status == 404


def test_lookup_finds_an_entity_by_anything_it_is_known_by(store, identity):
    accessor = enable_jwt(store)
    ann = identity.write("entity", name="ann")["id"]
    alias = identity.write("entity-alias", name="job", mount_accessor=accessor, canonical_id=ann)["id"]
    for said in (
        {"id": ann},
        {"name": "ann"},
        {"alias_id": alias},
        {"alias_name": "job", "alias_mount_accessor": accessor},
    ):
        assert identity.write("lookup/entity", **said)["id"] == ann
    for said in (
        {"id": MADE_UP},
        {"name": "bob"},
        {"alias_id": MADE_UP},
        {"alias_name": "job", "alias_mount_accessor": "auth_none_1"},
    ):
        assert identity.ask("POST", "lookup/entity", said).status == 204
    for said in ({}, {"id": ann, "name": "ann"}, {"alias_name": "job"}, {"alias_mount_accessor": accessor}):
        assert identity.ask("POST", "lookup/entity", said).status == 400


def test_everybody_sees_his_own_entity_and_no_other(store, identity):
    enable_jwt(store)
    mine, other = job(store, "mine"), job(store, "other")
    identity.write(f"entity/id/{mine['entity_id']}", name="me", metadata={"a": "b"})
    token = mine["client_token"]
    assert identity.ask("GET", f"entity/id/{mine['entity_id']}", token=token).data["metadata"] == {"a": "b"}
    assert identity.ask("GET", "entity/name/me", token=token).status == 200
    assert identity.ask("GET", f"entity/id/{other['entity_id']}", token=token).status == 403
    assert identity.ask("POST", f"entity/id/{mine['entity_id']}", {}, token=token).status == 403
    assert identity.ask("LIST", "entity/id", token=token).status == 403
    assert identity.ask("GET", "entity/id/+", token=token).status == 403
    assert about(store, token)["entity_id"] == mine["entity_id"]


def test_an_openid_provider_is_not_offered(identity):
    for path in ("oidc/config", "oidc/key/default", "oidc/.well-known/openid-configuration", "mfa/method"):
        assert identity.ask("GET", path).status == 404


def test_accessors_are_those_of_mounts(store, identity):
    assert accessor_of(store, "token").startswith("auth_token_")
    made = identity.write("entity", name="x")["id"]
    said = {"name": "a", "mount_accessor": "auth_canary_1", "canonical_id": made}
    answer = identity.ask("POST", "entity-alias", said)
    assert (answer.status, b"canary" in answer.body) == (400, False)
