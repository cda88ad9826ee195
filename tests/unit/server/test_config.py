"""Configuration files: what starts a store, and what is refused with file, line and name."""

import json

import pytest

from holdfast.errors import InvalidInputError
from holdfast.server.config import ListenerConfig, dev_config, split_address
from holdfast.server.config_file import MAX_CONFIG_BYTES, load_config

STORAGE = 'storage "file" {\n  path = "/data"\n}\n'
LISTENER = 'listener "tcp" {\n  address = "127.0.0.1:8200"\n  tls_disable = 1\n}\n'
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
FIRST_TRY_AS_JSON = {
    "listener": {"tcp": {"address": "0.0.0.0:8200", "tls_disable": 1}},
    "storage": {"file": {"path": "/tmp/vault-data"}},
    "disable_mlock": True,
}


@pytest.fixture
def load(tmp_path):
    def load_text(text, name="c.hcl"):
        file = tmp_path / name
        file.write_text(text)
        return load_config([str(file)])

    return load_text


def listener(*lines):
    return STORAGE + 'listener "tcp" {\n' + "\n".join(lines) + "\n}\n"


def test_a_vault_configuration_means_the_same_in_both_notations(load):
    config = load(FIRST_TRY)
    assert config == load(json.dumps(FIRST_TRY_AS_JSON), "c.json")
    assert (config.storage_kind, config.storage_options) == ("file", {"path": "/tmp/vault-data"})
    assert config.listeners == (ListenerConfig(host="0.0.0.0", port=8200),)
    assert config.listeners[0].is_exposed
    assert config.lock_memory is False
    assert config.audit.configured == ()
    assert 1 <= config.workers <= 4


def test_every_setting_arrives(load):
    config = load(
        STORAGE + 'listener "tcp" {\n address = "[::1]:1"\n tls_cert_file = "/c"\n tls_key_file = "/k"\n'
        ' tls_min_version = "tls13"\n tls_client_ca_file = "/ca"\n'
        ' tls_require_and_verify_client_cert = "true"\n'
        ' max_request_size = 4096\n max_request_duration = "2m"\n http_read_timeout = "20s"\n'
        ' http_read_header_timeout = 5\n http_idle_timeout = "1h30m"\n}\n'
        'listener "unix" {\n address = "/run/h.sock"\n socket_mode = "660"\n}\n'
        'audit "file" "main" {\n options {\n file_path = "/log/a"\n }\n}\n'
        'audit "file" {\n options = { file_path = "/log/b" }\n}\n'
        'seal "shamir" {}\ncluster_name = "c"\nlog_level = "warn"\npid_file = "/p"\nworkers = "3"\n'
        "max_secret_size = 2048\nui = true\n"
    )
    tcp, unix = config.listeners
    assert (tcp.host, tcp.port, tcp.url) == ("::1", 1, "https://[::1]:1")
    assert (tcp.tls.certificate_file, tcp.tls.key_file, tcp.tls.minimum_version) == ("/c", "/k", "1.3")
    assert (tcp.tls.client_ca_file, tcp.tls.require_client_certificate) == ("/ca", True)
    limits = tcp.limits
    assert (limits.body_bytes, limits.request_seconds, limits.body_seconds) == (4096, 120.0, 20.0)
    assert (limits.head_seconds, limits.idle_seconds) == (5.0, 5400.0)
    assert (unix.unix_path, unix.unix_mode, unix.url) == ("/run/h.sock", 0o660, "unix:///run/h.sock")
    assert not unix.is_exposed
    assert [(file.name, file.file_path) for file in config.audit.configured] == [
        ("main", "/log/a"),
        ("file", "/log/b"),
    ]
    assert (config.cluster_name, config.log_level, config.pid_file) == ("c", "warn", "/p")
    assert (config.workers, config.max_secret_bytes, config.lock_memory) == (3, 2048, True)


def test_storage_in_memory_stays_in_one_process(load):
    assert load('storage "inmem" {}\n' + LISTENER).workers == 0
    with pytest.raises(InvalidInputError, match="inmem"):
        load('storage "inmem" {}\nworkers = 2\n' + LISTENER)


def test_a_directory_stands_for_its_files_in_name_order(tmp_path):
    (tmp_path / "1.hcl").write_text(STORAGE + 'cluster_name = "first"\n')
    second = {"listener": FIRST_TRY_AS_JSON["listener"], "cluster_name": "second"}
    (tmp_path / "2.json").write_text(json.dumps(second))
    (tmp_path / "notes.txt").write_text("not read {")
    config = load_config([str(tmp_path)])
    assert config.cluster_name == "second"
    assert config.storage_options == {"path": "/data"}
    assert config.listeners[0].host == "0.0.0.0"


def test_an_unknown_top_level_setting_is_warned_about(load, caplog):
    load(STORAGE + LISTENER + 'log_requests_level = "hunter2"\nui = false\n')
    assert [record.getMessage() for record in caplog.records] == [
        "configuration: the setting log_requests_level is not known and was ignored"
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("", "storage: expected exactly one", id="empty"),
        pytest.param(STORAGE, "listener: expected at least one", id="no-listener"),
        pytest.param(LISTENER, "storage: expected exactly one", id="no-storage"),
        pytest.param(STORAGE + STORAGE + LISTENER, "storage: expected exactly one", id="two-storages"),
        pytest.param('storage "file" {', "c.hcl:1:17: expected a name", id="unfinished"),
        pytest.param(STORAGE + "listener tcp", "c.hcl:4:13: expected {", id="no-brace"),
        pytest.param(
            STORAGE + LISTENER + "audti {}", "c.hcl:8: audti: this stanza is not", id="misspelt-stanza"
        ),
        pytest.param(
            STORAGE + LISTENER + 'ha_storage "x" {}',
            "c.hcl:8: ha_storage: every node serves",
            id="ha-storage",
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit = "x"', "c.hcl: audit: expected a stanza", id="stanza-as-value"
        ),
        pytest.param(
            STORAGE + LISTENER + 'seal "awskms" {}', "c.hcl:8: seal: expected the seal type", id="seal"
        ),
        pytest.param(
            STORAGE + LISTENER + LISTENER, "listener: expected a different address", id="one-address-twice"
        ),
        pytest.param(
            STORAGE + "listener {}", "c.hcl:4: listener: expected one type", id="listener-without-type"
        ),
        pytest.param(
            STORAGE + 'listener "udp" {}', "c.hcl:4: listener: expected a listener of", id="listener-type"
        ),
        pytest.param(
            listener("tls_disabled = 1"), "c.hcl:4: listener: unknown setting tls_dis", id="misspelt-setting"
        ),
        pytest.param(
            listener("tls_disable = 1", "x {}"), "c.hcl:4: listener: unknown setting x", id="inner-stanza"
        ),
        pytest.param(listener(), "c.hcl:4: listener: expected tls_cert_file and", id="neither-tls-nor-plain"),
        pytest.param(
            listener('tls_cert_file = "/c"'), "c.hcl:4: listener: expected tls_cert_f", id="no-key-file"
        ),
        pytest.param(
            listener('tls_disable = "maybe"'), "c.hcl:4: listener: tls_disable: expec", id="not-a-boolean"
        ),
        pytest.param(
            listener('tls_disable = ""'), "c.hcl:4: listener: tls_disable: expected", id="empty-boolean"
        ),
        pytest.param(
            listener('tls_cert_file = "/c"', 'tls_key_file = "/k"', 'tls_min_version = "tls11"'),
            "c.hcl:4: listener: tls_min_version: expected tls12 or tls13",
            id="old-tls",
        ),
        pytest.param(
            listener("tls_disable = 1", 'address = "8200"'), "c.hcl:4: listener: address:", id="no-host"
        ),
        pytest.param(
            listener("tls_disable = 1", 'address = "h:99999"'), "c.hcl:4: listener: addr", id="huge-port"
        ),
        pytest.param(
            listener("tls_disable = 1", "address = 8200"), "c.hcl:4: listener: address:", id="number"
        ),
        pytest.param(
            listener("tls_disable = 1", "max_request_size = 1"),
            "c.hcl:4: listener: max_request_size",
            id="tiny-limit",
        ),
        pytest.param(
            listener("tls_disable = 1", "http_idle_timeout = 0"),
            "listener: http_idle_timeout: exp",
            id="no-time-at-all",
        ),
        pytest.param(
            listener("tls_disable = 1", "http_read_timeout = [1]"),
            "listener: http_read_timeout: exp",
            id="list-as-time",
        ),
        pytest.param(
            STORAGE + 'listener "unix" {}',
            "c.hcl:4: listener: address: expected text",
            id="unix-without-address",
        ),
        pytest.param(
            STORAGE + 'listener "unix" {\naddress = "/s"\nsocket_mode = "9z"\n}',
            "c.hcl:4: listener: socket_mode: expected an octal",
            id="socket-mode",
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit "http" {}', "c.hcl:8: audit: type: expected file", id="audit-type"
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit "file" {}', "c.hcl:8: audit: file_path: expected", id="no-audit-path"
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit "file" { options { file_path = "a" } }',
            "c.hcl:8: audit: file_path: expected an absolute path",
            id="relative-audit-path",
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit "file" { options { file_path = "/a"\nprefx = "x" } }',
            "c.hcl:8: audit: options: one is none",
            id="audit-option",
        ),
        pytest.param(
            STORAGE + LISTENER + 'audit "file" "a" { options { file_path = "/a" } }\n' * 2,
            "audit: expected a different name and file_path or address",
            id="one-audit-file-twice",
        ),
        pytest.param(
            STORAGE + LISTENER + "workers = 0", "c.hcl: workers: expected a number", id="no-workers"
        ),
        pytest.param(
            STORAGE + LISTENER + "workers = 99999999999999", "c.hcl: workers: expected", id="huge-number"
        ),
        pytest.param(
            STORAGE + LISTENER + "workers = true", "c.hcl: workers: expected", id="boolean-as-number"
        ),
        pytest.param(
            STORAGE + LISTENER + "log_level = 3", "c.hcl: log_level: expected text", id="number-as-text"
        ),
        pytest.param(
            STORAGE + LISTENER + "ui = 1\nui = 1", "c.hcl:9:1: this name already", id="setting-twice"
        ),
        pytest.param("{", "c.hcl", id="unfinished-json"),
        pytest.param('{"a": NaN}', "c.hcl", id="json-nan"),
        pytest.param("[" * 100_000, "c.hcl", id="depth-bomb"),
        pytest.param('{"a":' * 100_000, "c.hcl", id="json-depth-bomb"),
        pytest.param(
            "#" * (MAX_CONFIG_BYTES + 1), f"c.hcl: expected at most {MAX_CONFIG_BYTES}", id="huge-file"
        ),
        pytest.param("\0" * 100, "c.hcl:1:1", id="nul-bytes"),
    ],
)
def test_what_cannot_be_had_is_refused_with_its_place(load, tmp_path, text, place):
    with pytest.raises(InvalidInputError) as refused:
        load(text)
    told = refused.value.message.removeprefix(f"{tmp_path}/")
    assert told.startswith(place) or f": {place}" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda place: place / "absent", "cannot be read: No such file", id="missing"),
        pytest.param(
            lambda place: place, "expected a directory with .hcl or .json files", id="empty-directory"
        ),
        pytest.param(
            lambda place: (place / "b").write_bytes(b"\xff\xfe") and place / "b",
            "expected UTF-8",
            id="binary",
        ),
        pytest.param(lambda _: "/proc/self/mem", "cannot be read: Input/output error", id="read-error"),
        pytest.param(lambda _: "/dev/zero", "expected at most", id="endless"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, make, told):
    path = str(make(tmp_path))
    with pytest.raises(InvalidInputError) as refused:
        load_config([path])
    assert refused.value.message.startswith(f"{path}: {told}")


def test_no_file_at_all_is_refused():
    with pytest.raises(InvalidInputError, match="-config: expected at least one file"):
        load_config([])


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1:1", id="ipv4"),
        pytest.param("[::1]:1", id="ipv6"),
        pytest.param("localhost:1", id="name"),
    ],
)
def test_a_dev_store_is_unprotected_and_so_on_loopback(address):
    config = dev_config(address=address)
    assert (config.storage_kind, config.workers, config.listeners[0].is_exposed) == ("inmem", 0, False)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0.0.0.0:1", id="every-address"),
        pytest.param("[::]:1", id="every-ipv6-address"),
        pytest.param("192.0.2.1:1", id="other-address"),
        pytest.param("store.example:1", id="other-name"),
        pytest.param("127.0.0.1", id="no-port"),
        pytest.param(":1", id="no-host"),
        pytest.param("", id="empty"),
    ],
)
def test_a_dev_store_listens_nowhere_else(address):
    with pytest.raises(InvalidInputError):
        dev_config(address=address)


@pytest.mark.parametrize(
    "port",
    [
        pytest.param("65536", id="too-high"),
        pytest.param("-1", id="negative"),
        pytest.param("1\u0660", id="other-digits"),
        pytest.param("0" * 5000 + "1", id="endless"),
    ],
)
def test_a_port_is_a_small_number(port):
    with pytest.raises(InvalidInputError, match="host:port"):
        split_address(f"127.0.0.1:{port}")
