"""What a node without security lets callers do follows from what the others of its cluster do."""

import pytest
from tests.support.simulated_cluster import LEASE_SECONDS, PlayedCluster

from holdfast.clock import ManualClock
from holdfast.errors import ConflictError
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.cluster_security import ClusterSecurity, ClusterState, Standing
from holdfast.node.cluster.node_cluster import NodeCluster

UNSECURED, SECURED, REMOVAL = SecurityStatus


class Node:
    """A node of a played cluster, and its view of how secured that is."""

    def __init__(self, cluster, name, status):
        self.node = cluster.add(name)
        self.cluster = cluster
        self.start(status)

    def start(self, status):
        self.node.security = status
        self.node.start()
        self.security = ClusterSecurity(self.cluster.storage, self.node.membership, clock=ManualClock())
        self.security.check_start()

    def beat(self):
        self.node.beat()
        self.security.look()


@pytest.fixture
def cluster(tmp_path):
    return PlayedCluster(tmp_path)


@pytest.fixture
def trio(cluster):
    def make(*statuses):
        nodes = [Node(cluster, f"node{number}", status) for number, status in enumerate(statuses)]
        for node in nodes:
            node.beat()
        return nodes

    return make


@pytest.mark.parametrize(
    ("statuses", "state", "standing", "required"),
    [
        pytest.param(
            (UNSECURED, UNSECURED), ClusterState.UNSECURED, Standing.EVERYTHING, False, id="none-is-secured"
        ),
        pytest.param((UNSECURED, SECURED), ClusterState.MIXED, Standing.AS_GUESTS, False, id="one-is"),
        pytest.param(
            (UNSECURED, REMOVAL), ClusterState.MIXED, Standing.AS_GUESTS, False, id="one-is-and-permits"
        ),
        pytest.param((SECURED, SECURED), ClusterState.SECURED, Standing.NOTHING, True, id="all-are"),
        pytest.param((SECURED, REMOVAL), ClusterState.SECURED, Standing.NOTHING, False, id="one-permits"),
        pytest.param((REMOVAL, REMOVAL), ClusterState.SECURED, Standing.NOTHING, False, id="all-permit"),
    ],
)
def test_what_nodes_say_of_themselves_decides(trio, statuses, state, standing, required):
    first, *_ = trio(*statuses)
    assert first.security.state() is state
    assert first.security.standing() is standing
    assert first.security.required is required


def test_a_node_without_security_is_refused_once_all_others_are_secured(cluster, trio):
    trio(SECURED, SECURED)
    with pytest.raises(ConflictError, match="this cluster is secured"):
        Node(cluster, "late", UNSECURED)


def test_a_node_that_missed_it_serves_nobody_from_its_next_call_on(trio):
    first, second, third = trio(UNSECURED, UNSECURED, UNSECURED)
    first.node.kill()  # as if it hung: it renews nothing, and goes on to answer
    for node in (second, third):
        node.start(SECURED)
    for _ in range(10):
        first.cluster.advance(LEASE_SECONDS / 4)
        for node in (second, third):
            node.beat()
    assert second.security.required
    assert first.security.standing() is Standing.NOTHING


def test_security_is_only_taken_away_once_every_node_permits_it(cluster, trio):
    first, second = trio(SECURED, SECURED)
    first.start(REMOVAL)
    first.beat()
    assert first.security.required
    second.start(REMOVAL)
    second.beat()
    assert not first.security.required
    late = Node(cluster, "late", UNSECURED)
    assert late.security.standing() is Standing.AS_GUESTS
    for node in (first, second):
        node.start(UNSECURED)
    assert late.security.standing() is Standing.EVERYTHING


def test_a_node_that_cannot_serve_says_so_to_whoever_asks_how_it_fares(trio):
    first, second = trio(UNSECURED, SECURED)
    parts = NodeCluster(membership=first.node.membership, security=first.security, lock=first.node.lock)
    assert parts.is_serving()
    first.cluster.advance(LEASE_SECONDS)
    assert not parts.is_serving()  # out of touch with the others
    first.beat()
    assert parts.is_serving()
    first.node.heart.stop()
    second.beat()
    first.node.start()
    again = NodeCluster(membership=first.node.membership, security=first.security, lock=first.node.lock)
    assert second.security.required
    assert not again.is_serving()  # and not let in


def test_the_mixture_is_reported_when_it_comes_and_when_it_changes(trio, caplog):
    caplog.set_level("INFO", logger="holdfast.node")
    first, second, third = trio(SECURED, UNSECURED, UNSECURED)
    assert "nodes without security are node1, node2" in caplog.text
    caplog.clear()
    first.beat()
    assert not caplog.text
    second.start(SECURED)
    first.beat()
    assert "nodes without security are node2\n" in caplog.text
    third.start(SECURED)
    first.beat()
    assert "the cluster is secured" in caplog.text
