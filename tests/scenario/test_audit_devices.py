"""Audit devices of a running store: added by clients of Vault, kept over restarts, struck while it serves."""

import base64
import json
import signal
from contextlib import suppress

import hvac
import pytest
from tests.support.receivers import StreamReceiver, eventually
from tests.support.store_process import StoreProcess

from holdfast.audit import Fault, Verifier
from holdfast.errors import HoldfastError

SECRET = "canary-51f0c2"


@pytest.fixture
def receiver():
    with StreamReceiver() as running:
        yield running


@pytest.fixture
def store(tmp_path, receiver):
    directory = tmp_path / "log"
    directory.mkdir(mode=0o700)
    settings = (
        f'unsafe_allow_api_audit_creation = true\naudit_directory = "{directory}"\n'
        f'audit_addresses = ["{receiver.text}"]\n'
    )
    with StoreProcess(tmp_path, settings=settings) as process:
        process.initialize()
        process.log_directory = directory
        yield process


@pytest.fixture
def client(store):
    with clients_of(store) as client:
        yield client


def clients_of(store):
    client = hvac.Client(url=store.url, token=store.root_token)
    client.__class__.__enter__ = lambda self: self
    client.__class__.__exit__ = lambda self, *_: self.adapter.close()
    return client


def read(store):
    """Read on a connection of its own, which any worker may take; whether that was answered."""
    with suppress(HoldfastError):
        store.client().request("GET", "secret/data/a")
        return True
    return False


def verified(store, name, path_or_lines):
    key = store.client().request("GET", f"sys/audit-chain/{name}")["data"]["key"]
    verifier = Verifier(base64.b64decode(key))
    lines = path_or_lines if isinstance(path_or_lines, list) else path_or_lines.read_bytes().splitlines()
    verifier.read(name, lines)
    return [finding.fault for finding in verifier.findings]


def enable_file(client, store, name="file", **options):
    path = store.log_directory / f"{name}.log"
    client.sys.enable_audit_device(
        "file", description="a file", options={"file_path": str(path), **options}, path=name
    )
    return path


def test_a_device_is_enabled_listed_used_and_disabled_as_clients_know_it(client, store):
    assert client.sys.list_enabled_audit_devices()["data"] == {}
    path = enable_file(client, store)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"sys/audit/test" in path.read_bytes()
    [(name, device)] = client.sys.list_enabled_audit_devices()["data"].items()
    assert (name, device["type"], device["path"], device["description"]) == (
        "file/",
        "file",
        "file/",
        "a file",
    )
    client.secrets.kv.v2.create_or_update_secret("a", {"k": SECRET})
    shown = client.sys.calculate_hash("file", SECRET)["data"]["hash"]
    assert shown in path.read_text()
    assert SECRET not in path.read_text()
    client.sys.disable_audit_device("file")
    client.sys.disable_audit_device("file")  # an absent one is fine
    assert client.sys.list_enabled_audit_devices()["data"] == {}
    for _ in range(10):
        assert read(store)
    size = path.stat().st_size
    assert read(store)
    assert path.stat().st_size == size
    assert verified(store, "file", path) == []
    again = enable_file(client, store)  # goes on with the same key, in the same file
    assert read(store)
    assert verified(store, "file", again) == []


def test_every_worker_writes_to_a_new_device_and_a_restart_keeps_it(client, store):
    path = enable_file(client, store, mode="0640", hmac_accessor=False, elide_list_responses=True)
    assert path.stat().st_mode & 0o777 == 0o640
    client.secrets.kv.v2.create_or_update_secret("a", {"k": SECRET})
    before = path.read_bytes().count(b"\n")
    for _ in range(20):
        assert read(store)
    assert path.read_bytes().count(b"\n") == before + 40
    client.secrets.kv.v2.list_secrets("")
    assert json.loads(path.read_bytes().splitlines()[-1])["response"]["data"] == {"keys": 1}
    store.stop()
    store.start()
    store.unseal()
    before = path.read_bytes().count(b"\n")
    for _ in range(4):
        assert read(store)
    assert path.read_bytes().count(b"\n") == before + 8
    assert verified(store, "file", path) == []


REFUSED = {
    "elsewhere": ("file", {"file_path": "/etc/cron.d/x"}, "file_path"),
    "standard output": ("file", {"file_path": "stdout"}, "audit_addresses"),
    "another port": ("socket", {"address": "127.0.0.1:22"}, "audit_addresses"),
    "another socket": ("syslog", {"address": "/run/x"}, "audit_addresses"),
    "raw lines": ("file", {"file_path": "{}/x", "log_raw": "true"}, "log_raw"),
    "a prefix": ("file", {"file_path": "{}/x", "prefix": "#!"}, "prefix"),
    "another type": ("http", {}, "type"),
    "a directory below": ("file", {"file_path": "{}/no/x"}, "file_path"),
}


def test_what_the_configuration_does_not_name_is_refused(client, store):
    for case, (kind, options, text) in REFUSED.items():
        here = {name: value.replace("{}", str(store.log_directory)) for name, value in options.items()}
        with pytest.raises(hvac.exceptions.InvalidRequest, match=text):
            client.sys.enable_audit_device(kind, options=here, path="x")
        assert client.sys.list_enabled_audit_devices()["data"] == {}, case


def test_a_device_that_takes_no_test_line_is_not_enabled(client, store, receiver):
    receiver.stop()
    answer = client.adapter.session.put(
        f"{store.url}/v1/sys/audit/x",
        json={"type": "socket", "options": {"address": receiver.text, "write_timeout": "500ms"}},
        headers={"X-Vault-Token": store.root_token},
        timeout=60,
    )
    assert answer.status_code == 503
    assert "sanity check failed" in answer.json()["errors"][0]
    assert client.sys.list_enabled_audit_devices()["data"] == {}


def test_without_leave_of_the_configuration_the_api_adds_nothing(tmp_path):
    with StoreProcess(tmp_path, audit=True) as store:
        store.initialize()
        client = hvac.Client(url=store.url, token=store.root_token)
        with pytest.raises(hvac.exceptions.InvalidRequest, match="cannot enable audit device via API"):
            client.sys.enable_audit_device("file", options={"file_path": str(tmp_path / "x")})
        with pytest.raises(hvac.exceptions.InvalidRequest, match="one of the configuration"):
            client.sys.disable_audit_device("main")
        assert list(client.sys.list_enabled_audit_devices()["data"]) == ["main/"]
        client.adapter.close()


def test_a_receiver_that_is_killed_stops_nobody_while_a_file_takes_the_lines(client, store, receiver):
    path = enable_file(client, store)
    client.sys.enable_audit_device("socket", options={"address": receiver.text}, path="far")
    client.secrets.kv.v2.create_or_update_secret("a", {"k": SECRET})
    for _ in range(10):
        assert read(store)
    eventually(lambda: len(receiver.lines) > 20)
    receiver.stop()
    for _ in range(20):
        assert read(store)
    health = eventually(
        lambda: (health := health_of(client, "far/"))["failing_processes"] and health, "trouble of the device"
    )
    assert health["failing_since"]
    assert health_of(client, "file/")["failing_processes"] == 0
    eventually(lambda: "the audit device far fails" in store.log())
    metrics = client.adapter.get("/v1/sys/metrics?format=prometheus").text
    assert 'holdfast_audit_device_failing{device="file"} 0' in metrics
    assert 'holdfast_audit_device_failing{device="far"} 0' not in metrics
    receiver.start()

    def both_work_again():
        assert read(store)
        return not health_of(client, "far/")["failing_processes"]

    eventually(both_work_again)
    eventually(lambda: "the audit device far works again" in store.log())
    for _ in range(4):
        assert read(store)
    assert verified(store, "file", path) == []
    # The lines of the time in between are missed, and no other fault is found in what was captured.
    captured = eventually(lambda: receiver.lines)
    assert set(verified(store, "far", captured)) <= {Fault.CUT_OFF, Fault.MISSING}


def test_where_a_stalled_socket_is_all_there_is_requests_are_refused_and_come_back(client, store, receiver):
    client.sys.enable_audit_device(
        "socket", options={"address": receiver.text, "write_timeout": "2s"}, path="far"
    )
    wide = {f"k{number}": SECRET for number in range(450)}
    client.secrets.kv.v2.create_or_update_secret("a", wide)
    receiver.reads.clear()
    eventually(lambda: not read(store), "a refusal")
    assert client.sys.read_health_status(method="GET")["sealed"] is False  # needs no line
    receiver.reads.set()
    eventually(lambda: read(store), "an answer")


def test_a_hang_up_signal_opens_files_anew(client, store):
    path = enable_file(client, store)
    client.secrets.kv.v2.create_or_update_secret("a", {"k": SECRET})
    rotated = path.rename(path.with_suffix(".1"))
    store.process.send_signal(signal.SIGHUP)
    eventually(path.exists, "the new file")

    def all_workers_write_to_it():
        size = rotated.stat().st_size
        for _ in range(8):
            assert read(store)
        return rotated.stat().st_size == size

    eventually(all_workers_write_to_it)
    lines = rotated.read_bytes().splitlines() + path.read_bytes().splitlines()
    assert verified(store, "file", lines) == []


def test_a_device_whose_place_is_gone_fails_and_shows_it_and_others_go_on(client, store):
    enable_file(client, store, "one")
    two = enable_file(client, store, "two")
    client.secrets.kv.v2.create_or_update_secret("a", {"k": SECRET})
    store.stop()
    two.unlink()
    two.mkdir()
    store.start()
    store.unseal()
    for _ in range(4):
        assert read(store)
    assert health_of(client, "two/")["failing_processes"] >= 1
    assert health_of(client, "one/")["failing_processes"] == 0
    client.sys.disable_audit_device("two")
    assert read(store)


def health_of(client, name):
    return client.sys.list_enabled_audit_devices()["data"][name]["health"]
