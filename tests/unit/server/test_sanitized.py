"""The configuration as it is shown names nothing that is secret, whatever a storage or a seal is told."""

import json

import pytest

from holdfast.errors import InvalidInputError
from holdfast.server.config_file import load_config
from holdfast.server.sanitized import sanitized

CONFIG = """
storage "postgresql" {
  connection_url = "postgresql://holdfast:canary-7f3a@127.0.0.1:5432/holdfast?sslmode=disable"
}
listener "tcp" {
  address = "127.0.0.1:8200"
  tls_disable = true
  telemetry { unauthenticated_metrics_access = true }
}
audit "file" "main" { options { file_path = "/var/log/holdfast/audit.log" } }
"""
LISTENER = 'storage "inmem" {}\nlistener "tcp" {\n address = "127.0.0.1:8200"\n tls_disable = true\n %s\n}\n'


def loaded(tmp_path, text):
    path = tmp_path / "config.hcl"
    path.write_text(text)
    return load_config([str(path)])


def test_nothing_of_the_storage_but_its_kind(tmp_path):
    shown = sanitized(loaded(tmp_path, CONFIG))
    assert "canary" not in json.dumps(shown)
    assert shown["storage"] == {"type": "postgresql"}
    [listener] = shown["listeners"]
    assert listener["config"]["address"] == "127.0.0.1:8200"
    assert listener["config"]["unauthenticated_metrics_access"] is True
    assert shown["audit"] == [{"type": "file", "name": "main", "file_path": "/var/log/holdfast/audit.log"}]


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("", False),
        ("telemetry {}", False),
        ("telemetry { unauthenticated_metrics_access = false }", False),
        ('telemetry { unauthenticated_metrics_access = "true" }', True),
    ],
)
def test_metrics_are_for_anybody_only_where_it_says_so(tmp_path, text, opens):
    [listener] = loaded(tmp_path, LISTENER % text).listeners
    assert listener.open_metrics is opens


@pytest.mark.parametrize(
    "text", ["telemetry = true", "telemetry { x = 1 }", 'telemetry { unauthenticated_metrics_access = "x" }']
)
def test_what_is_no_telemetry_is_refused(tmp_path, text):
    with pytest.raises(InvalidInputError, match=r"telemetry|setting|unauthenticated_metrics_access"):
        loaded(tmp_path, LISTENER % text)
