"""The whole way as nobody: a node without root, FUSE or loop devices keeps encrypted volumes all the same."""

import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest
from tests.support.node_process import SHARED_SECRET, NodeProcess

from holdfast.errors import UnsupportedError
from holdfast.noded import NodeOptions, run

NOBODY = 65534
LOADED_LATE = ("holdfast.noded.process", "holdfast.providers.file", "encodings.ascii", "encodings.idna")
CANARY = b"canary-content-of-the-letter"
START_SECONDS = 60.0


def run_as_nobody(options: NodeOptions, log: Path, environment: dict[str, str]) -> int:
    """Fork a node that has given up every right; return its process id.

    Forked, not started anew: nobody may not read the interpreter where it lives in root's home. For the
    same reason everything that the node loads late is loaded before.
    """
    for module in LOADED_LATE:
        importlib.import_module(module)
    child = os.fork()
    if child:
        return child
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.environ.update(environment)
        os._exit(run(options))
    except Exception:  # noqa: BLE001 - the child has nobody else to tell
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(70)


@pytest.fixture
def directory():
    path = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    for made in (path, path / "mounts"):
        made.mkdir(exist_ok=True)
        os.chown(made, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def node(directory):
    process = NodeProcess(directory)  # only for its tokens and paths
    options = NodeOptions(
        storage=str(process.storage),
        listen="127.0.0.1:0",
        jwt_issuer="test.holdfast",
        secret_type="file",
        mount_roots=(str(process.mount_root),),
        ready_file=str(process.ready_file),
    )
    environment = {
        "PORTWORX_AUTH_JWT_SHAREDSECRET": SHARED_SECRET,
        "HOLDFAST_SECRETS_DIRECTORY": str(directory / "secrets"),
    }
    child = run_as_nobody(options, process.log_path, environment)
    deadline = time.monotonic() + START_SECONDS
    while not process.ready_file.exists():
        assert time.monotonic() < deadline, process.log_path.read_text()
        time.sleep(0.02)
    process.address = json.loads(process.ready_file.read_text())["address"]
    yield process
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_trees_go_in_and_out_and_the_node_says_which_way_it_took(node):
    admin, alice = node.client(node.admin()), node.client(node.token("alice"))
    way = admin.request("GET", "nodes/inspectcurrent")["node"]["holdfast"]
    assert (way["backend"], way.get("attaches", False)) == ("user-copy", False)
    assert all("root" in reason for reason in way["passed_over"].values())
    body = {"DefaultSecretKey": "cluster-key", "Generate": True}
    admin.request("PUT", "cluster/secrets/defaultsecretkey", body)
    spec = {"size": str(16 << 20), "encrypted": True}
    volume_id = alice.request("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
    with pytest.raises(UnsupportedError, match="hfctl volume import"):
        alice.request("POST", "mountattach/attach", {"volume_id": "vol1"})
    source, target = node.mount_root / "in", node.mount_root / "out"
    for path in (source, target):
        path.mkdir()
        os.chown(path, NOBODY, NOBODY)
    (source / "letter").write_bytes(CANARY)
    alice.request("POST", "mountattach/import", {"volume_id": "vol1", "source_path": str(source)})
    assert CANARY not in (node.storage / "volumes" / f"{volume_id}.img").read_bytes()
    admin.request("POST", "cluster/secrets/rotatedefaultsecretkey", {})
    alice.request("POST", "mountattach/export", {"volume_id": "vol1", "destination_path": str(target)})
    assert (target / "letter").read_bytes() == CANARY
    assert alice.request("DELETE", "volumes/vol1")["holdfast"]["keyslots_destroyed"] == 1
