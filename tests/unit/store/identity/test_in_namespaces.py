"""Each namespace has an identity of its own, whose groups may have members from namespaces above."""

from tests.support.auth import about, write
from tests.support.identity import Identity, enable_jwt, job
from tests.support.namespaces import create

READ = 'path "{}" {{ capabilities = ["read"] }}'
DENIED = 403


class Within:
    """A store under test as its helpers know it, of which every path is one of a namespace."""

    def __init__(self, store, path):
        self._store, self._path = store, path
        self.root, self.clock = store.root, store.clock

    def vault(self, method, path, body=None, **options):
        return self._store.vault(method, f"{self._path}/{path}", body, **options)

    def policy(self, name, text):
        assert self.vault("PUT", f"sys/policies/acl/{name}", {"policy": text}, token=self.root).status == 204


def test_what_is_said_in_one_namespace_is_nothing_in_another(store, identity):
    create(store, "team")
    team = Within(store, "team")
    enable_jwt(store)
    accessor = enable_jwt(team)
    there = Identity(team)
    mine, theirs = job(store, "a"), job(team, "a")
    assert mine["entity_id"] != theirs["entity_id"]
    there.write(f"entity/id/{theirs['entity_id']}", name="ann", policies="p")
    there.write("group", name="g", policies="q", member_entity_ids=[theirs["entity_id"]])
    assert about(team, theirs["client_token"])["identity_policies"] == ["p", "q"]
    assert job(team, "a")["identity_policies"] == ["p", "q"]
    read = there.read("entity/name/ann")
    assert read["namespace_id"] not in {"", "root"}
    assert read["aliases"][0]["mount_accessor"] == accessor
    assert identity.keys("entity/id") == identity.keys("group/id") == []
    assert identity.ask("GET", "entity/name/ann").status == 404
    assert "identity_policies" not in job(store, "a")
    elsewhere = {"name": "x", "mount_accessor": accessor}
    assert identity.ask("POST", "entity-alias", elsewhere).status == 400
    there.write(f"entity/id/{theirs['entity_id']}", disabled=True)
    assert team.vault("GET", "auth/token/lookup-self", token=theirs["client_token"]).status == DENIED
    assert store.is_live(mine["client_token"])


def test_a_token_of_a_namespace_above_is_the_same_entity_below(store, identity):
    create(store, "team")
    team = Within(store, "team")
    enable_jwt(store, token_type="service", token_policies="own")
    store.policy(
        "own",
        READ.format("team/secret/data/{{identity.entity.name}}/*")
        + 'path "team/auth/token/create" { capabilities = ["update", "sudo"] }'
        + READ.format("team/auth/token/lookup-self"),
    )
    auth = job(store, "a")
    token, entity = auth["client_token"], auth["entity_id"]
    identity.write(f"entity/id/{entity}", name="ann")
    assert team.vault("GET", "secret/data/ann/x", token=token).status == 404
    assert team.vault("GET", "secret/data/bob/x", token=token).status == DENIED
    assert team.vault("GET", "auth/token/lookup-self", token=token).data["entity_id"] == entity
    identity.write(f"entity/id/{entity}", disabled=True)
    assert team.vault("GET", "auth/token/lookup-self", token=token).status == DENIED


def test_a_child_in_a_namespace_below_belongs_to_the_entity_of_its_parent(store, identity):
    create(store, "team")
    team = Within(store, "team")
    store.policy("maker", 'path "team/auth/token/create" { capabilities = ["update", "sudo"] }')
    role = {"allowed_entity_aliases": ["ci"]}
    assert store.vault("PUT", "auth/token/roles/r", role, token=store.root).status == 204
    parent = store.create_token(path="auth/token/create/r", entity_alias="ci", policies=["maker"]).auth
    identity.write(f"entity/id/{parent['entity_id']}", name="ann", policies="other")
    team.policy("maker", READ.format("secret/data/{{identity.entity.name}}/x"))
    team.policy("other", READ.format("secret/data/other"))
    child = team.vault(
        "POST", "auth/token/create", {"policies": ["maker"], "ttl": "1h"}, token=parent["client_token"]
    ).auth
    assert "identity_policies" not in child  # policies of this name are something else here
    assert team.vault("GET", "secret/data/ann/x", token=child["client_token"]).status == 404
    assert team.vault("GET", "secret/data/other", token=child["client_token"]).status == DENIED
    shown = team.vault("POST", "auth/token/lookup", {"token": child["client_token"]}, token=store.root).data
    assert shown["entity_id"] == parent["entity_id"]
    identity.write("entity/name/ann", disabled=True)
    assert team.vault("GET", "secret/data/ann/x", token=child["client_token"]).status == DENIED


def test_a_group_gives_members_from_above_what_it_gives_its_own(store, identity):
    create(store, "team")
    create(store, "team/db")
    team, db = Within(store, "team"), Within(store, "team/db")
    enable_jwt(store)
    auth = job(store, "a")
    token, entity = auth["client_token"], auth["entity_id"]
    for inside in (team, db):
        inside.policy("reader", READ.format("secret/data/{{identity.entity.name}}/*"))
    mine = Identity(team).write("group", name="g", policies="reader")
    assert team.vault("GET", "secret/data/ann/x", token=token).status == DENIED
    Identity(team).write("group/name/g", member_entity_ids=[entity])
    assert Identity(team).keys("entity/id") == []  # it is not one of this namespace
    identity.write(f"entity/id/{entity}", name="ann")
    assert team.vault("GET", "secret/data/ann/x", token=token).status == 404
    assert team.vault("GET", "secret/data/bob/x", token=token).status == DENIED
    assert db.vault("GET", "secret/data/ann/x", token=token).status == DENIED
    assert store.vault("GET", "secret/data/ann/x", token=token).status == DENIED
    told = team.vault("POST", "sys/capabilities-self", {"paths": ["secret/data/ann/x"]}, token=store.root)
    assert told.data["capabilities"] == ["root"]
    Identity(db).write("group", name="h", policies="reader", member_entity_ids=[entity])
    assert db.vault("GET", "secret/data/ann/x", token=token).status == 404
    store.policy("default", 'path "team/secret/data/ann/shut" { capabilities = ["deny"] }')
    assert team.vault("GET", "secret/data/ann/shut", token=token).status == DENIED
    assert team.vault("GET", "secret/data/ann/x", token=token).status == 404
    Identity(team).write("group", name="above", policies="writer", member_group_ids=[mine["id"]])
    team.policy("writer", 'path "secret/data/both" { capabilities = ["update", "create"] }')
    assert team.vault("PUT", "secret/data/both", {"data": {}}, token=token).status == 200
    Identity(team).write("group/name/g", member_entity_ids=[])
    for path in ("secret/data/ann/x", "secret/data/both"):
        assert team.vault("GET", path, token=token).status == DENIED
    identity.write("entity/name/ann", disabled=True)
    assert db.vault("GET", "secret/data/ann/x", token=token).status == DENIED


def test_members_come_from_above_and_never_from_beside_or_below(store, identity):
    for path in ("team", "team/db", "other"):
        create(store, path)
    inside = {path: Within(store, path) for path in ("team", "team/db", "other")}
    made = {path: Identity(within).write("entity", name="x")["id"] for path, within in inside.items()}
    made[""] = identity.write("entity", name="x")["id"]
    enable_jwt(inside["team/db"])
    unwritten = job(inside["team/db"], "a")["entity_id"]

    def takes(path, entity):
        there = Identity(inside[path]) if path else identity
        return there.ask("POST", "group/name/g", {"member_entity_ids": [entity]}).status in {200, 204}

    assert takes("team/db", made["team/db"])
    assert takes("team/db", made["team"])
    assert takes("team/db", made[""])
    assert takes("team/db", unwritten)
    assert not takes("team", made["team/db"])
    assert not takes("team", made["other"])
    assert not takes("team", unwritten)
    assert not takes("", made["team"])


def test_what_a_namespace_knew_goes_with_it(store):
    create(store, "team")
    team = Within(store, "team")
    enable_jwt(team)
    write(team, "jwt/role/other", user_claim="sub", bound_audiences=["store"], role_type="jwt")
    Identity(team).write("entity", name="ann")
    Identity(team).write("group", name="g")
    token = job(team, "a")["client_token"]
    assert store.vault("DELETE", "sys/namespaces/team", token=store.root).status in {200, 202, 204}
    assert team.vault("GET", "auth/token/lookup-self", token=token).status != 200
    create(store, "team")
    assert Identity(team).keys("entity/id") == Identity(team).keys("group/id") == []


def test_whoever_is_removed_above_is_in_no_group_below(store, identity):
    create(store, "team")
    create(store, "team/db")
    inside = Within(store, "team"), Within(store, "team/db")
    enable_jwt(store)
    auth = job(store, "a")
    for within in inside:
        within.policy("reader", READ.format("secret/data/*"))
        Identity(within).write("group", name="g", policies="reader", member_entity_ids=[auth["entity_id"]])

    def reads():
        both = (auth["client_token"], job(store, "a")["client_token"])
        return [
            within.vault("GET", "secret/data/x", token=token).status for within in inside for token in both
        ]

    assert reads() == [404] * 4
    # Nothing is stored about the entity; it is somebody all the same, and can be removed.
    assert identity.ask("DELETE", f"entity/id/{auth['entity_id']}").status == 204
    assert reads() == [DENIED] * 4
    Identity(inside[0]).write("group/name/g", member_entity_ids=[auth["entity_id"]])
    identity.write(f"entity/id/{auth['entity_id']}", name="ann")
    assert reads() == [404, 404, DENIED, DENIED]
    assert identity.ask("DELETE", "entity/name/ann").status == 204
    assert reads() == [DENIED] * 4
    assert Identity(inside[0]).read("group/name/g")["member_entity_ids"] is None


def test_whom_an_entity_becomes_takes_its_place_in_groups_below(store, identity):
    create(store, "team")
    team = Within(store, "team")
    enable_jwt(store)
    auth = job(store, "a")
    team.policy("reader", READ.format("secret/data/*"))
    Identity(team).write("group", name="g", policies="reader", member_entity_ids=[auth["entity_id"]])
    target = identity.write("entity", name="ann")["id"]
    merge = {"from_entity_ids": [auth["entity_id"]], "to_entity_id": target}
    assert identity.ask("POST", "entity/merge", merge).status == 204
    token = job(store, "a")["client_token"]
    assert team.vault("GET", "secret/data/x", token=token).status == 404
    assert Identity(team).read("group/name/g")["member_entity_ids"] == [target]
    assert identity.ask("DELETE", f"entity/id/{target}").status == 204
    again = job(store, "a")
    assert again["entity_id"] == auth["entity_id"]
    assert team.vault("GET", "secret/data/x", token=again["client_token"]).status == DENIED
