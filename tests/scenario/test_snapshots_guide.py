"""The guide to snapshots, clones and larger volumes says what works: typed as it stands, on a real node."""

import json
import os

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.node_process import NodeProcess

GUIDE = "snapshots.md"


@pytest.fixture
def reader(tmp_path):
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    with NodeProcess(tmp_path, "-secret_type", "file", environment=environment) as node:
        body = {"DefaultSecretKey": "cluster-key", "Generate": True}
        node.client(node.admin()).request("PUT", "cluster/secrets/defaultsecretkey", body)
        made = Reader(tmp_path)
        made.replacements["/mnt"] = str(node.mount_root)
        token = tmp_path / "token"
        token.write_text(node.token("alice"))
        token.chmod(0o600)
        made.type(f"hfctl context create alice --endpoint {node.address} --token-file {token} --keep-in file")
        yield made, node


def test_the_guide(reader):
    somebody, node = reader
    printed = [somebody.type(text) for language, text in blocks_of(GUIDE) if language == "sh"]
    everything = "\n".join(printed)
    assert "Volume snap successful: " in everything
    assert "Volume data successfully restored from data-monday" in everything
    assert "Volume clone successful: " in everything
    assert "data-monday" in printed[1]
    assert (node.mount_root / "data" / "letter.txt").read_text() == "first draft\n"
    assert os.statvfs(node.mount_root / "data").f_blocks * 4096 > 400 << 20


def test_what_programs_read(reader):
    somebody, _ = reader
    made = json.loads(somebody.type("hfctl volume create small --size 32M --secure --output json"))
    taken = json.loads(
        somebody.type("hfctl volume snapshot create small --name s1 --label a=b --output json")
    )
    listed = json.loads(somebody.type("hfctl volume snapshot list small --label a=b --output json"))
    assert [snapshot["id"] for snapshot in listed] == [taken["snapshot_id"]]
    assert listed[0]["source"] == {"parent": made["volume_id"]}
    assert listed[0]["readonly"] is True
    assert json.loads(somebody.type("hfctl volume snapshot list small --label a=c --output json")) == []
    usage = json.loads(somebody.type("hfctl volume usage s1 --output json"))
    assert int(usage["total_bytes"]) == int(usage["exclusive_bytes"]) > 0
    names = [
        volume["locator"]["name"] for volume in json.loads(somebody.type("hfctl volume list --output json"))
    ]
    assert names == ["small"]
    names = [v["locator"]["name"] for v in json.loads(somebody.type("hfctl volume list -s --output json"))]
    assert names == ["s1"]
    somebody.type("hfctl volume update small --size 40M --label c=d")
    volume = json.loads(somebody.type("hfctl volume inspect small --output json"))
    assert (volume["spec"]["size"], volume["locator"]["volume_labels"]) == (str(40 << 20), {"c": "d"})
    refused = "! hfctl volume resize small --size 32M 2>&1"
    assert "cannot shrink" in somebody.type(refused)
    assert "expected a snapshot of this volume" in somebody.type(
        "! hfctl volume restore small --snapshot small 2>&1"
    )
