"""A store never starts with less protection on the network than its security mode says."""

import pytest
from tests.support.certificates import TestAuthority

from holdfast.errors import InvalidInputError
from holdfast.server.config_file import load_config

STORAGE = 'storage "file" { path = "/data" }\n'
ZOOKEEPER = 'storage "zookeeper" {\n address = "zk-1:2181"\n unprotected = true\n%s}\n'
POSTGRESQL = 'storage "postgresql" {\n connection_url = "postgres://u@%s"\n}\n'
LOOPBACK = 'listener "tcp" {\n address = "127.0.0.1:8200"\n tls_disable = true\n}\n'
EVERYWHERE = 'listener "tcp" {\n address = "0.0.0.0:8200"\n tls_disable = true\n}\n'
UNIX = 'listener "unix" { address = "/run/holdfast.sock" }\n'
PEERS = 'cluster {\n node_id = "a"\n peers = ["http://127.0.0.1:8201"]\n}\n'


@pytest.fixture
def tls(tmp_path):
    certificate, key = TestAuthority().issue(tmp_path, "localhost")
    return (
        f'listener "tcp" {{\n address = "0.0.0.0:8443"\n tls_cert_file = "{certificate}"\n'
        f' tls_key_file = "{key}"\n}}\n'
    )


@pytest.fixture
def load(tmp_path):
    def load_text(mode, *stanzas):
        file = tmp_path / "holdfast.hcl"
        file.write_text("".join(stanzas) + f'security_mode = "{mode}"\n')
        return load_config([str(file)])

    return load_text


def test_strict_takes_tls_and_unix_sockets(load, tls):
    assert len(load("strict", STORAGE, tls, UNIX).listeners) == 2


def test_permissive_takes_both(load, tls):
    assert len(load("permissive", STORAGE, tls, EVERYWHERE).listeners) == 2


def test_disabled_takes_loopback(load):
    assert len(load("disabled", STORAGE, LOOPBACK, UNIX).listeners) == 2


@pytest.mark.parametrize(
    ("mode", "stanzas", "told"),
    [
        pytest.param("strict", (STORAGE, LOOPBACK), "tls_cert_file", id="strict-clear-text-on-loopback"),
        pytest.param(
            "strict", (STORAGE, "TLS", EVERYWHERE), "0.0.0.0:8200", id="strict-clear-text-beside-tls"
        ),
        pytest.param("strict", (STORAGE, "TLS", PEERS), "peers", id="strict-peers"),
        pytest.param("strict", (ZOOKEEPER % "", "TLS"), "tls_enabled", id="strict-zookeeper"),
        pytest.param(
            "strict", (POSTGRESQL % "127.0.0.1/d", "TLS"), "sslmode=verify-full", id="strict-postgresql"
        ),
        pytest.param("permissive", (STORAGE, EVERYWHERE), "at least one", id="permissive-without-tls"),
        pytest.param("disabled", (STORAGE, EVERYWHERE), "loopback", id="disabled-off-loopback"),
        pytest.param("Strict", (STORAGE, LOOPBACK), "expected strict, permissive", id="unknown-mode"),
        pytest.param("", (STORAGE, LOOPBACK), "expected strict, permissive", id="empty-mode"),
    ],
)
def test_less_than_the_mode_is_refused(load, tls, mode, stanzas, told):
    with pytest.raises(InvalidInputError, match=told):
        load(mode, *(tls if stanza == "TLS" else stanza for stanza in stanzas))


def test_strict_takes_zookeeper_over_tls(load, tls):
    assert load("strict", ZOOKEEPER % "tls_enabled = true\n", tls).storage_kind == "zookeeper"


@pytest.mark.parametrize(
    "where", ["db.example/d", "127.0.0.1/d?sslmode=verify-full", "/d?host=/run/postgresql"]
)
def test_strict_takes_a_postgresql_that_is_verified_or_behind_a_socket(load, tls, where):
    assert load("strict", POSTGRESQL % where, tls).storage_kind == "postgresql"
