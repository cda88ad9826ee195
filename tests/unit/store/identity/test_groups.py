"""Groups: listed members, nested groups, members that logins say; no circles, and no late policies."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.auth import about, enable, write
from tests.support.identity import accessor_of, enable_jwt, job, job_token

MADE_UP = "00000000-0000-0000-0000-000000000000"


def test_a_group_is_made_read_changed_and_removed(identity):
    ann = identity.write("entity", name="ann")["id"]
    made = identity.write("group", name="ops", policies=["P"], metadata={"a": "b"}, member_entity_ids=[ann])
    assert made == {"id": made["id"], "name": "ops"}
    read = identity.read(f"group/id/{made['id']}")
    assert identity.read("group/name/OPS") == read
    assert (read["type"], read["policies"], read["metadata"]) == ("internal", ["p"], {"a": "b"})
    assert (read["member_entity_ids"], read["alias"]) == ([ann], {})
    assert identity.read(f"entity/id/{ann}")["direct_group_ids"] == [made["id"]]
    assert identity.write("group/name/ops", metadata={}, member_entity_ids=[]) is None
    assert identity.read(f"entity/id/{ann}")["group_ids"] == []
    assert identity.write("group", id=made["id"], name="people") is None
    assert identity.keys("group/name") == ["people"]
    listed = identity.ask("LIST", "group/id").data
    assert listed["key_info"][made["id"]] == {
        "name": "people",
        "num_member_entities": 0,
        "num_parent_groups": 0,
    }
    identity.remove("group/name/people")
    assert identity.ask("GET", f"group/id/{made['id']}").status == 404
    assert identity.keys("group/id") == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"policies": ["root"]}, "policies cannot contain root"),
        ({"type": "canary-7f3a"}, "type: expected internal or external"),
        ({"id": "canary-7f3a"}, "invalid group ID"),
        ({"name": "canary/"}, "name"),
        ({"name": "group_" + "0" * 32}, "name"),
        ({"metadata": {"k" * 129: "canary-7f3a"}}, "metadata"),
        ({"member_entity_ids": [MADE_UP]}, "member_entity_ids"),
        ({"member_entity_ids": ["canary-7f3a"]}, "member_entity_ids"),
        ({"member_group_ids": ["canary-7f3a"]}, "member_group_ids"),
        ({"type": "external", "member_entity_ids": ["canary-7f3a"]}, "can't be set manually"),
        ({"type": "external", "member_group_ids": ["canary-7f3a"]}, "can't be set"),
    ],
)
def test_what_is_no_group_is_refused_and_nothing_stored(identity, said, told):
    answer = identity.ask("POST", "group", {"name": "g", **said})
    assert answer.status == 400
    assert told in answer.errors[0]
    assert b"canary" not in answer.body
    assert identity.keys("group/id") == identity.keys("entity/id") == []


def test_names_and_types_of_groups_stay_apart(identity):
    one = identity.write("group", name="one")["id"]
    identity.write("group", name="two")
    assert "already in use" in identity.ask("POST", f"group/id/{one}", {"name": "TWO"}).errors[0]
    assert "cannot be changed" in identity.ask("POST", "group/name/one", {"type": "external"}).errors[0]
    identity.write("entity", name="one")  # entities are something else
    identity.write("group", name="three", member_group_ids=None, member_entity_ids=None)


def test_policies_reach_through_nested_groups_and_end_with_any_link(store, identity):
    enable_jwt(store)
    auth = job(store, "a")
    token = auth["client_token"]
    inner = identity.write("group", name="inner", policies="i", member_entity_ids=[auth["entity_id"]])["id"]
    middle = identity.write("group", name="middle", policies="m", member_group_ids=[inner])["id"]
    outer = identity.write("group", name="outer", policies="o", member_group_ids=[middle, inner])["id"]
    identity.write("group", name="aside", policies="x")
    assert about(store, token)["identity_policies"] == ["i", "m", "o"]
    assert job(store, "a")["identity_policies"] == ["i", "m", "o"]
    read = identity.read(f"entity/id/{auth['entity_id']}")
    assert read["direct_group_ids"] == [inner]
    assert sorted(read["inherited_group_ids"]) == sorted([middle, outer])
    assert sorted(identity.read(f"group/id/{inner}")["parent_group_ids"]) == sorted([middle, outer])
    identity.write(f"group/id/{outer}", member_group_ids=[middle])
    assert about(store, token)["identity_policies"] == ["i", "m", "o"]
    identity.remove(f"group/id/{middle}")
    assert about(store, token)["identity_policies"] == ["i"]
    assert identity.read(f"group/id/{outer}")["member_group_ids"] is None
    identity.write(f"group/id/{inner}", member_entity_ids=[])
    assert "identity_policies" not in about(store, token)


def test_every_branch_of_nested_groups_is_followed(store, identity):
    enable_jwt(store)
    auth = job(store, "a")
    below = identity.write("group", name="below", member_entity_ids=[auth["entity_id"]])["id"]
    for branch in "xyz":
        middle = identity.write("group", name=f"m{branch}", member_group_ids=[below])["id"]
        identity.write("group", name=f"t{branch}", policies=branch, member_group_ids=[middle])
    assert about(store, auth["client_token"])["identity_policies"] == ["x", "y", "z"]


def test_a_token_has_no_room_for_groups_that_the_store_has_no_use_for(store, identity):
    accessor = enable_jwt(store)
    made = identity.write("group", name="ops", type="external", policies="p")["id"]
    identity.write("group-alias", name="ops", mount_accessor=accessor, canonical_id=made)
    others = [f"a-group-with-a-long-name-{number}" for number in range(150)]
    auth = job(store, "a", groups=[*others, "ops"])
    assert (auth["token_type"], auth["identity_policies"]) == ("batch", ["p"])


def test_a_group_may_have_members_that_nobody_wrote_about(store, identity):
    """A group refers to them, so they are stored; their next login puts the alias on record."""
    enable_jwt(store)
    entity = job(store, "a")["entity_id"]
    assert identity.keys("entity/id") == []
    identity.write("group", name="g", policies="p", member_entity_ids=[entity])
    assert identity.keys("entity/id") == [entity]
    assert job(store, "a")["identity_policies"] == ["p"]
    identity.remove(f"entity/id/{entity}")
    assert identity.read("group/name/g")["member_entity_ids"] is None


def test_no_group_is_in_itself(identity):
    groups = [identity.write("group", name=f"g{number}")["id"] for number in range(4)]
    for below, above in pairwise(groups):
        identity.write(f"group/id/{above}", member_group_ids=[below])
    for member in groups:
        answer = identity.ask("POST", f"group/id/{groups[0]}", {"member_group_ids": [member]})
        assert answer.status == 400
        assert "cyclic" in answer.errors[0]
    assert identity.read(f"group/id/{groups[0]}")["member_group_ids"] is None
    assert "cyclic" in identity.ask("POST", "group/name/g1", {"member_group_ids": groups[2:]}).errors[0]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(links=st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 4))), max_size=8))
def test_whatever_is_nested_into_what_there_is_no_circle(identity, links):
    groups = [
        identity.read(f"group/name/h{number}")["id"]
        if identity.ask("GET", f"group/name/h{number}").status == 200
        else identity.write("group", name=f"h{number}")["id"]
        for number in range(5)
    ]
    inside = {group: set() for group in groups}
    for group in groups:
        identity.write(f"group/id/{group}", member_group_ids=[])
    for above, below in links:
        members = {groups[number] for number in below}
        answer = identity.ask("POST", f"group/id/{groups[above]}", {"member_group_ids": sorted(members)})
        makes_circle = groups[above] in _reach(inside, members)
        assert answer.status == (400 if makes_circle else 204)
        if not makes_circle:
            inside[groups[above]] = members
    for group, members in inside.items():
        read = identity.read(f"group/id/{group}")
        assert set(read["member_group_ids"] or ()) == members
        assert set(read["parent_group_ids"] or ()) == {each for each in groups if group in inside[each]}


def _reach(inside, members):
    seen, waiting = set(), list(members)
    while waiting:
        group = waiting.pop()
        if group not in seen:
            seen.add(group)
            waiting.extend(inside[group])
    return seen


def test_a_provider_says_who_is_in_an_external_group(store, identity):
    accessor = enable_jwt(store)
    ops = identity.write("group", name="ops", type="external", policies="p")["id"]
    alias = identity.write("group-alias", name="team/ops", mount_accessor=accessor, canonical_id=ops)
    above = identity.write("group", name="above", policies="q", member_group_ids=[ops])["id"]
    inside = job(store, "a", groups=["other", "team/ops", "team/ops"])
    outside = job(store, "a", groups=["team", "TEAM/OPS"])
    assert inside["entity_id"] == outside["entity_id"]
    assert inside["identity_policies"] == ["p", "q"]
    assert about(store, inside["client_token"])["identity_policies"] == ["p", "q"]
    assert "identity_policies" not in about(store, outside["client_token"])
    assert identity.keys("entity/id") == []  # being in a group by a claim is nothing to be stored
    identity.write(f"group/id/{ops}", policies="r")
    assert about(store, inside["client_token"])["identity_policies"] == ["q", "r"]
    identity.remove(f"group/id/{above}")
    identity.remove(f"group-alias/id/{alias['id']}")
    assert "identity_policies" not in about(store, inside["client_token"])
    assert identity.read(f"group/id/{ops}")["alias"] == {}


def test_groups_of_one_provider_are_none_of_another(store, identity):
    one = enable_jwt(store, "one")
    enable_jwt(store, "two")
    made = identity.write("group", name="ops", type="external", policies="p")["id"]
    identity.write("group-alias", name="ops", mount_accessor=one, canonical_id=made)
    assert job(store, "a", "one", groups=["ops"])["identity_policies"] == ["p"]
    assert "identity_policies" not in job(store, "a", "two", groups=["ops"])


@pytest.mark.parametrize(
    "groups", ["ops", None, [], [7], ["x" * 5000], ["ops\x00"], {"ops": 1}, [["ops"]], 7]
)
def test_a_claim_that_lists_no_groups_makes_nobody_a_member(store, identity, groups):
    accessor = enable_jwt(store)
    identity.write("group-alias", name="7", mount_accessor=accessor)
    body = {"role": "job", "jwt": job_token(store, "a", groups=groups)}
    answer = store.vault("POST", "auth/jwt/login", body)
    if answer.status == 200:
        assert answer.auth["policies"] == ["default"]
    else:
        assert answer.status == 400


def test_an_alias_of_a_group_is_made_found_moved_and_removed(store, identity):
    accessor = enable_jwt(store)
    made = identity.write("group-alias", name="ops", mount_accessor=accessor)
    assert identity.read(f"group/id/{made['canonical_id']}")["type"] == "external"
    read = identity.read(f"group-alias/id/{made['id']}")
    assert (read["name"], read["mount_path"], read["mount_type"]) == ("ops", "auth/jwt/", "jwt")
    assert identity.keys("group-alias/id") == [made["id"]]
    other = identity.write("group", name="other", type="external")["id"]
    identity.write(f"group-alias/id/{made['id']}", name="dev", mount_accessor=accessor, canonical_id=other)
    assert identity.read(f"group/id/{made['canonical_id']}")["alias"] == {}
    assert identity.read("group/name/other")["alias"]["name"] == "dev"
    for said in (
        {"alias_id": made["id"]},
        {"alias_name": "dev", "alias_mount_accessor": accessor},
        {"name": "other"},
        {"id": other},
    ):
        assert identity.write("lookup/group", **said)["id"] == other
    assert identity.ask("POST", "lookup/group", {"name": "no"}).status == 204
    assert identity.ask("POST", "lookup/group", {}).status == 400
    identity.remove("group/name/other")
    assert identity.keys("group-alias/id") == []


def test_what_is_no_alias_of_a_group_is_refused(store, identity):
    accessor = enable_jwt(store)
    internal = identity.write("group", name="internal")["id"]
    taken = identity.write("group-alias", name="taken", mount_accessor=accessor)
    other = identity.write("group", name="other", type="external")["id"]
    for said, told in (
        ({"mount_accessor": accessor}, "missing alias name"),
        ({"name": "x"}, "missing mount_accessor"),
        ({"name": "x", "mount_accessor": "canary-7f3a"}, "invalid mount accessor"),
        ({"name": "x\n", "mount_accessor": accessor}, "name"),
        ({"name": "x", "mount_accessor": accessor, "canonical_id": "canary-7f3a"}, "canonical_id"),
        ({"name": "x", "mount_accessor": accessor, "canonical_id": internal}, "internal group"),
        ({"name": "taken", "mount_accessor": accessor, "canonical_id": other}, "already in use"),
        ({"id": "canary-7f3a", "name": "x"}, "invalid group alias ID"),
    ):
        answer = identity.ask("POST", "group-alias", said)
        assert (answer.status, told in answer.errors[0]) == (400, True), answer.errors
        assert b"canary" not in answer.body
    assert identity.keys("group-alias/id") == [taken["id"]]


def test_a_browser_login_or_any_other_has_the_same_groups(store, identity):
    """A user of the store itself is in the groups that list his entity."""
    enable(store, "userpass")
    write(store, "userpass/users/ann", password="correct-horse-7f3a")
    accessor = accessor_of(store, "userpass")
    entity = identity.write("lookup/entity", alias_name="ann", alias_mount_accessor=accessor)["id"]
    identity.write("group", name="g", policies="p", member_entity_ids=[entity])
    answer = store.vault("POST", "auth/userpass/login/ann", {"password": "correct-horse-7f3a"})
    assert answer.auth["identity_policies"] == ["p"]
