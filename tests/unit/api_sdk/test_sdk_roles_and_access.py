"""Roles, access and lists of volumes over the wire: own fields beside the SDK's, and what is refused."""

import pytest
from tests.support.sdk_face import SIZE

READER = {"name": "team.reader", "rules": [{"services": ["volume"], "apis": ["inspect*"]}]}


def access(face, change, *, token=None, volume="vol1"):
    return face("PUT", f"/v1/volumes/access/{volume}", change, token=token or face.t.token("alice"))


def test_access_is_changed_entry_by_entry(face):
    face.create()
    added = access(face, {"add": {"groups": {"dev": "Write"}, "public": {"type": "Read"}}})
    assert added.json["ownership"] == {
        "owner": "alice",
        "acls": {"groups": {"dev": "Write"}, "public": {}},
    }
    gone = access(face, {"remove_groups": ["dev"], "remove_public": True})
    assert gone.json["ownership"] == {"owner": "alice", "acls": {}} or gone.json["ownership"] == {
        "owner": "alice"
    }


def test_the_administrator_gives_a_volume_away_and_keeps_its_list(face):
    face.create()
    access(face, {"replace": {"collaborators": {"carol": "Admin"}}})
    assert access(face, {"owner": "alice"}).status == 403
    given = access(face, {"owner": "bob"}, token=face.t.admin)
    assert given.json["ownership"] == {"owner": "bob", "acls": {"collaborators": {"carol": "Admin"}}}


def test_an_update_that_only_names_an_owner_leaves_the_list_alone(face):
    face.create()
    access(face, {"add": {"groups": {"dev": "Read"}}})
    given = {"spec": {"ownership": {"owner": "bob"}}}
    assert face("PUT", "/v1/volumes/vol1", given, token=face.t.admin).status == 200
    shown = face("GET", "/v1/volumes/inspect/vol1", token=face.t.admin).json
    assert shown["volume"]["spec"]["ownership"] == {"owner": "bob", "acls": {"groups": {"dev": "Read"}}}


def test_lists_come_by_pages(face):
    made = {face.create(name).json["volume_id"] for name in ("vol1", "vol2", "vol3")}
    alice = face.t.token("alice")
    first = face("GET", "/v1/volumes?max_entries=2", token=alice).json
    rest = face("GET", f"/v1/volumes?max_entries=2&page_token={first['next_page_token']}", token=alice).json
    assert len(first["volume_ids"]) == 2
    assert {*first["volume_ids"], *rest["volume_ids"]} == made
    assert "next_page_token" not in rest
    filtered = face("POST", "/v1/volumes/filters", {"name": "vol2"}, token=alice).json
    assert len(filtered["volume_ids"]) == 1
    inspected = face("POST", "/v1/volumes/inspectwithfilters", {"max_entries": 1}, token=alice).json
    assert len(inspected["volumes"]) == 1
    assert inspected["next_page_token"] == f"1.{inspected['volumes'][0]['volume']['id']}"


@pytest.mark.parametrize(
    "query", ["page_token=x", "page_token=1.%2e%2e", "max_entries=-1", "max_entries=10001"]
)
def test_a_page_that_cannot_be_is_refused(face, query):
    assert face("GET", f"/v1/volumes?{query}", token=face.t.token("alice")).status == 400


def test_the_administrator_finds_what_belongs_to_nobody_and_gives_it_an_owner(face):
    admin, guest_rules = face.t.admin, [{"services": ["volume"], "apis": ["create"]}]
    face("PUT", "/v1/roles", {"role": {"name": "system.guest", "rules": guest_rules}}, token=admin)
    face("POST", "/v1/volumes", {"name": "orphan", "spec": {"size": SIZE}})
    face.create("vol1")
    found = face("POST", "/v1/volumes/inspectwithfilters", {"ownerless": True}, token=admin).json["volumes"]
    assert [each["name"] for each in found] == ["orphan"]
    assert face("GET", "/v1/volumes", token=face.t.token("bob")).json == {}
    assert access(face, {"owner": "bob"}, token=admin, volume="orphan").status == 200
    assert face("POST", "/v1/volumes/filters", {"ownerless": True}, token=admin).json == {}
    assert len(face("GET", "/v1/volumes", token=face.t.token("bob")).json["volume_ids"]) == 1


def test_a_role_that_names_what_nothing_has_is_refused_with_a_hint(face):
    misspelt = {"name": "team", "rules": [{"services": ["volumes"], "apis": ["*"]}]}
    refused = face("POST", "/v1/roles", {"role": misspelt}, token=face.t.admin)
    assert refused.status == 400
    assert "did you mean volume?" in refused.json["message"]
    meant = face("POST", "/v1/roles", {"role": misspelt, "allow_unknown": True}, token=face.t.admin)
    assert meant.status == 200


def test_roles_are_tested_over_the_wire(face):
    asked = {"names": ["system.view", "nope"], "calls": [{"service": "Volume", "method": "Create"}]}
    [result] = face("POST", "/v1/roles/test", asked, token=face.t.admin).json["results"]
    assert (result["service"], result["method"], result["known"]) == ("volume", "create", True)
    assert "allowed" not in result
    assert [each["role"] for each in result["roles"]] == ["system.view", "nope"]
    blue = {"labels": {"team": "blue"}}
    role = {"name": "r", "rules": [{"services": ["volume"], "apis": ["*"], "scope": blue}]}
    for volume, allowed in ((blue, True), ({"labels": {}}, False)):
        draft = {"role": role, "volume": volume, "calls": [{"service": "volume", "method": "inspect"}]}
        [result] = face("POST", "/v1/roles/test", draft, token=face.t.admin).json["results"]
        assert result.get("allowed", False) is allowed
    draft = {"role": READER, "calls": [{"service": "volume", "method": "inspect"}]}
    [result] = face("POST", "/v1/roles/test", draft, token=face.t.admin).json["results"]
    assert (result["allowed"], result["rule"]) == (True, "role team.reader, rule 1")
    assert face("POST", "/v1/roles/test", asked, token=face.t.token("alice")).status == 403


def test_a_scope_goes_round_and_is_never_lost_on_the_way(face):
    rule = {"services": ["volume"], "apis": ["*"], "scope": {"labels": {"team": "blue"}}}
    role = {"name": "team.blue", "rules": [rule]}
    assert face("POST", "/v1/roles", {"role": role}, token=face.t.admin).json["role"] == role
    assert face("GET", "/v1/roles/inspect/team.blue", token=face.t.admin).json["role"] == role
    other = {"name": "other", "rules": [rule]}
    for scope in (
        {},
        {"labels": {}},
        {"label": {"team": "blue"}},
        {"labels": {"team": "blue"}, "x": 1},
        [],
        1,
    ):
        rule["scope"] = scope
        assert face("POST", "/v1/roles", {"role": other}, token=face.t.admin).status == 400
    rule["scope"], rule["services"] = {"labels": {"team": "blue"}}, ["volume", "node"]
    refused = face("POST", "/v1/roles", {"role": other}, token=face.t.admin)
    assert (refused.status, "rule 1, scope" in refused.json["message"]) == (400, True)
    assert "other" not in face("GET", "/v1/roles", token=face.t.admin).json["names"]
