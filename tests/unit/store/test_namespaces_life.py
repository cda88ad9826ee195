"""What a namespace holds begins with it, works in it, is refused while it is locked, and ends with it."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest
from tests.support.namespaces import In, create, everything_in

from holdfast.server.records.copying import copy_records, records_of
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.memory import MemoryStorage
from holdfast.store.namespaces.inside import MAX_OPEN
from holdfast.store.tokens.purge import MAX_KEYS

READ_ALL = {"secret/*": ["read", "list"]}
LOCKED = "API access to this namespace has been locked by an administrator"


@pytest.fixture(params=[False, True], ids=["header", "prefix"])
def form(request):
    return request.param


def put(inside, value, path="a", **options):
    answer = inside.ask("PUT", f"secret/data/{path}", {"data": {"k": value}}, **options)
    assert answer.status == 200, answer.body


def value(inside, path="a", **options):
    answer = inside.ask("GET", f"secret/data/{path}", **options)
    return answer.data["data"]["k"] if answer.status == 200 else answer.status


class TestWhatItHolds:
    def test_the_same_mount_holds_other_things(self, store, form):
        a, b = create(store, "a", prefix=form), create(store, "b", prefix=form)
        put(a, "of a")
        put(b, "of b")
        assert [value(inside) for inside in (a, b, In(store, ""))] == ["of a", "of b", 404]
        assert a.ask("DELETE", "sys/mounts/secret").status == 204
        assert [value(inside) for inside in (a, b)] == [404, "of b"]
        assert store.vault("GET", "sys/mounts/secret", token=store.root).status == 200

    def test_people_log_in_where_they_are_known(self, store, form):
        inside, other = create(store, "a", prefix=form), create(store, "b", prefix=form)
        for where in (inside, other):
            assert where.ask("POST", "sys/auth/userpass", {"type": "userpass"}).status == 204
            where.policy("p", READ_ALL)
            put(where, where.path)
        user = {"password": "a long password", "token_policies": "p"}
        assert inside.ask("POST", "auth/userpass/users/ann", user).status == 204
        password = {"password": user["password"]}
        made = inside.ask("POST", "auth/userpass/login/ann", password, token="").auth
        assert made["metadata"] == {"username": "ann"}
        assert value(inside, token=made["client_token"]) == "a"
        assert value(other, token=made["client_token"]) == 403
        assert other.ask("POST", "auth/userpass/login/ann", password, token="").status == 400
        assert In(store, "").ask("POST", "auth/userpass/login/ann", password, token="").status == 403
        assert inside.ask("POST", "auth/token/renew-self", token=made["client_token"]).status == 200
        assert inside.ask("DELETE", "sys/auth/userpass").status == 204
        assert value(inside, token=made["client_token"]) == 403

    def test_machines_log_in_and_get_tokens_that_are_stored_nowhere(self, store, form):
        inside = create(store, "a", prefix=form)
        inside.policy("p", READ_ALL)
        put(inside, "v")
        assert inside.ask("POST", "sys/auth/approle", {"type": "approle"}).status == 204
        assert inside.ask("POST", "auth/approle/role/ci", {"token_policies": "p"}).status == 204
        role_id = inside.ask("GET", "auth/approle/role/ci/role-id").data["role_id"]
        wrapped = inside.ask("POST", "auth/approle/role/ci/secret-id", headers=("X-Vault-Wrap-TTL: 60",))
        one_time = wrapped.json["wrap_info"]["token"]
        # Whoever unwraps it need not know which namespace it is from.
        secret_id = store.vault("POST", "sys/wrapping/unwrap", token=one_time).data["secret_id"]
        credentials = {"role_id": role_id, "secret_id": secret_id}
        made = inside.ask("POST", "auth/approle/login", credentials, token="").auth
        ending = "." + store.vault("GET", "sys/namespaces/a", token=store.root).data["id"]
        assert (made["token_type"], made["client_token"][-7:]) == ("batch", ending)
        assert value(inside, token=made["client_token"]) == "v"
        assert value(In(store, ""), token=made["client_token"]) == 403

    def test_no_role_of_a_login_gives_more_than_the_namespace(self, store):
        inside = create(store, "a")
        inside.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        user = {"password": "a long password", "token_policies": "root"}
        assert inside.ask("POST", "auth/userpass/users/ann", user).status == 400

    def test_answers_wait_for_whoever_has_the_token_wherever_he_asks(self, store, form):
        inside, other = create(store, "a", prefix=form), create(store, "b", prefix=form)
        for opener in (
            lambda token: store.vault("POST", "sys/wrapping/unwrap", token=token),
            lambda token: other.ask("POST", "sys/wrapping/unwrap", token=token),
            lambda token: other.ask("POST", "sys/wrapping/unwrap", {"token": token}),
            lambda token: store.vault("POST", "sys/wrapping/unwrap", {"token": token}),
            lambda token: store.vault("POST", "sys/wrapping/unwrap", {"token": token}, token=store.root),
        ):
            wrapped = inside.ask(
                "POST", "sys/wrapping/wrap", {"k": "v"}, headers=("X-Vault-Wrap-TTL: 60",)
            ).json["wrap_info"]
            again = store.vault("POST", "sys/wrapping/rewrap", {"token": wrapped["token"]}, token=store.root)
            token = again.json["wrap_info"]["token"]
            assert token.rpartition(".")[2] == wrapped["token"].rpartition(".")[2]
            shown = store.vault("POST", "sys/wrapping/lookup", {"token": token})
            assert shown.data["creation_path"] == "sys/wrapping/wrap"
            assert opener(token).data == {"k": "v"}
            second = opener(token)
            assert second.status == 400
            assert "wrapping token is not valid or does not exist" in second.errors[0]

    def test_a_cubbyhole_is_the_token_s_in_every_namespace(self, store):
        inside = create(store, "a")
        inside.policy("cubby", {"cubbyhole/*": ["create", "read", "update"]})
        one, other = inside.token("cubby"), inside.token("cubby")
        assert inside.ask("PUT", "cubbyhole/x", {"k": "v"}, token=one).status == 204
        assert inside.ask("GET", "cubbyhole/x", token=one).data == {"k": "v"}
        assert inside.ask("GET", "cubbyhole/x", token=other).status == 404

    def test_transit_keys_rotate_there_too(self, store):
        inside = create(store, "a")
        inside.mount("transit", "transit")
        assert inside.ask("POST", "transit/keys/k", {"auto_rotate_period": "1h"}).status in {200, 204}
        store.clock.advance(3700)
        store.local.keeper.tick()
        assert inside.ask("GET", "transit/keys/k").data["latest_version"] == 2

    def test_many_reads_in_one_request_are_of_that_namespace(self, store, form):
        inside = create(store, "a", prefix=form)
        put(inside, "v")
        many = inside.ask("POST", "sys/kv/bulk-read", {"paths": ["secret/data/a"]})
        assert [result["data"]["data"] for result in many.data["results"]] == [{"k": "v"}]
        outside = store.vault("POST", "sys/kv/bulk-read", {"paths": ["secret/data/a"]}, token=store.root)
        assert not any(result.get("data") for result in outside.data["results"])

    def test_it_is_there_after_a_restart(self, store):
        inside = create(store, "a")
        put(inside, "v")
        inside.policy("p", READ_ALL)
        token = inside.token("p")
        store.restart()
        assert value(inside, token=token) == "v"

    def test_it_is_in_a_copy_of_the_store(self, store):
        inside = create(store, "a")
        put(inside, "v")
        inside.policy("p", READ_ALL)
        token, other = inside.token("p"), MemoryStorage()
        with store.storage.snapshot() as snapshot:
            copy_records(records_of(snapshot), other, lambda _records, _bytes: None)
        store.restart(storage=other)
        assert value(inside, token=token) == "v"

    def test_a_store_opens_without_reading_them(self, store):
        for number in range(30):
            create(store, f"n{number}", mount=False)
        asked = []
        storage = Counting(store.storage, asked)
        store.restart(storage=storage)
        assert store.vault("GET", "sys/mounts", token=store.root).status == 200
        assert not [key for key in asked if key.startswith(("ns/", "namespaces/path/n", "namespaces/uuid/"))]


class Counting:
    """A storage that remembers which keys were read."""

    def __init__(self, storage, asked):
        self._storage, self._asked = storage, asked

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def get(self, key):
        self._asked.append(key)
        return self._storage.get(key)


class TestAudit:
    def test_lines_say_which_namespace(self):
        sink = CollectingSink()
        store = StoreUnderTest(sinks={"main": sink}).initialize()
        create(store, "a")
        inside = create(store, "a/b")
        found = store.vault("GET", "a/sys/namespaces/b", token=store.root).data
        seen = len(sink.lines)
        inside.ask("GET", "secret/data/x")
        inside.ask("GET", "secret/data/x", token="")
        In(store, "nope").ask("GET", "secret/data/x")
        store.vault("GET", "secret/data/x", token=store.root)
        lines = [json.loads(line) for line in sink.lines[seen:]]
        assert [line["request"]["namespace"] for line in lines if line["type"] == "request"] == [
            {"id": found["id"], "path": "a/b/"},
            {"id": found["id"], "path": "a/b/"},
            {"id": "", "path": "nope/"},
            {"id": "root"},
        ]
        assert {line["request"]["path"] for line in lines} == {"secret/data/x"}
        assert lines[0]["request"]["mount_point"] == "secret/"

    def test_a_login_is_on_record_where_it_happened(self):
        sink = CollectingSink()
        store = StoreUnderTest(sinks={"main": sink}).initialize()
        inside = create(store, "a")
        inside.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        seen = len(sink.lines)
        inside.ask("POST", "auth/userpass/login/ann", {"password": "no"}, token="")
        [asked, answered] = [json.loads(line) for line in sink.lines[seen:]]
        assert asked["request"]["namespace"]["path"] == answered["request"]["namespace"]["path"] == "a/"
        assert asked["request"]["mount_point"] == "auth/userpass/"


class TestLock:
    def test_everything_in_it_and_below_is_refused_until_somebody_has_the_key(self, store, form):
        a, b = create(store, "a", prefix=form), create(store, "a/b", prefix=form)
        for inside in (a, b):
            put(inside, "v")
            inside.policy("p", READ_ALL)
        token = a.token("p")
        key = store.vault("POST", "sys/namespaces/api-lock/lock/a", token=store.root).data["unlock_key"]
        assert store.vault("GET", "sys/namespaces/a", token=store.root).data["locked"] is True
        for inside in (a, b):
            for who in (store.root, token, ""):
                for method, path in (("GET", "secret/data/a"), ("POST", "auth/userpass/login/x")):
                    refused = inside.ask(method, path, token=who)
                    assert refused.status == 503
                    assert refused.errors[0].startswith(LOCKED)
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 503
        assert b.ask("POST", "sys/namespaces/api-lock/unlock", {"unlock_key": key}).status == 503
        assert store.vault("POST", "sys/namespaces/api-lock/lock/a", token=store.root).status == 400
        store.restart()
        assert value(a) == 503
        admin = store.token_for({"sys/namespaces/api-lock/*": ["update"]})
        unlock = "sys/namespaces/api-lock/unlock/a"
        for wrong in ({}, {"unlock_key": "wrong"}, {"unlock_key": ""}):
            assert store.vault("POST", unlock, wrong, token=admin).status == 400
        assert value(a) == 503
        assert store.vault("POST", unlock, {"unlock_key": key}, token=admin).status == 204
        assert [value(inside) for inside in (a, b)] == ["v", "v"]
        assert value(a, token=token) == "v"

    def test_it_is_locked_and_unlocked_from_inside_too(self, store, form):
        inside = create(store, "a", prefix=form)
        put(inside, "v")
        inside.policy("locker", {"sys/namespaces/api-lock/*": ["update"]})
        token = inside.token("locker")
        key = inside.ask("POST", "sys/namespaces/api-lock/lock", token=token).data["unlock_key"]
        assert value(inside) == 503
        unlock = "sys/namespaces/api-lock/unlock"
        assert inside.ask("POST", unlock, token=token).status == 400
        assert inside.ask("POST", unlock, {"unlock_key": key}, token="").status == 403
        assert inside.ask("POST", unlock, {"unlock_key": key}, token=token).status == 204
        assert value(inside) == "v"

    @pytest.mark.parametrize("way", ["lookup", "unwrap", "rewrap"])
    def test_what_waits_in_it_is_not_had_from_outside(self, store, way):
        create(store, "a")
        inside = create(store, "a/b")
        body, wrap = {"k": "v"}, ("X-Vault-Wrap-TTL: 60",)
        made = inside.ask("POST", "sys/wrapping/wrap", body, headers=wrap).json["wrap_info"]
        store.vault("POST", "sys/namespaces/api-lock/lock/a", token=store.root)
        for token in (store.root, ""):
            answer = store.vault("POST", f"sys/wrapping/{way}", {"token": made["token"]}, token=token)
            assert answer.status == (503 if token or way != "rewrap" else 403), answer.body
        store.vault("POST", "sys/namespaces/api-lock/unlock/a", token=store.root)
        answer = store.vault("POST", "sys/wrapping/unwrap", {"token": made["token"]}, token=store.root)
        assert answer.data == body

    def test_a_root_token_needs_no_key(self, store):
        inside = create(store, "a")
        store.vault("POST", "sys/namespaces/api-lock/lock/a", token=store.root)
        assert store.vault("POST", "sys/namespaces/api-lock/unlock/a", token=store.root).status == 204
        assert inside.ask("GET", "sys/mounts").status == 200

    def test_neither_the_root_nor_what_is_not_there_is_locked(self, store):
        lock = "sys/namespaces/api-lock/lock"
        assert store.vault("POST", lock, token=store.root).status == 400
        assert store.vault("POST", f"{lock}/nope", token=store.root).status == 404
        assert store.vault("POST", "sys/namespaces/api-lock/unlock/nope", token=store.root).status == 404

    def test_a_key_is_nowhere_in_clear(self, store):
        create(store, "a")
        key = store.vault("POST", "sys/namespaces/api-lock/lock/a", token=store.root).data["unlock_key"]
        assert store.vault("GET", "sys/namespaces/a", token=store.root).body.find(key.encode()) < 0


def delete_and_clear(store):
    store.vault("DELETE", "sys/namespaces/a", token=store.root)
    store.local.keeper.tick()


class TestEnd:
    def furnish(self, inside):
        put(inside, "v")
        inside.policy("p", {**READ_ALL, "cubbyhole/*": ["create", "update"], "auth/token/create": ["update"]})
        inside.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        inside.ask("POST", "auth/userpass/users/ann", {"password": "a long password"})
        inside.ask("POST", "auth/token/roles/ci", {"allowed_policies": ["p"]})
        token = inside.token("p", ttl="1h")
        inside.token("p", by=token)
        inside.ask("PUT", "cubbyhole/deep/er", {"k": "v"}, token=token)
        inside.ask("POST", "sys/wrapping/wrap", {"k": "v"}, headers=("X-Vault-Wrap-TTL: 60",))
        return token, inside.token("p", type="batch")

    def test_nothing_is_left(self, store, form):
        create(store, "keep")
        store.local.keeper.tick()
        before = everything_in(store.storage)
        inside = create(store, "a", prefix=form)
        tokens = self.furnish(inside)
        assert len(everything_in(store.storage)) > len(before) + 20
        assert store.vault("DELETE", "sys/namespaces/a", token=store.root).status == 200
        for token in tokens:
            assert value(inside, token=token) in {403, 404}
            assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
        for _ in range(3):
            store.local.keeper.tick()
        assert everything_in(store.storage) == before

    def test_one_made_later_under_the_same_name_knows_nothing_of_it(self, store, form):
        inside = create(store, "a", prefix=form)
        tokens = self.furnish(inside)
        first = store.vault("GET", "sys/namespaces/a", token=store.root).data
        store.vault("DELETE", "sys/namespaces/a", token=store.root)
        again = create(store, "a", prefix=form)
        second = store.vault("GET", "sys/namespaces/a", token=store.root).data
        assert (first["uuid"] != second["uuid"], first["id"] != second["id"]) == (True, True)
        assert value(again) == 404
        for token in tokens:
            assert value(again, token=token) == 403
        assert again.ask("LIST", "auth/token/accessors").data["keys"] == []

    def test_one_with_others_in_it_stays(self, store):
        create(store, "a")
        inside = create(store, "a/b")
        put(inside, "v")
        refused = store.vault("DELETE", "sys/namespaces/a", token=store.root)
        assert refused.status == 400
        assert value(inside) == "v"

    def test_a_large_one_goes_bit_by_bit_and_lets_nobody_in_meanwhile(self, store):
        before = everything_in(store.storage)
        inside = create(store, "a")
        token = inside.token("default")
        for number in range(MAX_KEYS // 2):
            put(inside, "v", f"x{number:04}")
        started = store.vault("DELETE", "sys/namespaces/a", token=store.root)
        assert (started.status, started.data) == (200, {"status": "in-progress"})
        shown = store.vault("GET", "sys/namespaces/a", token=store.root).data
        assert shown["tainted"] is True
        assert inside.ask("GET", "secret/data/x0").status == 404
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
        assert store.vault("POST", "sys/namespaces/a", token=store.root).status == 400
        assert store.vault("POST", "sys/mounts/a", {"type": "kv"}, token=store.root).status == 400
        store.local.keeper.tick()
        assert everything_in(store.storage) == before
        assert store.vault("POST", "sys/namespaces/a", token=store.root).status == 200

    @pytest.mark.parametrize("stored", [True, False], ids=["after", "before"])
    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_crash_in_between_is_made_up_for(self, store, number, stored):
        before = everything_in(store.storage)
        inside = create(store, "a")
        tokens = [inside.token("default") for _ in range(3)]
        for written in range(3 * MAX_KEYS // 4):
            put(inside, "v", f"x{written:04}")
        store.storage.crash_at_commit(number, stored=stored)
        with pytest.raises(StorageBrokenError):
            delete_and_clear(store)
        store.restart(storage=store.storage.survivor())
        if (number, stored) == (1, False):
            assert inside.ask("GET", "secret/data/x0000").status == 200
            store.vault("DELETE", "sys/namespaces/a", token=store.root)
        assert inside.ask("GET", "sys/mounts").status == 404
        assert not any(store.is_live(token) for token in tokens)
        store.local.keeper.tick()
        assert everything_in(store.storage) == before

    def test_what_is_on_its_way_when_it_goes_is_refused(self, store):
        """A command that was decided on before the end, and arrives after it, leaves nothing behind."""
        inside = create(store, "a")
        frames, submit = [], store.local.submit
        store.local.submit = lambda frame, done: frames.append((frame, done))
        for method, path, body in (
            ("PUT", "secret/data/late", {"data": {"k": "v"}}),
            ("POST", "auth/token/create", {"policies": ["default"]}),
            ("POST", "sys/mounts/late", {"type": "kv"}),
            ("PUT", "sys/policies/acl/late", {"policy": 'path "x" { policy = "read" }'}),
            ("POST", "sys/namespaces/late", {}),
            ("POST", "sys/auth/late", {"type": "userpass"}),
        ):
            with pytest.raises(ValueError, match="not enough values"):
                inside.ask(method, path, body)
        store.local.submit = submit
        assert store.vault("DELETE", "sys/namespaces/a", token=store.root).status == 200
        left = everything_in(store.storage)
        for frame, done in frames:
            submit(frame, done)
        assert len(frames) == 6
        assert everything_in(store.storage) == left

    def test_a_thousand_come_and_go(self, store):
        before = everything_in(store.storage)
        names = [f"n{number:04}" for number in range(1000)]
        for name in names:
            assert store.vault("POST", f"sys/namespaces/{name}", token=store.root).status == 200
        assert store.vault("LIST", "sys/namespaces", token=store.root).data["keys"] == [
            f"{n}/" for n in names
        ]
        for name in names[: 2 * MAX_OPEN]:
            assert store.vault("GET", f"{name}/sys/mounts", token=store.root).status == 200
        opened = store.local.store.opened
        assert len(opened.namespaces._open) <= MAX_OPEN
        for name in names:
            assert store.vault("DELETE", f"sys/namespaces/{name}", token=store.root).status == 200
        assert everything_in(store.storage) == before
