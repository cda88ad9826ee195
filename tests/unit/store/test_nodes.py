"""Several nodes over one storage, as stores in one process: what one does, the others follow at once.

On a server each node has an engine of its own, as nodes have; memory can only be one for all.
"""

import os

import pytest
from tests.support import postgresql, zookeeper
from tests.support.local_store import StoreUnderTest
from tests.support.namespaces import In, create, everything_in

from holdfast.storage import StorageUnavailableError
from holdfast.storage.factory import open_storage
from holdfast.storage.memory import MemoryStorage
from holdfast.store.keeper_commands import RotateKeyring


@pytest.fixture(params=["inmem", "postgresql", "zookeeper"])
def storages(request):
    """Yield what each of three nodes has as its storage."""
    name = f"nodes_{os.urandom(8).hex()}"
    if request.param == "inmem":
        engines = [MemoryStorage(shared=True)] * 3
    elif request.param == "postgresql":
        options = {"connection_url": postgresql.shared_server().url(), "table": f"nodes.{name}"}
        engines = [open_storage("postgresql", options) for _ in range(3)]
    else:
        options = {"address": zookeeper.shared_server(), "path": f"/{name}", "unprotected": True}
        engines = [open_storage("zookeeper", options) for _ in range(3)]
    yield engines
    for engine in engines:
        engine.close()


def begin(storages):
    return [StoreUnderTest(storage=storage, node_id=f"node-{n}") for n, storage in enumerate(storages, 1)]


@pytest.fixture
def nodes(storages):
    first, second, third = begin(storages)
    first.initialize(shares=1, threshold=1)
    for node in (second, third):
        node.root, node.shares, node.threshold = first.root, first.shares, 1
        node.unseal()
    return first, second, third


def tick(*nodes):
    for node in nodes:
        node.local.keeper.tick()


def write(node, path, value, **options):
    return node.vault("PUT", f"secret/data/{path}", {"data": {"v": value}, **options}, token=node.root)


def read(node, path, token=None):
    answer = node.vault("GET", f"secret/data/{path}", token=token or node.root)
    return answer.json["data"]["data"]["v"] if answer.status == 200 else answer.status


class TestWhatOneWritesTheOthersRead:
    def test_secrets(self, nodes):
        for number, node in enumerate(nodes):
            assert write(node, "a", number).status == 200
            assert [read(other, "a") for other in nodes] == [number] * 3

    def test_many_secrets_and_names_under_a_key_that_is_newer(self, nodes):
        first, second, third = nodes
        assert write(first, "a", 1).status == 200
        assert second.vault("PUT", "sys/rotate", token=second.root).status in {200, 204}
        assert write(second, "d/b", 2).status == 200
        paths = ["secret/data/a", "secret/data/d/b", "secret/data/none"]
        read = third.vault("POST", "sys/kv/bulk-read", {"paths": paths}, token=third.root)
        assert [entry["status"] for entry in read.data["results"]] == [200, 200, 404]
        found = first.vault("POST", "sys/kv/search", {}, token=first.root).data["results"]
        assert [entry["name"] for entry in found] == ["a", "d/b"]
        assert third.vault("SCAN", "secret/metadata/", token=third.root).data["keys"] == ["a", "d/b"]

    def test_that_a_mount_has_versions_from_now_on(self, nodes):
        first, second, third = nodes
        first.vault("PUT", "sys/mounts/old", {"type": "kv"}, token=first.root)
        assert second.vault("PUT", "old/a", {"k": "v"}, token=second.root).status == 204
        assert third.vault("GET", "old/a", token=third.root).data == {"k": "v"}
        tuned = third.vault("POST", "sys/mounts/old/tune", {"options": {"version": "2"}}, token=third.root)
        assert tuned.status == 204
        for node in nodes:
            assert node.vault("GET", "old/data/a", token=node.root).data["data"] == {"k": "v"}
            assert node.vault("PUT", "old/a", {"k": "late"}, token=node.root).status == 404

    def test_namespaces_and_what_is_in_them(self, nodes):
        first, second, third = nodes
        inside = create(first, "team")
        assert write(second, "a", 1).status == 200
        answer = In(second, "team", prefix=True).ask("PUT", "secret/data/a", {"data": {"v": "in"}})
        assert answer.status == 200
        inside.policy("p", {"secret/*": ["read"]})
        token = inside.token("p")
        shown = In(third, "team").ask("GET", "secret/data/a", token=token)
        assert shown.data["data"] == {"v": "in"}
        assert read(third, "a", token) == 403
        for number in range(40):
            inside.ask("PUT", f"secret/data/many/{number}", {"data": {"v": number}})
        assert second.vault("DELETE", "sys/namespaces/team", token=second.root).status == 200
        assert In(third, "team").ask("GET", "secret/data/a").status == 404
        assert third.vault("GET", "auth/token/lookup-self", token=token).status == 403
        tick(*nodes)
        left = everything_in(first.storage)
        assert not [key for key in left if key.startswith(("ns/", "namespaces/"))]
        assert create(third, "team").ask("GET", "secret/data/a").status == 404

    def test_check_and_set_counts_for_all(self, nodes):
        first, second, _ = nodes
        write(first, "a", 1)
        assert write(second, "a", 2, options={"cas": 0}).status == 400
        assert write(second, "a", 2, options={"cas": 1}).status == 200
        assert read(first, "a") == 2

    def test_tokens_and_their_end(self, nodes):
        first, second, third = nodes
        token = first.token(policies=["root"])
        write(first, "a", 1)
        assert [read(node, "a", token) for node in nodes] == [1] * 3
        assert second.vault("PUT", "auth/token/revoke", {"token": token}, token=second.root).status == 204
        assert [read(node, "a", token) for node in nodes] == [403] * 3
        assert third.is_live(token) is False

    def test_policies_and_mounts(self, nodes):
        first, second, third = nodes
        token = second.token_for({"team/*": ["read", "update", "create"]})
        assert first.vault("PUT", "team/a", {"k": "v"}, token=token).status == 404
        assert third.vault("PUT", "sys/mounts/team", {"type": "kv"}, token=third.root).status == 204
        assert first.vault("PUT", "team/a", {"k": "v"}, token=token).status == 204
        assert second.vault("GET", "team/a", token=token).json["data"] == {"k": "v"}


class TestKeys:
    def test_a_record_under_a_newer_key_is_read_and_replaced(self, nodes):
        first, second, third = nodes
        write(first, "a", 1)
        assert first.vault("PUT", "sys/rotate", token=first.root).status == 204
        write(first, "a", 2)
        assert read(second, "a") == 2
        assert write(third, "a", 3).status == 200
        assert [read(node, "a") for node in nodes] == [3] * 3

    def test_two_rotations_at_once_leave_nobody_behind(self, nodes):
        for node in nodes:
            node.local.store.submit(RotateKeyring(), lambda _: None)
            write(node, f"of-{node.node_id}", 1)
        for node in nodes:
            assert [read(node, f"of-{other.node_id}") for other in nodes] == [1] * 3
        terms = {node.vault("GET", "sys/key-status", token=node.root).json["term"] for node in nodes}
        assert len(terms) == 1

    def test_encryptions_are_reserved_after_a_rotation_elsewhere(self, nodes):
        first, second, _ = nodes
        first.vault("PUT", "sys/rotate", token=first.root)
        second.local.keeper.require_unsealed().keyring._allowance = 1  # nearly used up
        for number in range(5):
            assert write(second, "a", number).status == 200
        assert read(first, "a") == 4


class TestSealing:
    def test_a_seal_at_one_node_is_obeyed_by_all_at_once(self, nodes):
        write(nodes[0], "a", 1)
        nodes[1].seal()
        assert [read(node, "a") for node in nodes] == [503] * 3
        assert [write(node, "a", 2).status for node in nodes] == [503] * 3
        tick(*nodes)
        assert all(node.local.store.is_sealed for node in nodes)

    def test_unsealing_one_node_ends_the_seal_and_the_others_need_the_key_too(self, nodes):
        write(nodes[0], "a", 1)
        nodes[0].seal()
        tick(*nodes)
        nodes[2].unseal()
        tick(*nodes)
        assert [read(node, "a") for node in nodes] == [503, 503, 1]
        nodes[0].unseal()
        assert read(nodes[0], "a") == 1

    def test_one_node_alone_can_be_sealed_and_opened(self, nodes):
        first, second, _ = nodes
        write(first, "a", 1)
        assert second.vault("PUT", "sys/seal?this_node=true", token=second.root).status == 204
        tick(*nodes)
        assert [read(node, "a") for node in nodes] == [1, 503, 1]
        assert second.vault("PUT", "sys/unseal?this_node=true", {"key": second.shares[0]}).status == 200
        assert [read(node, "a") for node in nodes] == [1] * 3

    def test_shares_are_passed_on_to_peers_once(self, nodes):
        first, second, third = nodes
        passed = []

        class Peers:
            def pass_on(self, command):
                passed.append(command.share)
                for node in (second, third):
                    node.vault("PUT", "sys/unseal?this_node=true", {"key": command.share})
                return ["https://gone:1"]

        write(first, "a", 1)
        first.seal()
        tick(*nodes)
        first.local.store._peers = Peers()
        answer = first.dcos("PUT", "unseal/default", {"key": first.shares[0]})
        assert passed == first.shares
        assert answer.json["sealed"] is False
        assert "still sealed" in answer.json["warnings"][0]
        tick(*nodes)
        assert [read(node, "a") for node in nodes] == [1] * 3


class TestBeginning:
    def test_a_node_notices_that_another_initialised(self, storages):
        first, second, _ = begin(storages)
        assert second.vault("GET", "sys/init").json == {"initialized": False}
        first.initialize(shares=1, threshold=1)
        assert second.vault("GET", "sys/init").json == {"initialized": True}
        second.root, second.shares, second.threshold = first.root, first.shares, 1
        second.unseal()
        write(first, "a", 1)
        assert read(second, "a") == 1

    def test_only_one_node_can_initialise(self, storages):
        first, second, _ = begin(storages)
        first.initialize(shares=1, threshold=1)
        again = second.vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        assert again.status == 400

    def test_new_shares_count_at_every_node(self, nodes):
        first, second, third = nodes
        write(first, "a", 1)
        answer = second.dcos("PUT", "init/default", {"shares": 1, "threshold": 1}, token=second.root)
        first.seal()
        tick(*nodes)
        assert third.vault("PUT", "sys/unseal", {"key": first.shares[0]}).status == 400
        assert third.vault("PUT", "sys/unseal", {"key": answer.json["keys"][0]}).json["sealed"] is False
        assert read(third, "a") == 1


@pytest.mark.parametrize("storages", ["inmem"], indirect=True)
class TestStorageAway:
    def test_is_said_and_nothing_is_lost(self, nodes):
        first, second, _ = nodes
        write(first, "a", 1)
        storage = first.storage
        storage._refusal = StorageUnavailableError("storage: away for a test")
        assert [read(node, "a") for node in nodes] == [503] * 3
        assert write(second, "a", 2).status == 503
        assert first.vault("GET", "sys/seal-status").json["sealed"] is False
        assert first.vault("GET", "sys/health").status == 200
        assert first.dcos("GET", "ping").status == 200
        storage._refusal = None
        assert [read(node, "a") for node in nodes] == [1] * 3
        assert write(second, "a", 3).status == 200


class TestUpkeep:
    def test_is_done_by_one_node_at_a_time(self, nodes):
        first, second, third = nodes
        token = first.token(ttl=10)
        for node in nodes:
            node.clock.advance(100) if node is first else None
            node.clock = first.clock
        tick(first)
        assert first.local.keeper._upkeep._lease is not None
        tick(second, third)
        assert second.local.keeper._upkeep._lease is None
        assert second.is_live(token) is False
