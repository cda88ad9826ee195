"""A node that starts clears up after a crash: half-made copies go, frozen volumes are thawed."""

import fcntl
import os
import subprocess
import uuid

import pytest
from tests.support.node_process import NodeProcess

from holdfast.volumes.freezer import FIFREEZE
from holdfast.volumes.pool import Pool

SIZE = 16 << 20


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
