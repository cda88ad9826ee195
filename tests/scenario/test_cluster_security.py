"""Security is switched on, node by node, on a cluster that runs; two clusters pair by a token of one use."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.certificates import TestAuthority
from tests.support.node_cluster import node_cluster, wait_until
from tests.support.postgresql import shared_server

from holdfast.client.errors import RemotePermissionDeniedError, RemoteUnauthenticatedError
from holdfast.client.tls import TlsSettings
from holdfast.errors import HoldfastError, PermissionDeniedError, UnauthenticatedError

GUEST = ""  # a call without a token


def unsecured(node, number):
    del number
    node.has_keys = False
    node.words = ("--security", "off")


def security_of(node, *, token=None):
    found = node.call("GET", "clusters/inspectcurrent", token=token)["cluster"]["holdfast"]
    return found["security"], found.get("security_required", False), found.get("unsecured_nodes", [])


def hfctl(node, *words, typed=""):
    return subprocess.run(
        [sys.executable, "-m", "holdfast.cli.hfctl", *words],
        env={"PATH": "/usr/bin:/bin", "HOME": str(node.directory)},
        input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_security_is_enabled_on_a_cluster_that_runs(tmp_path):
    """The page on enabling security, step by step, on three nodes."""
    with node_cluster(tmp_path, "zookeeper", 3, prepare=unsecured) as nodes:
        one, two, three = nodes

        # Before: whoever reaches a node may do everything there, and every node says so.
        assert security_of(two, token=GUEST) == ("unsecured", False, ["node1", "node2", "node3"])
        old = one.create("from-before", token=GUEST)
        stale = one.call("GET", "clusterpairs/token", token=GUEST)["result"]["token"]
        two.attach(old)

        # One node has keys: it does not believe what has none, and the mixture is reported.
        one.has_keys = True
        one.restart()
        with pytest.raises(PermissionDeniedError, match="without authentication token"):
            one.call("GET", "volumes", token=GUEST)
        assert security_of(one) == ("mixed", False, ["node2", "node3"])
        statuses = one.call("GET", "nodes/filters")["nodes"]
        assert {each["id"]: each["security_status"] for each in statuses} == {
            "node1": "SECURED",
            "node2": "UNSECURED",
            "node3": "UNSECURED",
        }
        wait_until(
            lambda: "nodes without security are node2, node3" in one.log_path.read_text(),
            "the mixture is in the log",
        )
        made = hfctl(
            one, "context", "create", "admin", "--endpoint", one.address, "--token", "-", typed=one.admin()
        )
        assert made.returncode == 0, made.stderr
        status = hfctl(one, "status")
        assert status.returncode == 0, status.stderr
        assert "MIXED" in status.stdout
        assert "node2, node3 of 3 nodes look at no token" in status.stderr

        # At the others whoever calls is a guest now: what has no owner stays usable, the rest is closed.
        alice = one.token("alice")
        hers = one.create("of-alice", token=alice)
        assert two.call("GET", "volumes", token=GUEST)["volume_ids"] == [old]
        two.detach(old)
        with pytest.raises(PermissionDeniedError):
            two.call("GET", f"volumes/inspect/{hers}", token=GUEST)
        with pytest.raises(PermissionDeniedError):
            two.call("GET", f"volumes/inspect/{hers}", token=alice)  # no token is looked at there
        with pytest.raises(PermissionDeniedError):
            two.call(
                "POST",
                "roles",
                {"role": {"name": "mine", "rules": [{"services": ["*"], "apis": ["*"]}]}},
                token=GUEST,
            )
        with pytest.raises(PermissionDeniedError):
            two.call("POST", "clusterpairs/token", {}, token=GUEST)

        # All have keys: from then on it is required.
        for node in (two, three):
            node.has_keys = True
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda node: node.restart(), (two, three)))
        wait_until(lambda: security_of(three) == ("secured", True, []), "the cluster is secured")
        three.stop()
        three.has_keys, three.words = False, ("--security", "off")
        code, said = three.refused()
        assert code != 0
        assert "this cluster is secured" in said

        # What is from before has no owner: it is the storage administrators'.
        with pytest.raises(PermissionDeniedError):
            one.call("GET", f"volumes/inspect/{old}", token=alice)
        assert old not in one.call("GET", "volumes", token=alice)["volume_ids"]
        assert one.call("GET", f"volumes/inspect/{old}")["volume"]["id"] == old

        # The cluster token is made anew, and the old one opens nothing.
        fresh = one.call("POST", "clusterpairs/token", {})["result"]["token"]
        request = {"token": stale, "cluster_id": "intruder", "endpoints": []}
        with pytest.raises(UnauthenticatedError):
            two.call("POST", "clusterpairs/accept", request, token=stale)
        answer = two.call("POST", "clusterpairs/accept", {**request, "token": fresh}, token=fresh)
        assert answer["cluster_id"] == "test-cluster"


@pytest.fixture
def two_clusters(tmp_path):
    """Two clusters of one node each, in one table of one PostgreSQL."""
    authority = TestAuthority()
    ca_file = authority.write_authority(tmp_path / "ca.pem")

    def prepare(node, number):
        certificate, key = authority.issue(node.directory, f"node{number}")
        node.words = (
            "-c", f"cluster-{number}", "-apicert", certificate, "-apikey", key, "--pair-ca", ca_file,
        )  # fmt: skip
        node.tls = TlsSettings(ca_cert=ca_file)

    with node_cluster(tmp_path, "postgresql", 2, shared_pool=False, prepare=prepare) as nodes:
        yield nodes


def pair(node, other, token, **fields):
    host, _, port = other.address.removeprefix("https://").rpartition(":")
    request = {"remote_cluster_ip": host, "remote_cluster_port": int(port), "remote_cluster_token": token}
    return node.call("POST", "clusterpairs", {"request": {**request, **fields}})["result"]


def test_clusters_pair_and_a_pair_opens_nothing(two_clusters, tmp_path):
    one, two = two_clusters

    # Two clusters on one storage do not see each other.
    volume = one.create("only-here")
    assert two.call("GET", "volumes").get("volume_ids", []) == []
    assert [each["id"] for each in two.call("GET", "nodes/filters")["nodes"]] == ["node2"]
    assert one.call("GET", "volumes")["volume_ids"] == [volume]

    # The token is for storage administrators to show, opens one call, and is kept by nobody.
    with pytest.raises(RemotePermissionDeniedError):
        two.call("GET", "clusterpairs/token", token=two.token("eve", roles=("system.admin",)))
    token = two.call("GET", "clusterpairs/token")["result"]["token"]
    for path in ("volumes", "roles", "nodes", "clusterpairs", "clusterpairs/token", "identities/version"):
        with pytest.raises(RemotePermissionDeniedError):
            two.call("GET", path, token=token)
    with pytest.raises(RemotePermissionDeniedError):
        two.call("POST", "clusterpairs/accept", {"token": token, "cluster_id": "x"})  # an administrator
    assert pair(one, two, token, set_default=True) == {
        "remote_cluster_id": "cluster-2",
        "remote_cluster_name": "cluster-2",
    }
    with pytest.raises(HoldfastError, match="the other cluster refuses it"):
        pair(one, two, token)
    assert token.encode() not in shared_server().dump(schema="nodes")
    assert token not in one.log_path.read_text() + two.log_path.read_text()

    # Both know the other, and neither knows a secret of it.
    listed = one.call("GET", "clusterpairs")["result"]
    assert listed["default_id"] == "cluster-2"
    assert listed["pairs"]["cluster-2"] == {
        "id": "cluster-2",
        "name": "cluster-2",
        "endpoint": two.address,
        "current_endpoints": [two.address],
        "secure": True,
    }
    viewer = two.token("viewer", roles=("system.view",))
    found = two.call("GET", "clusterpairs/inspect/cluster-1", token=viewer)["result"]["pair_info"]
    assert found["current_endpoints"] == [one.address]
    assert "token" not in found

    # A reset ends every token before it; a pair can be forgotten.
    shown = two.call("GET", "clusterpairs/token")["result"]["token"]
    reset = two.call("POST", "clusterpairs/token", {})["result"]["token"]
    with pytest.raises(HoldfastError, match="the other cluster refuses it"):
        pair(one, two, shown)
    with pytest.raises(RemoteUnauthenticatedError):
        two.call("POST", "clusterpairs/accept", {"token": shown, "cluster_id": "x"}, token=shown)
    one.call("DELETE", "clusterpairs/cluster-2")
    assert one.call("GET", "clusterpairs")["result"].get("pairs", {}) == {}
    pair(one, two, reset)

    # Whoever cannot prove to be the other cluster gets no token to see.
    stranger = TestAuthority("Another CA").write_authority(tmp_path / "stranger.pem")
    one.restart(*one.words, "--pair-ca", stranger)
    with pytest.raises(HoldfastError, match=r"(?i)certificate"):
        pair(one, two, two.call("GET", "clusterpairs/token")["result"]["token"])
    own = two.call("GET", "clusterpairs/token")["result"]["token"]
    with pytest.raises(HoldfastError, match="another cluster"):
        pair(two, two, own)
