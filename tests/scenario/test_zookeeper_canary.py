"""No plaintext in ZooKeeper: marked secrets of a whole session are in no znode and in no file of its servers.

Written through both dialects: text, bytes, values of several znodes, passwords and tokens of users, tokens
and shares of the store. Searched: names and data of every znode, and the transaction logs and snapshots on
disk; as they are, in hex and in base64 at every offset.
"""

import base64
import os
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from tests.support.dcos import BINARY, DcosClient
from tests.support.iam import grant, make_service, make_user, token_of
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask
from tests.support.traces import found_in
from tests.support.zookeeper import storage_stanza, zookeeper

PATH = "/canary-store"
CREDENTIALS = "store:not-a-real-password"
CONTROL = b"control-mark-that-has-to-be-found"
LARGE_BYTES = 1_700_000


class Session:
    """A store over ZooKeeper, and all that must not be found."""

    def __init__(self, store):
        self.store = store
        self.dcos = DcosClient(store)
        self.secrets = {}

    def keep(self, what, secret):
        self.secrets[f"{what} {len(self.secrets)}"] = secret
        return secret

    def mark(self, what):
        return self.keep(what, f"canary-{len(self.secrets)}-{os.urandom(8).hex()}")

    def large_mark(self):
        """Return a value of which every thousand bytes hold a mark."""
        mark = self.mark("piece of a large value")
        return (mark.encode() + os.urandom(200)) * (LARGE_BYTES // (len(mark) + 200))


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Let a session happen; yield it, the znodes, the files, and what the store let be seen."""
    directory = tmp_path_factory.mktemp("canary")
    with zookeeper(directory / "zookeeper") as server:
        stanza = storage_stanza(server.address, PATH, auth_info=f"digest:{CREDENTIALS}")
        settings = 'max_secret_size = 1800000\nlog_level = "debug"\n'
        with StoreProcess(directory, storage=stanza, settings=settings, audit=True) as store:
            store.initialize()
            session = Session(store)
            session.keep("root token", store.root_token)
            session.keep("credentials of the znodes", CREDENTIALS.partition(":")[2])
            for share in store.shares:
                session.keep("share", share)
                session.keep("share as bytes", base64.b64decode(share))
            use_vault(session)
            use_dcos(session)
            use_iam(session)
            seal_and_open(session)
            znodes = all_znodes(server.address)
            told = store.log_path.read_bytes()
            for process_id in store.process_ids():
                for place in ("cmdline", "environ"):
                    told += Path(f"/proc/{process_id}/{place}").read_bytes()
        # A server that starts writes a snapshot of what its log says.
        server.members[0].kill()
        server.members[0].start()
        server.wait_until_serving()
        yield session, znodes, sorted((server.members[0].directory / "data").rglob("*.*")), told


def use_vault(session):
    for path in ("app/db", "app/db", "app/key"):
        value = session.mark("value")
        body = {"data": {"k": value, "deep": [1, {"er": value}]}}
        assert ask(session.store, "PUT", f"/v1/secret/data/{path}", body).status == 200
    note = {"custom_metadata": {"owner": session.mark("note")}}
    assert ask(session.store, "PUT", "/v1/secret/metadata/app/db", note).status in {200, 204}
    large = base64.b64encode(session.large_mark()[:1_200_000]).decode()
    assert ask(session.store, "PUT", "/v1/secret/data/app/large", {"data": {"k": large}}).status == 200
    assert ask(session.store, "GET", "/v1/secret/data/app/large").json["data"]["data"]["k"] == large
    policy = f'# {session.mark("policy")}\npath "secret/*" {{\n  capabilities = ["read"]\n}}\n'
    assert ask(session.store, "PUT", "/v1/sys/policies/acl/readers", {"policy": policy}).status == 204
    body = {"policies": ["readers"], "meta": {"note": session.mark("token metadata")}}
    created = ask(session.store, "POST", "/v1/auth/token/create", body).json["auth"]
    session.keep("token", created["client_token"])
    session.keep("accessor", created["accessor"])
    assert ask(session.store, "GET", "/v1/secret/data/app/db", token=created["client_token"]).status == 200
    assert ask(session.store, "POST", "/v1/sys/rotate").status in {200, 204}
    assert (
        ask(session.store, "PUT", "/v1/secret/data/app/new", {"data": {"k": session.mark("v")}}).status == 200
    )


def use_dcos(session):
    dcos = session.dcos
    assert dcos.put("dcos/text", session.mark("text")) == 201
    small = session.keep("bytes", b"\x00\xff" + os.urandom(40) + b"\x80")
    assert dcos.secret("PUT", "dcos/bytes", small, headers=BINARY).status == 201
    large = session.large_mark()
    assert dcos.secret("PUT", "dcos/large", large, headers=BINARY).status == 201
    assert dcos.secret("GET", "dcos/large", headers=BINARY).body == large
    assert dcos.secret("PATCH", "dcos/text", {"value": session.mark("text")}).status == 204


def use_iam(session):
    dcos, password = session.dcos, session.mark("password")
    make_user(dcos, "ada", password=password)
    grant(dcos, "dcos:secrets:default:/dcos/*", "users/ada", "read")
    session.keep("token of a user", token_of(dcos, "ada", password))
    make_service(dcos, "robot")


def seal_and_open(session):
    assert ask(session.store, "PUT", "/v1/sys/seal").status in {200, 204}
    session.store.unseal()
    assert session.dcos.value("dcos/text") in session.secrets.values()


def all_znodes(address):
    """Return names and data of every znode there is, below the store's path and elsewhere."""
    client = KazooClient(address, auth_data=[("digest", CREDENTIALS)])
    client.start(timeout=60)
    client.create("/control", CONTROL)
    found = {}

    def walk(path):
        found[path] = client.get(path)[0]
        for name in client.get_children(path):
            walk(f"{path.rstrip('/')}/{name}")

    walk("/")
    client.stop()
    client.close()
    return found


def test_the_session_left_something_to_search(left):
    session, znodes, _, _ = left
    below = [path for path in znodes if path.startswith(PATH)]
    assert len(session.secrets) > 20
    assert len(below) > 60
    assert sum("/parts/" in path for path in below) >= 6
    assert [path for path in below if "/pending/" in path] == []
    assert sum(len(znodes[path]) for path in below) > LARGE_BYTES


def test_no_secret_is_in_a_znode(left):
    session, znodes, _, _ = left
    told = {path: found_in(session.secrets, path.encode() + b"\0" + data) for path, data in znodes.items()}
    assert {path: names for path, names in told.items() if names} == {}


def test_no_secret_is_in_the_files_of_the_server(left):
    session, _, files, _ = left
    kinds = {kind: [file for file in files if file.name.startswith(kind)] for kind in ("log.", "snapshot.")}
    for kind, those in kinds.items():
        contents = [file.read_bytes() for file in those]
        assert any(CONTROL in content for content in contents), f"the search would find nothing in {kind}"
        assert sum(map(len, contents)) > LARGE_BYTES
        for content in contents:
            assert found_in(session.secrets, content) == []


def test_no_secret_is_in_the_log_arguments_or_environment_of_the_store(left):
    session, _, _, told = left
    assert b"unsealed" in told
    assert b"zookeeper" in told
    assert found_in(session.secrets, told) == []
