"""Several nodes have one set of volumes and roles, and a volume is attached at one of them: real processes.

Over a real ZooKeeper and a real PostgreSQL. Nodes race, are killed, and are cut off from storage; what the
kernel has attached is what counts.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest
from tests.support.node_cluster import (
    LONG_LEASE,
    SHORT_LEASE,
    KernelsView,
    daemon_sessions,
    node_cluster,
    open_cluster_state,
    wait_until,
)

from holdfast.errors import HoldfastError, PermissionDeniedError
from holdfast.node.schedules.volume_plans import VolumePlans
from holdfast.volumes import loop

# What does not depend on the engine is tried on one of them.
ON_EITHER = pytest.mark.parametrize("nodes", ["zookeeper", "postgresql"], indirect=True)
ON_ONE = pytest.mark.parametrize("nodes", ["zookeeper"], indirect=True)


@pytest.fixture(scope="module")
def nodes(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(f"cluster-{request.param}")
    with node_cluster(directory, request.param, 3) as running:
        yield running


@ON_EITHER
def test_what_one_node_changes_every_other_knows_at_once(nodes):
    one, two, three = nodes
    alice = one.token("alice")
    volume = one.create("seen-everywhere", token=alice)
    for node in nodes:
        assert volume in node.call("GET", "volumes", token=alice)["volume_ids"]
    rules = [{"services": ["volume"], "apis": ["inspect*"]}]
    two.call("POST", "roles", {"role": {"name": "looker", "rules": rules}})
    looker = one.token("alice", roles=("looker",))
    found = three.call("GET", f"volumes/inspect/{volume}", token=looker)
    assert found["volume"]["id"] == volume
    one.call("DELETE", "roles/looker")
    with pytest.raises(PermissionDeniedError):
        three.call("GET", f"volumes/inspect/{volume}", token=looker)
    three.call("DELETE", f"volumes/{volume}", token=alice)
    for node in nodes:
        assert volume not in node.call("GET", "volumes", token=alice).get("volume_ids", [])


@ON_ONE
def test_every_node_names_all_nodes(nodes):
    for node in nodes:
        found = node.call("GET", "nodes/filters")["nodes"]
        assert {each["id"]: each["status"] for each in found} == dict.fromkeys(
            ("node1", "node2", "node3"), "STATUS_OK"
        )
        assert {each["holdfast"]["address"] for each in found} == {each.address for each in nodes}
        assert {each["security_status"] for each in found} == {"SECURED"}
        assert len({each["holdfast"]["pool_id"] for each in found}) == 1
    assert nodes[0].call("GET", "nodes/inspect/node3")["node"]["holdfast"]["address"] == nodes[2].address
    assert nodes[1].call("GET", "clusters/inspectcurrent")["cluster"]["holdfast"] == {
        "security": "secured",
        "security_required": True,
    }


@ON_ONE
def test_a_snapshot_that_is_due_is_taken_by_one_node(nodes):
    alice = nodes[0].token("alice")
    hour = (datetime.now(UTC).hour + 12) % 24  # not while this test runs
    volume = nodes[0].create("planned", token=alice, snapshot_schedule=f"daily={hour}:00,7")
    path, missed = f"volumes/snapshot/schedules/{volume}", 3 * 86_400
    storage = open_cluster_state(nodes[0])
    VolumePlans(storage).update(
        volume, lambda plan: msgspec.structs.replace(plan, planned_at=plan.planned_at - missed)
    )
    storage.close()

    def taken(node):
        return "taken_at" in node.call("GET", path, token=alice)["schedules"][0]

    # All nodes look, at moments of their own.
    wait_until(lambda: all(taken(node) for node in nodes), "a snapshot is taken")
    listed = nodes[1].call("POST", "volumes/snapshots/filters", {"volume_id": volume}, token=alice)
    (snapshot,) = listed["volume_snapshot_ids"]
    for gone in (snapshot, volume):
        nodes[2].call("DELETE", f"volumes/{gone}", token=alice)


@ON_EITHER
def test_of_nodes_that_race_to_attach_one_wins(nodes):
    volume = nodes[0].create("raced-for")
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            outcomes = list(pool.map(lambda node: node.try_to_attach(volume), nodes))
            winners = [node for node, outcome in zip(nodes, outcomes, strict=True) if outcome is None]
            assert len(winners) == 1
            assert sorted(outcomes, key=str).count("held_elsewhere") == 2
            devices = [str(loop.backing_file(device.path)) for device in loop.marked_devices()]
            assert sum(volume in device for device in devices) == 1
            winners[0].detach(volume)
    nodes[1].call("DELETE", f"volumes/{volume}")


@ON_ONE
def test_a_node_asked_for_anothers_volume_names_that_node_and_its_address(nodes):
    one, two, _ = nodes
    volume = one.create("elsewhere")
    one.attach(volume)
    assert two.call("GET", f"volumes/inspect/{volume}")["volume"]["attached_on"] == "node1"
    for method, path, body in (
        ("POST", "mountattach/attach", {"volume_id": volume}),
        ("POST", "mountattach/detach", {"volume_id": volume}),
        ("DELETE", f"volumes/{volume}", None),
    ):
        with pytest.raises(HoldfastError, match=rf"attached at node node1 \({one.address}\)"):
            two.call(method, path, body)
    one.detach(volume)
    two.call("DELETE", f"volumes/{volume}")


@ON_ONE
def test_an_administrator_has_it_released_where_it_is_and_that_node_confirms(nodes):
    one, two, _ = nodes
    alice = one.token("alice")
    volume = one.create("wanted", token=alice)
    one.attach(volume)
    with pytest.raises(HoldfastError, match="attached at node node1"):
        two.call(
            "POST",
            "mountattach/detach",
            {"volume_id": volume, "options": {"force": True}},
            token=alice,
        )
    two.detach(volume, force=True)
    two.attach(volume)
    two.detach(volume)
    two.call("DELETE", f"volumes/{volume}")


@ON_ONE
def test_a_killed_node_keeps_its_volumes_if_it_is_back_in_time(nodes):
    one, two, _ = nodes
    one.restart(*LONG_LEASE)
    volume = one.create("survives", own_key=True)
    device = one.attach(volume)
    mark = next(found for found in loop.marked_devices() if found.path == device)
    daemons = daemon_sessions(mark.uuid)
    one.kill()
    one.start()
    assert two.try_to_attach(volume) == "held_elsewhere"
    assert daemon_sessions(mark.uuid) == daemons
    assert one.attach(volume) == device
    one.detach(volume)
    one.call("DELETE", f"volumes/{volume}")


@ON_EITHER
def test_who_is_cut_off_or_dead_has_let_go_before_another_has_it(nodes):
    """One node is cut off from storage, another is killed and stays dead; the third gets both volumes."""
    one, two, three = nodes
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda node: node.restart(*SHORT_LEASE), (one, two)))
    held = {node: node.create(f"of-{node.directory.name}", own_key=True) for node in (one, two)}
    marks = {}
    for node, volume in held.items():
        device = node.attach(volume)
        marks[volume] = next(found for found in loop.marked_devices() if found.path == device)
    earlier = {volume: daemon_sessions(mark.uuid) for volume, mark in marks.items()}
    one.cut_off()
    two.kill()
    left = set(held.values())
    with KernelsView(marks[held[one]].uuid) as first, KernelsView(marks[held[two]].uuid) as second:

        def all_taken_over():
            for volume in tuple(left):
                reason = three.try_to_attach(volume)
                if reason is None:
                    assert not earlier[volume] & daemon_sessions(marks[volume].uuid)
                    left.discard(volume)
                else:
                    assert reason in {"held_elsewhere", "volume_busy"}
            return not left

        wait_until(all_taken_over, "node3 has both volumes")
    assert (first.most_devices, first.most_daemons) == (1, 1)
    assert (second.most_devices, second.most_daemons) == (1, 1)
    one.mend()
    two.start()
    for node, volume in held.items():
        wait_until(
            lambda node=node, volume=volume: node.try_to_attach(volume) == "held_elsewhere",
            "the node that was in trouble knows that it has lost the volume",
        )
        three.detach(volume)
        assert node.try_to_attach(volume) is None
        node.detach(volume)
        node.call("DELETE", f"volumes/{volume}")
