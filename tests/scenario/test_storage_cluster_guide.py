"""docs/storage-cluster.md, carried out: three nodes on ZooKeeper, and a volume that moves between them."""

import re
import time

import pytest
from tests.support.certificates import TestAuthority
from tests.support.guide import Reader, blocks_of
from tests.support.node_process import ISSUER, SHARED_SECRET
from tests.support.ports import free_port
from tests.support.zookeeper import shared_server

from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    addresses = {}
    for number in (1, 2, 3):
        addresses[f"10.0.0.{number}:9021"] = f"127.0.0.1:{free_port()}"
    name = re.sub(r"[^a-z0-9]", "", str(tmp_path))
    someone.replacements = {
        **addresses,
        "zk://zk1:2181,zk2:2181,zk3:2181": f"zk://{shared_server()}/guide/{name}",
        "/etc/holdfast": f"{tmp_path}/etc",
        "/srv/volumes": f"{tmp_path}/pool",
        "example.com": ISSUER,
        "-secret_type vault": "-secret_type file --disable-mlock",
    }
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "zookeeper-auth").write_text("digest:holdfast:a-password-of-the-test\n")
    authority = TestAuthority()
    authority.issue(etc, "node")
    authority.write_authority(etc / "ca.pem")
    someone.environment |= {
        "PORTWORX_AUTH_JWT_SHAREDSECRET": SHARED_SECRET,
        "HOLDFAST_SECRETS_DIRECTORY": f"{tmp_path}/secrets",
        "HOLDFAST_NODE": someone.here("https://10.0.0.1:9021"),
    }
    yield someone
    for service in reversed(someone.services):
        service.terminate()
    for service in someone.services:
        service.wait(60)


def administrator():
    return generate_token(
        User(name="admin", email="a@b.c", sub="admin", roles=("system.admin",), groups=("*",)),
        issuer=ISSUER,
        key=SharedSecretKey(SecretBytes(SHARED_SECRET.encode())),
        issued_at=time.time(),
        lifetime_seconds=3600,
    )


def test_the_guide_works_as_it_is_written(reader):
    shell = [text for language, text in blocks_of("storage-cluster.md") if language == "sh"]
    starts = [text for text in shell if text.startswith("holdfast node")]
    assert len(starts) == 3
    for text in starts:
        node = re.search(r"--node-id (\w+)", text)[1]
        address = re.search(r"--listen (\S+)", text)[1]
        own = text.replace("/var/lib/holdfast/node", f"{reader.directory}/{node}")
        reader.start(own, address=address)
    (reader.directory / "admin.token").write_text(administrator())
    (reader.directory / "admin.token").chmod(0o600)
    reader.type("hfctl context create admin --token-file=admin.token --ca=etc/ca.pem")
    said = "".join(reader.type(text) for text in shell if text not in starts)
    for number in (1, 2, 3):
        assert re.search(rf"^node{number}\b.*secured.*online", said, re.MULTILINE), said
    assert said.count("successfully attached at") == 2
