"""docs/cloud-backups.md, carried out: every block in order, against a real node and a real S3 service."""

import json

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.node_process import NodeProcess
from tests.support.s3_service import s3_service

PASSPHRASE = "canary-passphrase-of-backups"


@pytest.fixture
def reader(tmp_path):
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    with s3_service() as service:
        listed = ("--cloud-endpoint", f"http://{service.endpoint}")
        with NodeProcess(tmp_path, "-secret_type", "file", *listed, environment=environment) as node:
            made = Reader(tmp_path)
            made.replacements["/mnt"] = str(node.mount_root)
            made.replacements["127.0.0.1:9000"] = service.endpoint
            secrets = {
                "token": node.token("alice"),
                "access-key": service.owner.access_key,
                "secret-key": service.owner.secret_key,
                "passphrase": PASSPHRASE,
            }
            for name, text in secrets.items():
                (tmp_path / name).write_text(text)
                (tmp_path / name).chmod(0o600)
            made.type(
                f"hfctl context create alice --endpoint {node.address} --token-file token --keep-in file"
            )
            yield made, node, service


def test_the_guide(reader):
    somebody, node, service = reader
    everything = "\n".join(somebody.type(text) for _, text in blocks_of("cloud-backups.md"))
    assert everything.count("Cloudsnap backup completed: test-cluster/") == 2
    assert "Cloudsnap is intact: " in everything
    assert "Cloudsnap restored into volume " in everything
    assert "Cloudsnaps deleted successfully" in everything
    assert (node.mount_root / "out" / "letter.txt").read_text() == "second draft\n"
    assert json.loads(somebody.type("hfctl cs list --json")) == []
    shown = everything + node.log_path.read_text() + (node.storage / "audit.log").read_text()
    assert PASSPHRASE not in shown
    assert service.owner.secret_key not in shown
