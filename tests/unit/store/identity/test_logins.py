"""A login belongs to one entity, whoever asks first, and writes nothing unless somebody wrote about it."""

import json

import pytest
from tests.support.auth import about, enable, logged_in, login, write
from tests.support.client_certificates import Authority, attempt
from tests.support.collecting_sink import CollectingSink
from tests.support.identity import (
    Identity,
    accessor_of,
    enable_jwt,
    enable_kubernetes,
    job,
    job_token,
    pod,
)
from tests.support.local_store import StoreUnderTest

from holdfast.formats.strict_json import JsonObject, encode
from holdfast.store.layout import MOUNTS, writing
from holdfast.store.mounts import IDENTITY_PATH, MountTable, save_mounts
from holdfast.store.request import Operation, StoreRequest

PASSWORD = "correct-horse-7f3a"
DENIED = 403


def records(store):
    """Return everything that is stored."""
    return {key: store.storage.get(key) for key in _walk(store.storage, "")}


def _walk(storage, prefix):
    after = ""
    while page := storage.list(prefix, after=after):
        for name in page:
            yield from _walk(storage, prefix + name) if name.endswith("/") else [prefix + name]
        after = page[-1]


def test_the_same_alias_is_the_same_entity_at_every_login_and_after_a_restart(store):
    enable_jwt(store)
    first, again, other = job(store, "a"), job(store, "a"), job(store, "b")
    assert first["entity_id"] == again["entity_id"] != other["entity_id"]
    store.restart()
    assert job(store, "a")["entity_id"] == first["entity_id"]
    assert about(store, first["client_token"])["entity_id"] == first["entity_id"]


def test_equal_names_of_two_mounts_and_of_two_stores_have_nothing_in_common(store):
    enable_jwt(store, "one")
    enable_jwt(store, "two")
    other = StoreUnderTest().initialize()
    enable_jwt(other, "one")
    ids = [job(store, "a", "one"), job(store, "a", "two"), job(other, "a", "one")]
    assert len({each["entity_id"] for each in ids}) == 3
    assert Identity(other).ask("GET", f"entity/id/{ids[0]['entity_id']}").status == 404


def test_a_storm_of_logins_writes_nothing(store):
    """However many accounts there are, and however often they come: not one record is added or changed."""
    enable_kubernetes(store)
    enable_jwt(store)
    before = records(store)
    ids = {pod(store, "prod", f"account-{number % 10}")["entity_id"] for number in range(60)}
    ids |= {job(store, f"short-lived-{number}")["entity_id"] for number in range(60)}
    assert len(ids) == 70
    assert records(store) == before


def test_after_the_first_login_an_account_that_somebody_wrote_about_writes_nothing_either(store, identity):
    enable_jwt(store)
    entity = job(store, "a")["entity_id"]
    identity.write(f"entity/id/{entity}", policies="p")
    assert identity.read(f"entity/id/{entity}")["aliases"] == []
    job(store, "a", team="blue")
    [alias] = identity.read(f"entity/id/{entity}")["aliases"]
    assert (alias["name"], alias["metadata"], alias["canonical_id"]) == ("a", {"team": "blue"}, entity)
    assert identity.read(f"entity-alias/id/{alias['id']}")["name"] == "a"
    before = records(store)
    for number in range(20):
        assert job(store, "a", team=f"t{number}")["entity_id"] == entity
    assert records(store) == before


def test_concurrent_logins_of_one_alias_make_one_entity(store, identity):
    """Four logins in one turn, all of which saw an entity that waits for its alias."""
    enable_jwt(store)
    entity = job(store, "a")["entity_id"]
    identity.write(f"entity/id/{entity}", policies="p")
    held, submit = [], store.local.submit
    store.local.submit = lambda frame, done: held.append((frame, done))
    answers = []
    for _ in range(4):
        body = {"role": "job", "jwt": job_token(store, "a")}
        request = StoreRequest(
            id="x", operation=Operation.WRITE, path="auth/jwt/login", body=JsonObject(body, encode(body))
        )
        store.local.store.serve(request, answers.append)
    store.local.submit = submit
    assert (len(held), answers) == (4, [])
    for frame, done in held:
        submit(frame, done)
    assert {json.loads(answer.auth)["entity_id"] for answer in answers} == {entity}
    assert len(answers) == 4
    assert len(identity.keys("entity-alias/id")) == 1
    assert identity.keys("entity/id") == [entity]


def test_policies_of_an_entity_count_at_once_and_end_when_they_are_taken_away(store, identity):
    enable_jwt(store)
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    store.policy("reader", 'path "secret/data/a" { capabilities = ["read"] }')
    auth = job(store, "a")
    token, entity = auth["client_token"], auth["entity_id"]
    assert store.vault("GET", "secret/data/a", token=token).status == DENIED
    identity.write(f"entity/id/{entity}", policies="reader")
    assert store.vault("GET", "secret/data/a", token=token).status == 200
    assert about(store, token)["identity_policies"] == ["reader"]
    assert about(store, token)["policies"] == ["default"]
    auth = job(store, "a")
    assert (auth["policies"], auth["token_policies"]) == (["default", "reader"], ["default"])
    assert auth["identity_policies"] == ["reader"]
    shown = store.vault("POST", "auth/token/lookup", {"token": token}, token=store.root).data
    assert (shown["entity_id"], shown["identity_policies"]) == (entity, ["reader"])
    can = store.vault(
        "POST", "sys/capabilities", {"token": token, "paths": ["secret/data/a"]}, token=store.root
    )
    assert can.data["capabilities"] == ["read"]
    identity.write(f"entity/id/{entity}", policies=[])
    assert store.vault("GET", "secret/data/a", token=token).status == DENIED
    assert "identity_policies" not in about(store, token)


@pytest.mark.parametrize("kind", ["batch", "service"])
def test_a_disabled_entity_is_refused_everywhere_at_once(store, identity, kind):
    store.policy("maker", 'path "auth/token/create" { capabilities = ["update"] }')
    enable_jwt(store, token_type=kind, token_policies="maker")
    auth = job(store, "a")
    child = store.token(by=auth["client_token"]) if kind == "service" else ""
    orphan = store.token(policies=["default"])
    identity.write(f"entity/id/{auth['entity_id']}", disabled=True)
    for token in filter(None, (auth["client_token"], child)):
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == DENIED
        shown = store.vault("POST", "auth/token/lookup", {"token": token}, token=store.root)
        assert shown.status == (200 if kind == "service" else DENIED)
        if kind == "service":
            assert (
                store.vault("POST", "auth/token/renew", {"token": token}, token=store.root).status == DENIED
            )
    assert login(store, "jwt/login", role="job", jwt=job_token(store, "a")).status == DENIED
    assert job(store, "b")["entity_id"] != auth["entity_id"]
    assert store.is_live(orphan)
    identity.write(f"entity/id/{auth['entity_id']}", disabled=False)
    assert store.is_live(auth["client_token"])
    assert job(store, "a")["entity_id"] == auth["entity_id"]


def test_tokens_of_an_entity_that_was_removed_are_refused_and_its_login_begins_anew(store, identity):
    accessor = enable_jwt(store)
    ann = identity.write("entity", name="ann", policies="p")["id"]
    identity.write("entity-alias", name="a", mount_accessor=accessor, canonical_id=ann)
    auth = job(store, "a")
    assert (auth["entity_id"], auth["identity_policies"]) == (ann, ["p"])
    identity.remove("entity/name/ann")
    assert not store.is_live(auth["client_token"])
    assert job(store, "a")["entity_id"] != ann


@pytest.mark.parametrize("kind", ["batch", "service"])
@pytest.mark.parametrize("written", ["nothing", "disabled", "merged", "linked elsewhere"])
def test_tokens_from_before_anybody_wrote_about_an_entity_end_with_it_too(store, identity, kind, written):
    store.policy("maker", 'path "auth/token/create" { capabilities = ["update"] }')
    accessor = enable_jwt(store, token_type=kind, token_policies="maker")
    auth, other = job(store, "a"), job(store, "b")
    tokens = [auth["client_token"]]
    tokens += [store.token(by=auth["client_token"])] if kind == "service" else []
    removed = auth["entity_id"]
    if written == "disabled":
        identity.write(f"entity/id/{removed}", disabled=True)
    elif written != "nothing":
        removed = identity.write("entity", name="ann")["id"]
    if written == "merged":
        identity.write("entity/merge", from_entity_ids=[auth["entity_id"]], to_entity_id=removed)
    elif written == "linked elsewhere":
        identity.write("entity-alias", name="a", mount_accessor=accessor, canonical_id=removed)
    store.clock.advance(1)
    identity.remove(f"entity/id/{removed}")
    assert not any(store.is_live(token) for token in tokens)
    assert store.is_live(other["client_token"])
    again = job(store, "a")["client_token"]
    assert store.is_live(again)
    store.restart()
    assert (store.is_live(tokens[0]), store.is_live(again)) == (False, True)


def test_an_alias_that_is_taken_away_takes_the_login_from_its_entity(store, identity):
    enable_jwt(store)
    entity = job(store, "a")["entity_id"]
    identity.write(f"entity/id/{entity}", policies="p")
    auth = job(store, "a")
    for _ in range(3):
        [alias] = identity.read(f"entity/id/{entity}")["aliases"]
        identity.remove(f"entity-alias/id/{alias['id']}")
        assert not store.is_live(auth["client_token"])
        auth = job(store, "a")
        assert auth["entity_id"] != entity
        assert "identity_policies" not in auth
        identity.write(
            "entity-alias", id="", name="a", mount_accessor=alias["mount_accessor"], canonical_id=entity
        )
        auth = job(store, "a")
        assert (auth["entity_id"], auth["identity_policies"]) == (entity, ["p"])


def test_an_alias_made_for_an_account_before_it_ever_came_is_where_it_arrives(store, identity):
    accessor = enable_kubernetes(store)
    made = identity.write("entity-alias", name="uid-of-prod-web", mount_accessor=accessor)
    assert pod(store, "prod", "web")["entity_id"] == made["canonical_id"]
    found = identity.write("lookup/entity", alias_name="uid-of-prod-db", alias_mount_accessor=accessor)
    assert pod(store, "prod", "db")["entity_id"] == found["id"]
    assert identity.keys("entity/id") == [made["canonical_id"]]


def test_an_alias_moves_to_another_entity_with_the_tokens_that_are_alive(store, identity):
    accessor = enable_jwt(store)
    auth = job(store, "a")
    ann = identity.write("entity", name="ann", policies="p")["id"]
    made = identity.write("entity-alias", name="a", mount_accessor=accessor, canonical_id=ann)
    assert made["canonical_id"] == ann
    assert about(store, auth["client_token"])["entity_id"] == ann
    bob = identity.write("entity", name="bob", policies="q")["id"]
    identity.write(f"entity-alias/id/{made['id']}", canonical_id=bob, custom_metadata={"a": "b"})
    assert about(store, auth["client_token"])["identity_policies"] == ["q"]
    assert identity.read(f"entity/id/{ann}")["aliases"] == []
    [alias] = identity.read(f"entity/id/{bob}")["aliases"]
    assert alias["custom_metadata"] == {"a": "b"}
    identity.write(f"entity-alias/id/{made['id']}", name="z")
    assert job(store, "z")["entity_id"] == bob
    assert job(store, "a")["entity_id"] != bob


def test_an_entity_has_one_alias_of_each_mount(store, identity):
    one, two = enable_jwt(store, "one"), enable_jwt(store, "two")
    ann = identity.write("entity", name="ann")["id"]
    first = identity.write("entity-alias", name="a", mount_accessor=one, canonical_id=ann)
    said = {"name": "b", "mount_accessor": one, "canonical_id": ann}
    assert "already exists" in identity.ask("POST", "entity-alias", said).errors[0]
    second = identity.write("entity-alias", name="b", mount_accessor=two, canonical_id=ann)
    clash = {"name": "a", "mount_accessor": one}
    assert identity.ask("POST", f"entity-alias/id/{second['id']}", clash).status == 400
    assert identity.keys("entity-alias/id") == sorted([first["id"], second["id"]])
    for said in ({"name": "c"}, {"mount_accessor": one}, {"id": "canary"}, {"id": ann, "name": "c"}):
        assert identity.ask("POST", "entity-alias", said).status == 400
    wrong = {"name": "c", "mount_accessor": one, "canonical_id": "canary"}
    assert identity.ask("POST", "entity-alias", wrong).errors == ["invalid canonical ID"]


def test_merged_entities_are_one_for_logins_old_and_new(store, identity):
    enable_jwt(store, "one")
    enable_jwt(store, "two")
    first, second = job(store, "a", "one"), job(store, "a", "two")
    target = identity.write("entity", name="ann", policies="p")["id"]
    group = identity.write("group", name="g", policies="q", member_entity_ids=[first["entity_id"]])["id"]
    sources = [first["entity_id"], second["entity_id"]]
    identity.write("entity/merge", from_entity_ids=sources, to_entity_id=target)
    for auth in (first, second):
        shown = about(store, auth["client_token"])
        assert (shown["entity_id"], shown["identity_policies"]) == (target, ["p", "q"])
    assert job(store, "a", "one")["entity_id"] == job(store, "a", "two")["entity_id"] == target
    read = identity.read(f"entity/id/{sources[0]}")
    assert (read["id"], sorted(read["merged_entity_ids"])) == (target, sorted(sources))
    assert len(read["aliases"]) == 2
    assert identity.read(f"group/id/{group}")["member_entity_ids"] == [target]
    assert identity.keys("entity/id") == [target]
    identity.remove(f"entity/id/{target}")
    assert identity.keys("entity/id") == []
    assert job(store, "a", "one")["entity_id"] == first["entity_id"]
    assert about(store, job(store, "a", "one")["client_token"])["policies"] == ["default"]


def test_merging_asks_which_alias_to_keep_and_changes_nothing_before(store, identity):
    accessor = enable_jwt(store)
    made = {}
    for name in ("a", "b"):
        made[name] = identity.write("entity-alias", name=name, mount_accessor=accessor)
    said = {"from_entity_ids": [made["a"]["canonical_id"]], "to_entity_id": made["b"]["canonical_id"]}
    assert "conflicting_alias_ids_to_keep" in identity.ask("POST", "entity/merge", said).errors[0]
    assert len(identity.keys("entity/id")) == 2
    identity.write("entity/merge", **said, conflicting_alias_ids_to_keep=[made["a"]["id"]])
    assert job(store, "a")["entity_id"] == made["b"]["canonical_id"]
    assert job(store, "b")["entity_id"] != made["b"]["canonical_id"]
    for wrong in ({**said, "to_entity_id": "canary"}, {**said, "from_entity_ids": ["canary"]}, {}):
        assert identity.ask("POST", "entity/merge", wrong).status == 400
    itself = {"from_entity_ids": [made["b"]["canonical_id"]], "to_entity_id": made["b"]["canonical_id"]}
    assert identity.ask("POST", "entity/merge", itself).status == 400


@pytest.mark.parametrize(
    ("source", "same_account_again", "same_name_again"),
    [("serviceaccount_uid", True, False), ("serviceaccount_name", True, True)],
)
def test_what_tells_service_accounts_apart_is_for_the_role_to_say(
    store, identity, source, same_account_again, same_name_again
):
    accessor = enable_kubernetes(store, alias_name_source=source)
    first = pod(store, "prod", "web", uid="u-1")
    assert (pod(store, "prod", "web", uid="u-1")["entity_id"] == first["entity_id"]) is same_account_again
    assert (pod(store, "prod", "web", uid="u-2")["entity_id"] == first["entity_id"]) is same_name_again
    assert pod(store, "test", "web", uid="u-3")["entity_id"] != first["entity_id"]
    name = "prod/web" if same_name_again else "u-1"
    found = identity.write("lookup/entity", alias_name=name, alias_mount_accessor=accessor)
    assert found["id"] == first["entity_id"]


def test_people_and_programs_are_known_by_their_names_and_role_ids(store, identity):
    enable(store, "userpass")
    write(store, "userpass/users/ann", password=PASSWORD)
    ann = logged_in(store, "userpass/login/Ann", password=PASSWORD)["entity_id"]
    enable(store, "approle")
    write(store, "approle/role/web", role_id="role-id-7")
    secret = write(store, "approle/role/web/secret-id").data["secret_id"]
    web = logged_in(store, "approle/login", role_id="role-id-7", secret_id=secret)["entity_id"]
    for path, name, entity in (("userpass", "ann", ann), ("approle", "role-id-7", web)):
        found = identity.write(
            "lookup/entity", alias_name=name, alias_mount_accessor=accessor_of(store, path)
        )
        assert found["id"] == entity


def test_machines_are_known_by_the_name_in_their_certificate_or_by_its_number(store, identity):
    authority = Authority(store.clock.now())
    enable(store, "cert")
    write(store, "cert/certs/web", certificate=authority.pem)

    def entity(name, serial):
        answer = attempt(store, authority.issue(name, serial=serial))
        return json.loads(answer.auth)["entity_id"]

    accessor = accessor_of(store, "cert")
    known = {
        name: identity.write("lookup/entity", alias_name=name, alias_mount_accessor=accessor)["id"]
        for name in ("web.example", "serial:8", "serial:9")
    }
    assert entity("web.example", 7) == entity("web.example", 8) == known["web.example"]
    assert entity("serial:9", 8) == known["serial:8"]  # a name is no way to be another one's number
    assert entity("web\x7f", 9) == known["serial:9"]


def test_children_belong_to_the_entity_of_their_parent_and_orphans_to_none(store, identity):
    enable_jwt(store, token_type="service", token_policies="maker")
    store.policy("maker", 'path "auth/token/create*" { capabilities = ["update", "sudo"] }')
    auth = job(store, "a", team="blue")
    child = store.token(by=auth["client_token"], meta={"own": "words"})
    grandchild = store.token(by=child, policies=["default"])
    orphan = store.create_token(by=auth["client_token"], path="auth/token/create-orphan").auth["client_token"]
    assert about(store, child)["entity_id"] == about(store, grandchild)["entity_id"] == auth["entity_id"]
    assert about(store, orphan)["entity_id"] == about(store, store.root)["entity_id"] == ""
    accessor = accessor_of(store, "jwt")
    template = "{{identity.entity.aliases." + accessor + ".metadata.team}}"
    store.policy("default", f'path "secret/data/{template}" {{ capabilities = ["read"] }}')
    for token, status in ((child, 404), (grandchild, 404), (orphan, DENIED)):
        assert store.vault("GET", "secret/data/blue", token=token).status == status


def test_a_token_role_says_whose_tokens_may_be_made_by_it(store, identity):
    role = {"allowed_entity_aliases": ["ci-*", "web"], "orphan": True}
    assert store.vault("PUT", "auth/token/roles/r", role, token=store.root).status == 204
    read = store.vault("GET", "auth/token/roles/r", token=store.root).data
    assert read["allowed_entity_aliases"] == ["ci-*", "web"]
    path = "auth/token/create/r"
    one = store.create_token(path=path, entity_alias="web", policies=["default"]).auth
    assert one["entity_id"] == store.create_token(path=path, entity_alias="web").auth["entity_id"] != ""
    other = store.create_token(path=path, entity_alias="ci-7", policies=["default"]).auth
    assert other["entity_id"] != one["entity_id"]
    accessor = accessor_of(store, "token")
    found = identity.write("lookup/entity", alias_name="web", alias_mount_accessor=accessor)
    assert found["id"] == one["entity_id"]
    identity.write(f"entity/id/{one['entity_id']}", policies="p")
    assert about(store, one["client_token"])["identity_policies"] == ["p"]
    for name in ("api", "WEB", "xci-7", "ci-\x00"):
        answer = store.create_token(path=path, entity_alias=name)
        assert "entity_alias" in answer.errors[0] or answer.status == 400
    assert "combination with token role" in store.create_token(entity_alias="web").errors[0]
    identity.write(f"entity/id/{one['entity_id']}", disabled=True)
    assert not store.is_live(one["client_token"])
    assert store.create_token(path=path, entity_alias="web").status == 400


def test_audit_lines_say_whose_token_it_was():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"log": sink}).initialize()
    enable_jwt(store)
    entity = job(store, "a")["entity_id"]
    Identity(store).write(f"entity/id/{entity}", policies="p")
    auth = job(store, "a")
    about(store, auth["client_token"])
    *_, login_line, asked, answered = [json.loads(line) for line in sink.lines]
    for line in (login_line["response"], asked, answered):
        assert line["auth"]["entity_id"] == entity
        assert line["auth"]["identity_policies"] == ["p"]
        assert line["auth"]["policies"] == ["default", "p"]
        assert line["auth"]["token_policies"] == ["default"]


def test_a_store_from_before_has_an_identity_too(store, identity):
    store.token()  # the first write of an open store reserves what it may encrypt
    mounts, keyring = store.local.store.opened.mounts, store.local.keeper.require_unsealed().keyring
    old = MountTable(tuple(mount for mount in mounts.mounts if mount.path != IDENTITY_PATH))
    store.storage.write(lambda tx: save_mounts(writing(tx, keyring, MOUNTS), old))
    store.restart()
    assert store.vault("GET", "sys/mounts", token=store.root).data["identity/"]["type"] == "identity"
    enable_jwt(store)
    assert identity.read(f"entity/id/{job(store, 'a')['entity_id']}")["policies"] == []


def test_nothing_of_who_logs_in_is_to_be_read_in_storage(store, identity):
    accessor = enable_jwt(store)
    entity = identity.write("entity", name="canary-7f3a")["id"]
    identity.write("entity-alias", name="canary-7f3a", mount_accessor=accessor, canonical_id=entity)
    group = identity.write("group", name="canary-7f3a", type="external")["id"]
    identity.write("group-alias", name="canary-7f3a", mount_accessor=accessor, canonical_id=group)
    assert not any("canary" in key or b"canary" in record for key, record in records(store).items())
