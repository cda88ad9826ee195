"""Copies of volumes among nodes that share a pool: one node's is seen by all, and none disturbs another's."""

import pytest
from tests.support.node_cluster import node_cluster

from holdfast.errors import HoldfastError


@pytest.fixture
def nodes(tmp_path):
    with node_cluster(tmp_path, "postgresql", 2) as running:
        yield running


def test_copies_among_nodes(nodes, tmp_path):
    one, two = nodes
    volume = one.create("vol1")
    one.attach(volume)
    with pytest.raises(HoldfastError):  # it is attached at the other node, which alone can freeze it
        two.call("POST", "volumes/snapshots", {"volume_id": volume, "name": "elsewhere"})
    snapshot = one.call("POST", "volumes/snapshots", {"volume_id": volume, "name": "snap1"})["snapshot_id"]
    one.detach(volume)
    clone = two.call("POST", "volumes/clone", {"parent_id": snapshot, "name": "copy1"})["volume_id"]
    listed = two.call("POST", "volumes/snapshots/filters", {"volume_id": volume})
    assert listed == {"volume_snapshot_ids": [snapshot]}
    two.attach(clone)
    one.attach(snapshot)
    one.detach(snapshot)
    two.call("POST", "volumes/snapshots/restore", {"volume_id": volume, "snapshot_id": snapshot})
    two.detach(clone)
    names = {path.name for path in (tmp_path / "pool").iterdir() if path.suffix in {".img", ".part", ".held"}}
    assert names == {f"{identity}.img" for identity in (volume, snapshot, clone)}
