"""No key is in an argument, an environment, a file or a log while volumes are used, with any provider.

The whole life of a volume's key is gone through while a sampler reads what the node and its programs show.
"""

import pytest
from tests.support.key_life import MIB, assert_unseen, files_of, go_through_life, keys_in, re_encrypt
from tests.support.node_process import NodeProcess
from tests.support.provider_surroundings import KINDS, READ_ONLY, Surroundings
from tests.support.sampler import Sampler
from tests.support.striking_node import Starter, StrikingNode


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    with Surroundings(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="module")
def starter():
    running = Starter()
    yield running
    running.close()


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_device(kind, surroundings, starter, tmp_path):
    environment = surroundings.of(kind, tmp_path)
    options = ("-secret_type", kind, "--grpc-listen", "off")
    with Sampler(tmp_path / "secrets") as sampler:
        if kind == "file":  # as it is started by hand; the others in less time
            opened = NodeProcess(tmp_path, *options, environment=environment)
        else:
            opened = StrikingNode(starter, tmp_path, *options, environment=environment)
        with opened as node:
            call = node.client(node.admin()).request
            key = {"DefaultSecretKey": "cluster-key", "Generate": kind != READ_ONLY, "Override": True}
            call("PUT", "cluster/secrets/defaultsecretkey", key)
            names, recovery_key = go_through_life(node, call, own_key=kind != READ_ONLY)
            node.stop()
            seen_in_files = files_of(node)
            keys = [*keys_in(kind, environment, node, names), recovery_key]
    assert_unseen(sampler, seen_in_files, keys)
    assert sampler.holds(b"holdfast.volumes.fuse_daemon"), "the sampler looks where it should"


def test_without_a_device(surroundings, tmp_path):
    environment = surroundings.of("file", tmp_path)
    options = ("-secret_type", "file", "--backend", "user-copy")
    source, copied = tmp_path / "mounts" / "source", tmp_path / "mounts" / "copied"
    with (
        Sampler(tmp_path / "secrets") as sampler,
        NodeProcess(tmp_path, *options, environment=environment) as node,
    ):
        source.mkdir()
        copied.mkdir()
        (source / "letter").write_bytes(b"kept")
        call = node.client(node.admin()).request
        spec = {"size": str(16 * MIB), "encrypted": True, "own_key": True}
        volume = call("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
        call("POST", "mountattach/import", {"volume_id": "vol1", "source_path": str(source)})
        call("POST", "volumes/rotatekey", {"volume_id": "vol1"})
        recovery_key = call("POST", "volumes/keys/recovery", {"volume_id": "vol1"})["recovery_key"]
        re_encrypt(call, "vol1")
        call("POST", "mountattach/export", {"volume_id": "vol1", "destination_path": str(copied)})
        assert (copied / "letter").read_bytes() == b"kept"
        node.stop()
        seen_in_files = files_of(node)
        keys = keys_in("file", environment, node, [f"holdfast/volumes/{volume}"])
    assert_unseen(sampler, seen_in_files, [*keys, recovery_key.encode()])
