"""Two nodes keep one store on PostgreSQL: they agree, they get over its restart, and it learns no secret.

Searched for marked secrets: a dump of the database, the files of the server with its write-ahead log, its log
with every statement and parameter, and log, arguments and environment of the stores; for the password of the
database too.
"""

import base64
import os
import time
from pathlib import Path

import pytest
from tests.support.dcos import DcosClient
from tests.support.iam import make_user, token_of
from tests.support.postgresql import postgresql, storage_stanza
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually
from tests.support.traces import found_in

PASSWORD = "of-the-database-" + os.urandom(6).hex()
CONTROL = "control-mark-that-has-to-be-found"
HBA = "local all all trust\nhost all boss 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@pytest.fixture(scope="module")
def server():
    with postgresql(hba=HBA) as running:
        running.run(f"CREATE ROLE holdfast LOGIN PASSWORD '{PASSWORD}'")
        running.run("GRANT CREATE ON DATABASE holdfast TO holdfast")
        running.run("ALTER ROLE holdfast SET log_statement = 'all'")
        yield running


@pytest.fixture(scope="module")
def nodes(server, tmp_path_factory):
    """Two nodes of one store, open."""
    directory = tmp_path_factory.mktemp("postgresql-store")
    (directory / "password").write_text(PASSWORD + "\n")
    stanza = storage_stanza(server.url(user="holdfast"), password_file=directory / "password")
    running = []
    for number in (1, 2):
        (directory / f"node-{number}").mkdir()
        running.append(
            StoreProcess(
                directory / f"node-{number}",
                storage=stanza,
                audit=True,
                settings=f'log_level = "debug"\ncluster {{\n  node_id = "node-{number}"\n}}\n',
            )
        )
    first, second = running
    with first, second:
        first.initialize(shares=3, threshold=2)
        second.root_token, second.shares, second.threshold = first.root_token, first.shares, 2
        second.unseal()
        yield first, second


def write(store, path, value):
    return ask(store, "PUT", f"/v1/secret/data/{path}", {"data": {"k": value}}).status


def read(store, path, **how):
    answer = ask(store, "GET", f"/v1/secret/data/{path}", **how)
    return answer.json["data"]["data"]["k"] if answer.status == 200 else answer.status


def test_what_one_node_answered_the_other_knows(nodes):
    for number in range(20):
        writer, reader = nodes[number % 2], nodes[1 - number % 2]
        assert write(writer, "turns", number) == 200
        assert read(reader, "turns") == number
    created = ask(nodes[0], "POST", "/v1/auth/token/create", {"policies": ["root"]}).json["auth"]
    token = created["client_token"]
    assert read(nodes[1], "turns", token=token) == 19
    assert ask(nodes[1], "POST", "/v1/auth/token/revoke", {"token": token}).status == 204
    assert read(nodes[0], "turns", token=token) == 403


def test_a_restart_of_the_server_is_got_over_without_a_hand_laid_on(nodes, server):
    assert write(nodes[0], "before", "kept") == 200
    processes = [node.process_ids() for node in nodes]
    for end in (server.stop, server.kill):
        end()
        started = time.monotonic()
        assert ask(nodes[0], "GET", "/v1/secret/data/before").status == 503
        assert time.monotonic() - started < 30
        assert ask(nodes[1], "GET", "/v1/sys/health").status == 200
        server.start()
        for node in nodes:
            eventually(lambda node=node: read(node, "before") == "kept")
            eventually(lambda node=node: write(node, "after", "made") == 200)
    assert [node.process_ids() for node in nodes] == processes


def test_a_store_that_starts_without_its_server_says_what_is_wrong(nodes, server, tmp_path):
    (tmp_path / "password").write_text("a-wrong-one")
    wrong = storage_stanza(
        server.url(user="holdfast"), password_file=tmp_path / "password", request_timeout="3s"
    )
    store = StoreProcess(tmp_path, storage=wrong)
    with pytest.raises(AssertionError, match="ended at once"):
        store.start()
    said = store.log()
    assert "it refuses our user or password" in said
    assert "a-wrong-one" not in said
    assert "Traceback" not in said


def test_who_knew_more_than_a_database_that_went_back_serves_nothing_from_it(nodes, server):
    """Better closed than with a token alive again that was revoked: the writer of what is gone ends."""
    first, second = nodes
    server.run("CREATE TABLE backup AS SELECT * FROM holdfast.store")
    assert write(first, "later", "gone") == 200
    assert read(second, "later") == "gone"
    server.run(
        "DO $$ BEGIN DELETE FROM holdfast.store; INSERT INTO holdfast.store SELECT * FROM backup; END $$"
    )
    server.run("DROP TABLE backup")
    eventually(lambda: ask(first, "GET", "/v1/sys/seal-status").json["sealed"] is True)
    eventually(lambda: read(second, "later") == 503)
    assert "went back to an earlier state" in first.log()
    second.stop()
    second.start()
    for node in nodes:
        node.unseal()
        assert read(node, "later") == 404
    for node in nodes:
        assert write(node, "later", "anew") == 200


def test_the_server_learns_no_secret_and_nobody_the_password(nodes, server):
    first, second = nodes
    secrets = {"root token": first.root_token, "password of the database": PASSWORD}

    def mark(what):
        secrets[f"{what} {len(secrets)}"] = f"canary-{len(secrets)}-{os.urandom(8).hex()}"
        return list(secrets.values())[-1]

    for number, share in enumerate(first.shares):
        secrets[f"share {number}"] = share
        secrets[f"share {number} as bytes"] = base64.b64decode(share)
    for path in ("app/db", "app/db", "app/key"):
        assert write(first, path, mark("value")) == 200
    large = base64.b64encode(
        b"".join(mark("piece").encode() + os.urandom(200_000) for _ in range(3))
    ).decode()
    assert write(second, "app/large", large) == 200
    assert read(first, "app/large") == large
    dcos = DcosClient(second)
    assert dcos.put("dcos/text", mark("text")) == 201
    password = mark("password")
    make_user(dcos, "ada", password=password)
    secrets["token of a user"] = token_of(dcos, "ada", password)
    policy = f'# {mark("policy")}\npath "secret/*" {{\n  capabilities = ["read"]\n}}\n'
    assert ask(first, "PUT", "/v1/sys/policies/acl/readers", {"policy": policy}).status == 204
    assert ask(first, "POST", "/v1/sys/rotate").status in {200, 204}
    assert write(second, "app/new", mark("value")) == 200
    server.run("CREATE TABLE control AS SELECT %s::text AS mark", [CONTROL])
    server.run("CHECKPOINT")

    told = b""
    for node in nodes:
        told += node.log_path.read_bytes() + node.audit_path.read_bytes()
        for process_id in node.process_ids():
            for place in ("cmdline", "environ"):
                told += Path(f"/proc/{process_id}/{place}").read_bytes()
    said = server.log().encode()
    dump = server.dump()
    assert b"unsealed" in told
    assert said.count(b"parameters: ") > 100
    assert CONTROL.encode() in dump
    assert len(dump) > 1_000_000
    for text in (told, said, dump):
        assert found_in(secrets, text) == []
    # A dump shows bytes in hex, whatever they are: look at the records themselves too.
    for key, value in server.run("SELECT key, value FROM holdfast.store"):
        assert found_in(secrets, key + b"\0" + value) == []
    controls = 0
    for file in sorted(path for path in server.data.rglob("*") if path.is_file()):
        content = file.read_bytes()
        controls += CONTROL.encode() in content
        assert found_in(secrets, content) == [], file
    assert controls > 1, "the search would not find what is in the files"
