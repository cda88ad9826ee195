"""Starting the store program for real: what starts as Vault users wrote it, and what does not start."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import hvac
import pytest
from tests.support.certificates import TestAuthority
from tests.support.ports import free_port
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))

FIRST_TRY = """
listener "tcp" {
  address = "0.0.0.0:8200"
  tls_disable = 1
}

storage "file" {
  path = "/tmp/vault-data"
}

disable_mlock = true
"""
FIRST_TRY_AS_JSON = json.dumps(
    {
        "listener": [{"tcp": {"address": "0.0.0.0:8200", "tls_disable": 1}}],
        "storage": {"file": {"path": "/tmp/vault-data"}},
        "disable_mlock": True,
    }
)
IN_MEMORY = 'storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:8200"\n  tls_disable = true\n}\n'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FIRST_TRY, id="hcl"),
        pytest.param(FIRST_TRY_AS_JSON, id="json"),
        pytest.param(IN_MEMORY, id="in-memory"),
        pytest.param(FIRST_TRY.replace("disable_mlock = true", ""), id="with-memory-lock"),
    ],
)
def test_a_first_configuration_starts_as_it_is_written(tmp_path, text):
    store = StoreProcess(tmp_path)
    (tmp_path / "data").mkdir()
    text = text.replace(":8200", f":{store.port}").replace("/tmp/vault-data", f"{tmp_path}/data")
    store.config_path.write_text(text)
    with store:
        assert ask(store, "GET", "/v1/sys/health").status == 501
        store.initialize()
        assert ask(store, "PUT", "/v1/secret/data/a", {"data": {"k": "v"}}).status == 200
        assert ask(store, "GET", "/v1/secret/data/a").json["data"]["data"] == {"k": "v"}
        assert store.stop() == 0
    assert "Traceback" not in store.log()


class Attempt:
    """A configuration in a fresh directory, and what came of starting it."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.config = directory / "config.hcl"
        self.tls = "tls_disable = true"
        self.more = ""

    def start(self):
        self.config.write_text(
            f'storage "file" {{\n  path = "{self.directory}/data"\n}}\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{self.port}"\n  {self.tls}\n}}\n'
            f"disable_mlock = true\nworkers = 2\n{self.more}\n"
        )
        process = subprocess.Popen(
            [HOLDFAST, "server", f"-config={self.config}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            printed, told = process.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert printed == ""
        self.leaves_no_process(process.pid)
        assert process.returncode == 1
        errors = [line for line in told.splitlines() if " WARNING " not in line]
        assert len(errors) == 1, told
        return errors[0]

    def leaves_no_process(self, group):
        with pytest.raises(ProcessLookupError):
            os.killpg(group, 0)

    def audit(self, path):
        self.more = f'audit "file" "main" {{\n  options {{\n    file_path = "{path}"\n  }}\n}}\n'

    def certificate(self, certificate, key):
        self.tls = f'tls_cert_file = "{certificate}"\n  tls_key_file = "{key}"'


def listener_in_use(attempt):
    taken = socket.create_server(("127.0.0.1", attempt.port))
    return taken, "another process listens there"


def unix_socket_in_use(attempt):
    path = str(attempt.directory / "s")
    taken = socket.socket(socket.AF_UNIX)
    taken.bind(path)
    taken.listen(1)
    attempt.more = f'listener "unix" {{\n  address = "{path}"\n}}\n'
    return taken, f"listener {path}: another process listens there"


def file_in_place_of_socket(attempt):
    path = attempt.directory / "s"
    path.write_text("mine")
    attempt.more = f'listener "unix" {{\n  address = "{path}"\n}}\n'
    return None, f"listener {path}: a file that is no socket"


def address_of_another_host(attempt):
    attempt.more = 'listener "tcp" {\n  address = "192.0.2.1:8200"\n  tls_disable = true\n}\n'
    return None, "listener 192.0.2.1:8200: "


def missing_certificate(attempt):
    attempt.certificate("/nowhere/c.pem", "/nowhere/k.pem")
    return None, "TLS certificate file /nowhere/c.pem: No such file"


def missing_key(attempt):
    certificate, _ = TestAuthority().issue(attempt.directory, "server")
    attempt.certificate(certificate, "/nowhere/k.pem")
    return None, "TLS key file /nowhere/k.pem: No such file"


def key_of_another_certificate(attempt):
    authority = TestAuthority()
    certificate, _ = authority.issue(attempt.directory, "one")
    _, key = authority.issue(attempt.directory, "two")
    attempt.certificate(certificate, key)
    return None, f"TLS key {key} does not belong to certificate {certificate}"


def encrypted_key(attempt):
    certificate, key = TestAuthority().issue(attempt.directory, "server", passphrase=b"x")
    attempt.certificate(certificate, key)
    return None, f"TLS key {key}: expected a key that is not encrypted"


def certificate_of_garbage(attempt):
    certificate, key = TestAuthority().issue(attempt.directory, "server")
    Path(certificate).write_bytes(os.urandom(1000))
    attempt.certificate(certificate, key)
    return None, f"TLS files {certificate} and {key}: expected a PEM certificate"


def certificate_is_a_directory(attempt):
    attempt.certificate(attempt.directory, attempt.directory)
    return None, f"TLS certificate file {attempt.directory}: Is a directory"


def missing_audit_directory(attempt):
    attempt.audit("/nowhere/audit.log")
    return None, "audit file /nowhere/audit.log: the audit file cannot be opened: No such file"


def audit_directory_for_everybody(attempt):
    attempt.directory.chmod(0o777)
    attempt.audit(attempt.directory / "audit.log")
    return None, "expected one that only its owner can write to"


def audit_file_is_a_link(attempt):
    (attempt.directory / "audit.log").symlink_to("/etc/passwd")
    attempt.audit(attempt.directory / "audit.log")
    return None, "the audit file cannot be opened: Too many levels of symbolic links"


def audit_file_is_a_directory(attempt):
    (attempt.directory / "audit.log").mkdir()
    attempt.audit(attempt.directory / "audit.log")
    return None, "the audit file cannot be opened: Is a directory"


def data_directory_is_a_file(attempt):
    (attempt.directory / "data").write_text("mine")
    return None, "storage: the directory cannot be used"


def data_of_somebody_else(attempt):
    (attempt.directory / "data").mkdir()
    (attempt.directory / "data" / "data.mdb").write_bytes(b"not ours" * 1000)
    return None, "storage: the data file is not one of ours"


def data_directory_for_everybody(attempt):
    (attempt.directory / "data").mkdir()
    (attempt.directory / "data").chmod(0o777)
    (attempt.directory / "data" / "x").touch()
    return None, "storage: others may write to the directory"


def process_id_file_nowhere(attempt):
    attempt.more = 'pid_file = "/nowhere/pid"'
    return None, "/nowhere/pid: No such file"


@pytest.mark.parametrize(
    "spoil",
    [
        listener_in_use,
        unix_socket_in_use,
        file_in_place_of_socket,
        address_of_another_host,
        missing_certificate,
        missing_key,
        key_of_another_certificate,
        encrypted_key,
        certificate_of_garbage,
        certificate_is_a_directory,
        missing_audit_directory,
        audit_directory_for_everybody,
        audit_file_is_a_link,
        audit_file_is_a_directory,
        data_directory_is_a_file,
        data_of_somebody_else,
        data_directory_for_everybody,
        process_id_file_nowhere,
    ],
)
def test_what_cannot_start_says_why_once_and_leaves_nothing(tmp_path, spoil):
    attempt = Attempt(tmp_path)
    taken, expected = spoil(attempt)
    told = attempt.start()
    assert told.startswith("Error: ")
    assert expected in told
    assert ".py" not in told
    if taken is not None:
        taken.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", attempt.port))


def test_a_data_directory_has_one_store(tmp_path):
    with StoreProcess(tmp_path) as store:
        store.initialize()
        (tmp_path / "second").mkdir()
        attempt = Attempt(tmp_path / "second")
        (attempt.directory / "data").symlink_to(store.data_path)
        assert "another store is using the directory" in attempt.start()
        assert ask(store, "PUT", "/v1/secret/data/a", {"data": {"k": "v"}}).status == 200


def test_a_process_id_file_lasts_as_long_as_the_store(tmp_path):
    with StoreProcess(tmp_path, settings=f'pid_file = "{tmp_path}/pid"') as store:
        assert (tmp_path / "pid").read_text() == f"{store.process.pid}\n"
        assert store.stop() == 0
    assert not (tmp_path / "pid").exists()


class DevStore:
    """``holdfast server -dev`` on a free port."""

    def __init__(self, *words):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [HOLDFAST, "server", "-dev", f"-dev-listen-address={self.url.removeprefix('http://')}", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = {}
        for line in iter(self.process.stdout.readline, ""):
            name, colon, value = line.strip().partition(": ")
            if colon:
                self.printed[name] = value
            elif "HOLDFAST_ADDR" in line:
                self.printed["address"] = line.partition("'")[2].strip("'\n")
            if name == "Root Token":
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=60)


def test_a_dev_store_is_all_that_a_client_needs():
    with DevStore() as dev:
        assert dev.printed["address"] == dev.url
        client = hvac.Client(url=dev.url, token=dev.printed["Root Token"])
        assert client.sys.is_initialized()
        assert not client.sys.is_sealed()
        client.secrets.kv.v2.create_or_update_secret("a", {"k": "v"})
        read = client.secrets.kv.v2.read_secret_version("a", raise_on_deleted_version=True)
        assert read["data"]["data"] == {"k": "v"}
        client.sys.seal()
        assert client.sys.is_sealed()
        client.sys.submit_unseal_key(dev.printed["Unseal Key"])
        assert client.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["a"]


def test_a_dev_store_survives_what_reloads_other_stores():
    with DevStore("-dev-root-token-id=root") as dev:
        dev.process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        client = hvac.Client(url=dev.url, token="root")
        eventually(client.is_authenticated)
        dev.process.terminate()
        assert dev.process.wait(60) == 0
