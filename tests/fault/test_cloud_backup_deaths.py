"""A node that is killed amid a backup or a restore: nothing is lost, left behind or sent twice."""

import os
import time

import boto3
import pytest
from tests.support.metered_proxy import MeteredProxy
from tests.support.node_process import NodeProcess
from tests.support.s3_service import s3_service

from holdfast.client.errors import RemotePermissionDeniedError

WAIT_SECONDS = 60
PASSPHRASE = "canary-passphrase-of-backups"


@pytest.fixture
def scene(tmp_path):
    with s3_service() as service:
        proxy = MeteredProxy(service.port)
        environment = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
        listed = ("--cloud-endpoint", f"http://127.0.0.1:{proxy.port}")
        with NodeProcess(tmp_path, "-secret_type", "file", *listed, environment=environment) as node:
            yield Scene(node, proxy, service)
        proxy.close()


class Scene:
    def __init__(self, node, proxy, service):
        self.node, self.proxy, self.service = node, proxy, service
        self.s3 = boto3.client(
            "s3",
            endpoint_url=f"http://{service.endpoint}",
            region_name="us-east-1",
            aws_access_key_id=service.owner.access_key,
            aws_secret_access_key=service.owner.secret_key,
        )
        aws = {
            "access_key": service.owner.access_key,
            "secret_key": service.owner.secret_key,
            "endpoint": f"127.0.0.1:{proxy.port}",
            "region": "us-east-1",
            "disable_ssl": True,
        }
        body = {"name": "store", "bucket": service.bucket, "encryption_key": PASSPHRASE}
        self.ask("POST", "credentials", {**body, "aws_credential": aws})
        spec = {"size": str(8 << 20), "format": "FS_TYPE_EXT4", "own_key": True}
        self.ask("POST", "volumes", {"name": "data", "spec": spec})
        tree = node.mount_root / "tree"
        tree.mkdir()
        (tree / "noise").write_bytes(os.urandom(2 << 20))
        self.ask("POST", "mountattach/import", {"volume_id": "data", "source_path": str(tree)})

    def ask(self, verb, path, body=None):
        client = self.node.client(self.node.token("alice"))
        try:
            return client.request(verb, path, body)
        finally:
            client.close()

    def objects(self, part):
        found = self.s3.list_objects_v2(Bucket=self.service.bucket).get("Contents", [])
        return {each["Key"]: each["ETag"] for each in found if part in each["Key"]}

    def task(self, task):
        return self.ask("POST", "cloudbackups/status", {"task_id": task})["statuses"][task]

    def state(self, task):
        return self.task(task)["status"].removeprefix("SdkCloudBackupStatusType")

    def pool(self):
        return {path.name for path in (self.node.storage / "volumes").iterdir() if "lock" not in path.name}

    def restart(self):
        self.node.kill()
        self.proxy.pass_on(None)
        self.node.start()


def until(true):
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_node_killed_in_a_backup_and_in_a_restore(scene):
    pool = scene.pool()
    scene.proxy.pass_on(4 << 20)
    task = scene.ask("POST", "cloudbackups", {"volume_id": "data"})["task_id"]
    until(lambda: scene.proxy.is_used_up() and scene.objects("/c/"))
    scene.restart()
    there = scene.objects("/c/")
    assert scene.state(task) == "Paused"
    assert scene.pool() == pool  # the copy that was being sent is gone
    assert scene.objects("/m/") == {}

    wanted = {"task_id": task, "requested_state": "SdkCloudBackupRequestedStateResume"}
    scene.ask("POST", "cloudbackups/statechange", wanted)
    until(lambda: scene.state(task) not in {"Active", "Paused"})
    done = scene.task(task)
    assert done["status"].endswith("Done"), done
    # An object that is sent again is sealed anew, and has another checksum.
    assert there.items() <= scene.objects("/c/").items()
    assert int(done["bytes_moved"]) < int(done["bytes_done"])

    secrets = set((scene.node.directory / "secrets").rglob("*"))
    scene.proxy.pass_on(6000)  # enough for the manifest, and some of the data
    body = {"backup_id": done["backup_id"], "restore_volume_name": "again", "own_key": True}
    begun = scene.ask("POST", "cloudbackups/restore", body)
    until(scene.proxy.is_used_up)
    scene.restart()
    assert scene.state(begun["task_id"]) == "Failed"
    assert scene.pool() == pool
    assert set((scene.node.directory / "secrets").rglob("*")) == secrets
    with pytest.raises(RemotePermissionDeniedError):
        scene.ask("GET", "volumes/inspect/again")

    begun = scene.ask("POST", "cloudbackups/restore", body)
    until(lambda: scene.state(begun["task_id"]) != "Active")
    assert scene.state(begun["task_id"]) == "Done"
    out = scene.node.mount_root / "out"
    out.mkdir()
    scene.ask("POST", "mountattach/export", {"volume_id": "again", "destination_path": str(out)})
    assert (out / "noise").read_bytes() == (scene.node.mount_root / "tree" / "noise").read_bytes()
