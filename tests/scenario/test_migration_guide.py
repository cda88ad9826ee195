"""docs/migration.md, carried out: every block in order, between two stores, with the real gpg."""

import base64
import json
import subprocess

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

from holdfast.client import DcosClient, TlsSettings

PASSWORD = "correct-horse-7f3a"
KUBERNETES_SECRET = {
    "kind": "Secret",
    "metadata": {"namespace": "team", "name": "web"},
    "data": {"tls.key": base64.b64encode(b"key").decode()},
}


@pytest.fixture
def stores(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with StoreProcess(tmp_path / "old", tls=True) as old, StoreProcess(tmp_path / "new") as new:
        old.initialize()
        new.initialize()
        yield old, new


@pytest.fixture
def reader(stores, tmp_path):
    old, new = stores
    someone = Reader(tmp_path)
    someone.replacements |= {"127.0.0.1:8200": f"127.0.0.1:{new.port}", "https://master.mesos": old.url}
    # kubectl is not on every machine: this is what it would print.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kubectl").write_text(f"#!/bin/sh\necho '{json.dumps(KUBERNETES_SECRET)}'\n")
    (tools / "kubectl").chmod(0o755)
    gnupg = tmp_path / "gnupg"
    gnupg.mkdir(mode=0o700)
    someone.environment |= {
        "HOLDFAST_TOKEN": new.root_token,
        "GNUPGHOME": str(gnupg),
        "PATH": f"{tools}:{someone.environment['PATH']}",
    }
    for person in ("ann", "bob"):
        key = f"gpg --batch --passphrase '' --quick-generate-key {person}@example.org rsa2048 encr never"
        someone.type(key)
    yield someone
    subprocess.run(["gpgconf", "--kill", "all"], env=someone.environment, timeout=60, check=False)
    someone.stop()


def test_the_guide_works_as_it_is_written(reader, stores):
    old, new = stores
    reader.environment["HOLDFAST_ADDR"] = new.url
    root = {"Authorization": f"token={old.root_token}"}
    for method, path, body in (
        ("PUT", "users/admin", {"password": PASSWORD}),
        ("PUT", "groups/superusers/users/admin", None),
    ):
        assert ask(old, method, f"/acs/api/v1/{path}", body, token="", headers=root).status in {201, 204}
    theirs = DcosClient(old.url, old.root_token, tls=TlsSettings(ca_cert=str(old.certificate)))
    theirs.create("team/db/password", "from dcos")
    theirs.create("team/db/keytab", b"\xff\0")
    (reader.directory / "dcos-ca.crt").write_bytes(old.certificate.read_bytes())
    (reader.directory / "password").write_text(PASSWORD)
    (reader.directory / "password").chmod(0o600)
    (reader.directory / "secrets.d").mkdir()
    (reader.directory / "secrets.d" / "api-key").write_text("from a file\n")
    (reader.directory / "app.env").write_text("export TOKEN='from env'\n")

    blocks = blocks_of("migration.md")
    assert len(blocks) == 6
    for _, text in blocks:
        reader.type(text)

    ours = DcosClient(new.url, new.root_token)
    assert {name: ours.read(name).content for name in ours.list()} == {
        "team/db/password": b"from dcos",
        "team/db/keytab": b"\xff\0",
        "team/api-key": b"from a file",
        "team/app/TOKEN": b"from env",
        "team/web/tls.key": b"key",
    }
    restored = reader.type("gpg -d backup.gpg | holdfast import export - --output=json")
    assert {row["outcome"] for row in json.loads(restored)["secrets"]} == {"identical"}
