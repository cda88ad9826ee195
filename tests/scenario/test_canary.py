"""Marked secrets go through a whole session; then all that the store leaves behind is searched for them.

Searched: the log, the audit file, the data directory, arguments and environment of every process, and the
text of every refusal. Each mark is looked for as it was sent, and as base64 and hexadecimal digits would
show it. Paths, names and the names of fields are no secrets.
"""

import base64
import json
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask
from tests.support.traces import found_in

MARK = "canary-5f0b8e21c7"
ADMIN_POLICY = 'path "*" {\n  capabilities = ["create", "read", "update", "delete", "list", "sudo"]\n}\n'


class Session:
    """What was said to the store that must not be found again, and what the store refused."""

    def __init__(self, store):
        self.store = store
        self.secrets = {}
        self.refusals = []
        self._count = 0

    def mark(self, what):
        """Return a new secret value that is found wherever it turns up."""
        self._count += 1
        self.secrets[f"{what} {self._count}"] = f"{MARK}-{self._count}-{what}"
        return self.secrets[f"{what} {self._count}"]

    def keep(self, what, secret):
        """Remember a secret that the store made up."""
        self.secrets[what] = secret
        return secret

    def ask(self, method, path, body=None, **how):
        answer = ask(self.store, method, path, body, **how)
        if answer.status >= 400:
            self.refusals.append((f"{method} {path}", answer))
        return answer

    def refused(self, method, path, body=None, **how):
        before = len(self.refusals)
        answer = self.ask(method, path, body, **how)
        assert len(self.refusals) == before + 1, (method, path, answer)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with StoreProcess(
        tmp_path_factory.mktemp("canary"), tls=True, audit=True, settings='log_level = "debug"'
    ) as store:
        store.initialize()
        session = Session(store)
        session.keep("root token", store.root_token)
        for number, share in enumerate(store.shares):
            session.keep(f"share {number}", share)
            session.keep(f"share {number} in hex", base64.b64decode(share).hex())
        use_vault(session)
        use_dcos(session)
        use_tokens(session)
        be_refused(session)
        seal_and_unseal(session)
        yield session


def use_vault(session):
    for path in ("secret/data/app/db", "secret/data/app/db"):
        value = session.mark("value")
        assert (
            session.ask("PUT", f"/v1/{path}", {"data": {"k": value, "n": [1, {"deep": value}]}}).status == 200
        )
        assert value.encode() in session.ask("GET", f"/v1/{path}").body
    patch = {"data": {"patched": session.mark("value")}}
    how = {"headers": {"Content-Type": "application/merge-patch+json"}}
    assert session.ask("PATCH", "/v1/secret/data/app/db", patch, **how).status == 200
    note = {"custom_metadata": {"owner": session.mark("note")}}
    session.ask("PUT", "/v1/secret/metadata/app/db", note)
    assert session.ask("GET", "/v1/secret/metadata/app/db").json["data"]["custom_metadata"]
    session.ask("GET", "/v1/secret/data/app/db?version=1")
    session.ask("PUT", "/v1/secret/destroy/app/db", {"versions": [1]})
    session.ask("POST", "/v1/sys/mounts/plain", {"type": "kv", "options": {"version": "1"}})
    session.ask("PUT", "/v1/plain/a", {"k": session.mark("value")})
    assert session.ask("GET", "/v1/plain/a").status == 200


def use_dcos(session):
    path, value = "/secrets/v1/secret/default/app/key", session.mark("value")
    how = {"token": "", "headers": {"Authorization": f"token={session.store.root_token}"}}
    assert session.ask("PUT", path, {"value": value}, **how).status == 201
    assert session.ask("PATCH", path, {"value": session.mark("value")}, **how).status == 204
    assert session.ask("GET", path, **how).status == 200


def use_tokens(session):
    session.ask("PUT", "/v1/sys/policies/acl/admin", {"policy": ADMIN_POLICY})
    created = session.ask("POST", "/v1/auth/token/create", {"policies": ["admin"], "ttl": "1h"}).json["auth"]
    token = session.keep("token", created["client_token"])
    session.keep("accessor", created["accessor"])
    assert session.ask("GET", "/v1/auth/token/lookup-self", token=token).status == 200
    assert session.ask("POST", "/v1/auth/token/lookup", {"token": token}).status == 200
    assert session.ask("POST", "/v1/auth/token/renew", {"token": token}).status == 200
    assert (
        session.ask("POST", "/v1/auth/token/lookup-accessor", {"accessor": created["accessor"]}).status == 200
    )
    assert session.ask("POST", "/v1/auth/token/revoke", {"token": token}).status == 204
    session.refused("GET", "/v1/auth/token/lookup-self", token=token)


def be_refused(session):
    """Put marks into every place of a request that is refused for something."""
    refused, mark = session.refused, session.mark
    refused("GET", "/v1/auth/token/lookup-self", token=mark("token"))
    refused("GET", "/v1/secret/data/app/db", token="", headers={"Authorization": f"Bearer {mark('token')}"})
    refused(
        "GET", "/secrets/v1/secret/default/a", token="", headers={"Authorization": f"token={mark('token')}"}
    )
    refused("GET", "/v1/secret/data/app/db", headers={"Authorization": f"Bearer {mark('token')}"})
    refused("PUT", "/v1/secret/data/bad", f'{{"data": {{"k": "{mark("value")}"')
    refused("PUT", "/v1/secret/data/bad", f'{{"data": {{"k": "{mark("value")}", "k": "twice"}}}}')
    refused("PUT", "/v1/secret/data/bad", {"data": mark("value")})
    refused("PUT", "/v1/secret/data/bad", {"data": {"k": 1}, "options": {"cas": mark("value")}})
    refused("PUT", "/v1/secret/data/app/db", {"data": {"k": mark("value")}, "options": {"cas": 99}})
    refused("PUT", "/v1/secret/data/bad", {"options": {}, "dta": {"k": mark("value")}})
    refused("PUT", "/v1/secret/config", {"max_versions": mark("value")})
    refused("GET", f"/v1/secret/data/app/db?version={mark('query')}")
    refused(
        "PUT", "/secrets/v1/secret/default/app/key", {"value": mark("value")}, headers=authorization(session)
    )
    refused(
        "PUT", "/secrets/v1/secret/default/bad", {"value": [mark("value")]}, headers=authorization(session)
    )
    refused("PUT", "/v1/sys/policies/acl/bad", {"policy": f'path "{mark("policy")}'})
    refused(
        "PUT", "/v1/sys/policies/acl/bad", {"policy": f'path "a" {{ capabilities = ["{mark("word")}"] }}'}
    )
    refused("POST", "/v1/auth/token/create", {"ttl": mark("ttl")})
    refused("POST", "/v1/auth/token/lookup", {"token": mark("token")})
    refused("POST", "/v1/auth/token/lookup-accessor", {"accessor": mark("accessor")})
    refused("POST", "/v1/sys/mounts/x", {"type": mark("type")})
    refused("PUT", "/v1/sys/init", {"secret_shares": mark("number"), "secret_threshold": 1})
    refused("GET", f"/v1/secret/data/%ff{mark('target')}", headers={"X-Note": mark("header")})


def authorization(session):
    return {"Authorization": f"token={session.store.root_token}", "X-Vault-Token": ""}


def seal_and_unseal(session):
    session.ask("PUT", "/v1/sys/seal")
    session.refused("PUT", "/v1/secret/data/app/db", {"data": {"k": session.mark("value")}})
    session.refused("PUT", "/v1/sys/unseal", {"key": session.mark("share")})
    session.refused("PUT", "/secrets/v1/unseal/default", {"key": session.mark("share")})
    session.store.unseal()
    assert session.ask("GET", "/v1/secret/data/app/db").status == 200


def test_the_search_finds_what_is_there():
    secrets = {"a": "value-of-a-secret", "b": "another-secret"}
    for around in (b"%b", b"x%b", b"xy%b", b"xyz%b!"):
        for encode in (bytes, bytes.hex, base64.b64encode):
            text = encode(around % b"value-of-a-secret")
            assert found_in(secrets, text if isinstance(text, bytes) else text.encode()) == ["a"]


def test_nothing_is_in_the_log(session):
    log = session.store.log_path.read_bytes()
    assert b"unsealed" in log
    assert found_in(session.secrets, log) == []


def test_nothing_is_in_the_audit_file(session):
    audited = session.store.audit_path.read_bytes()
    lines = [json.loads(line) for line in audited.splitlines()]
    assert {"secret/data/app/db", "auth/token/create"} <= {line["request"]["path"] for line in lines}
    assert audited.count(b"hmac-sha256:") > 50
    assert MARK.encode() not in audited
    assert found_in(session.secrets, audited) == []


def test_nothing_is_in_the_data_directory(session):
    files = list(session.store.data_path.rglob("*"))
    assert sum(file.stat().st_size for file in files) > 10_000
    for file in files:
        data = file.read_bytes()
        assert MARK.encode() not in data
        assert found_in(session.secrets, data) == []


def test_nothing_is_in_arguments_or_environment(session):
    for process_id in session.store.process_ids():
        for place in ("cmdline", "environ"):
            assert found_in(session.secrets, Path(f"/proc/{process_id}/{place}").read_bytes()) == []


def test_no_refusal_repeats_what_was_sent(session):
    assert len(session.refusals) > 20
    told = {asked: found_in(session.secrets, answer.body) for asked, answer in session.refusals}
    assert {asked: names for asked, names in told.items() if names} == {}
    for _, answer in session.refusals:
        head = json.dumps(dict(answer.headers)).encode()
        assert found_in(session.secrets, head) == []
        assert b"Traceback" not in answer.body
