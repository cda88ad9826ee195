"""A configuration file written for Vault: each of its settings counts, changes nothing here, or is refused.

What is left out silently can do no harm; what somebody could rely on is said.
"""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.server.config_file import load_config

STORAGE = 'storage "file" {\n  path = "/data"\n}\n'
LISTENER = 'listener "tcp" {\n  address = "127.0.0.1:8200"\n  tls_disable = 1\n}\n'
COUNTS, NOTHING, SAID, REFUSED = "counts", "changes nothing", "said to have no effect", "refused"

TOP_LEVEL = [
    ('api_addr = "https://store:8200"', NOTHING),
    ('cluster_addr = "https://store:8201"', NOTHING),
    ('cluster_name = "c"', COUNTS),
    ("ui = true", COUNTS),
    ('log_level = "debug"', COUNTS),
    ('log_format = "json"', SAID),
    ('log_file = "/log"', SAID),
    ('pid_file = "/pid"', COUNTS),
    ('default_lease_ttl = "1h"', SAID),
    ('max_lease_ttl = "1h"', SAID),
    ('default_max_request_duration = "90s"', SAID),
    ("cache_size = 1000", NOTHING),
    ("disable_cache = true", NOTHING),
    ("disable_mlock = true", COUNTS),
    ('disable_mlock = "1"', COUNTS),
    ("raw_storage_endpoint = true", SAID),
    ("introspection_endpoint = true", SAID),
    ('plugin_directory = "/p"', NOTHING),
    ("disable_sealwrap = true", NOTHING),
    ("enable_response_header_hostname = true", SAID),
    ("unsafe_allow_api_audit_creation = true", COUNTS),
    ('telemetry {\n  prometheus_retention_time = "1h"\n}', NOTHING),
    ('user_lockout "all" {\n  lockout_threshold = "5"\n}', SAID),
    ('ha_storage "raft" {\n  path = "/x"\n}', REFUSED),
    ('seal "pkcs11" {\n  lib = "/x"\n}', REFUSED),
    ('seal "awskms" {\n  region = "x"\n}', REFUSED),
    ('initialize "x" {\n  request "y" {\n  }\n}', REFUSED),
    ('audit "file" "main" {\n  options {\n    file_path = "/log/a"\n  }\n}', COUNTS),
]
OF_LISTENERS = [
    ('address = "127.0.0.1:8200"', COUNTS),
    ('cluster_address = "127.0.0.1:8201"', NOTHING),
    ('tls_min_version = "tls13"', COUNTS),
    ('tls_min_version = "tls10"', REFUSED),
    ('tls_max_version = "tls12"', REFUSED),
    ('tls_cipher_suites = "x"', REFUSED),
    ('tls_client_ca_file = "/ca"', COUNTS),
    ('tls_require_and_verify_client_cert = "true"', COUNTS),
    ("tls_disable_client_certs = true", COUNTS),
    ("max_request_size = 33554432", COUNTS),
    ('max_request_duration = "90s"', COUNTS),
    ("max_request_json_memory = 1", NOTHING),
    ("max_request_json_strings = 5000", COUNTS),
    ("max_request_json_strings = 0", REFUSED),
    ('http_read_timeout = "30s"', COUNTS),
    ('http_read_header_timeout = "10s"', COUNTS),
    ('http_write_timeout = "0"', REFUSED),
    ('http_idle_timeout = "5m"', COUNTS),
    ('proxy_protocol_behavior = "use_always"', REFUSED),
    ('x_forwarded_for_authorized_addrs = "10.0.0.0/8"', REFUSED),
    ("telemetry {\n    unauthenticated_metrics_access = true\n  }", COUNTS),
    ("disable_unauthed_rekey_endpoints = false", COUNTS),
    ("disable_unauthed_generate_root_endpoints = false", COUNTS),
    ("custom_response_headers {\n  }", REFUSED),
]
STORAGES = [
    ('storage "inmem" {}', COUNTS),
    ('backend "file" {\n  path = "/data"\n}', COUNTS),
    ('storage "postgresql" {\n  connection_url = "postgres://u:p@localhost/db"\n}', COUNTS),
]


@pytest.fixture
def outcome(tmp_path, caplog):
    def outcome(text):
        file = tmp_path / "config.hcl"
        file.write_text(text)
        try:
            load_config([str(file)])
        except InvalidInputError:
            return REFUSED
        return SAID if caplog.records else COUNTS

    return outcome


def expected(word):
    """What is left out silently loads like what counts."""
    return COUNTS if word == NOTHING else word


@pytest.mark.parametrize(("line", "word"), TOP_LEVEL)
def test_of_the_top_level(outcome, line, word):
    assert outcome(f"{STORAGE}{LISTENER}{line}\n") == expected(word)


@pytest.mark.parametrize(("line", "word"), OF_LISTENERS)
def test_of_listeners(outcome, line, word):
    address = "" if line.startswith("address") else 'address = "127.0.0.1:8200"\n  '
    stanza = f'listener "tcp" {{\n  {address}tls_cert_file = "/c"\n  tls_key_file = "/k"\n  {line}\n}}\n'
    assert outcome(STORAGE + stanza) == expected(word)


@pytest.mark.parametrize(("stanza", "word"), STORAGES)
def test_of_storage(outcome, stanza, word):
    assert outcome(f"{stanza}\n{LISTENER}") == expected(word)


def test_the_first_configuration_of_the_guides_loads_as_it_is(outcome):
    assert (
        outcome(
            'listener "tcp" {\n  address     = "0.0.0.0:8200"\n  tls_disable = 1\n}\n'
            'storage "file" {\n  path = "/tmp/vault-data"\n}\ndisable_mlock = true\n'
        )
        == COUNTS
    )


def test_a_later_file_adds_to_an_earlier_one(tmp_path):
    for name, text in (
        ("1.hcl", STORAGE + 'log_level = "info"\n'),
        ("2.hcl", LISTENER + 'log_level = "warn"\n'),
    ):
        (tmp_path / name).write_text(text)
    both = load_config([str(tmp_path / "1.hcl"), str(tmp_path / "2.hcl")])
    assert (both.log_level, len(both.listeners)) == ("warn", 1)
    assert load_config([str(tmp_path)]) == both
