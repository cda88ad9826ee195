"""A node that starts clears up: half-made copies and leftover keys go, frozen volumes are thawed."""

import fcntl
import os
import subprocess
import time
import uuid

import pytest
from tests.support.node_process import NodeProcess

from holdfast.clock import SystemClock
from holdfast.node.inventory.catalog import Catalog
from holdfast.noded.state import StateSettings, open_state
from holdfast.providers import SecretNotFoundError, SecretRef
from holdfast.providers.file import FileProvider
from holdfast.volumes.freezer import FIFREEZE
from holdfast.volumes.pool import Pool

SIZE, SECONDS = 16 << 20, 120


@pytest.fixture
def node(tmp_path):
    with NodeProcess(tmp_path) as made:
        yield made


def pool_of(node):
    return Pool(next(path for path in node.storage.iterdir() if path.name == "volumes"))


def files(node):
    return {
        path.name for path in pool_of(node).directory.iterdir() if path.suffix in {".img", ".part", ".held"}
    }


def test_a_start_after_a_crash(node):
    client = node.client(node.token("alice"))
    volume = client.request("POST", "volumes", {"name": "vol1", "spec": {"size": str(SIZE)}})["volume_id"]
    target = node.mount_root / "vol1"
    target.mkdir()
    client.request("POST", "mountattach/attach", {"volume_id": volume})
    client.request("POST", "mountattach/mount", {"volume_id": volume, "mount_path": str(target)})
    (target / "letter").write_text("kept")
    node.kill()
    directory = os.open(target, os.O_RDONLY)
    fcntl.ioctl(directory, FIFREEZE, 0)  # as if both had died, the node and what thaws for it
    os.close(directory)
    pool = pool_of(node)
    child = os.fork()
    if child == 0:
        with pool.draft(pool.volume("999", SIZE, str(uuid.uuid4()), encrypted=False)) as draft:
            draft.path.write_bytes(b"half a copy")
            os._exit(0)  # without the end of the block, as a crash
    os.waitpid(child, 0)
    assert len(files(node)) == 3

    node.start()
    subprocess.run(["/bin/sh", "-c", f"echo alive > {target}/pulse"], check=True, timeout=60)
    assert (target / "letter").read_text() == "kept"
    assert files(node) == {f"{volume}.img"}
    client = node.client(node.token("alice"))
    snapshot = client.request("POST", "volumes/snapshots", {"volume_id": volume, "name": "snap1"})[
        "snapshot_id"
    ]
    assert files(node) == {f"{volume}.img", f"{snapshot}.img"}
    listed = client.request("POST", "volumes/snapshots/filters", {"volume_id": volume})
    assert listed == {"volume_snapshot_ids": [snapshot]}


def test_a_key_of_a_volume_that_is_gone_is_destroyed_by_the_node_itself(tmp_path):
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    with NodeProcess(tmp_path, "-secret_type", "file", environment=environment) as node:
        client = node.client(node.token("alice"))
        spec = {"size": str(SIZE), "own_key": True}
        volume = client.request("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
        node.kill()
        storage = open_state(
            StateSettings(), node.storage / "records", cluster_id="test-cluster", clock=SystemClock()
        )
        catalog = Catalog(storage)
        record = catalog.get(volume)
        catalog.note_leftover_key(record.key)  # as a provider that was away leaves it
        catalog.remove(record)
        storage.close()
        provider, key = FileProvider(tmp_path / "secrets"), SecretRef(record.key.name)
        provider.get(key).value.wipe()

        node.start()
        until = time.monotonic() + SECONDS
        while is_there(provider, key):
            assert time.monotonic() < until, "nothing destroyed it"
            time.sleep(0.1)


def is_there(provider, key):
    try:
        provider.get(key).value.wipe()
    except SecretNotFoundError:
        return False
    return True
