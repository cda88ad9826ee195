"""Starting a store from the command line: a throw-away one, and what is said when it cannot start."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.ports import free_port

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))
STOP_SECONDS = 60

STORAGE = 'storage "file" {\n  path = "data"\n}\n'
OTHER_STORAGE = 'storage "hunter2" {}\n'
LISTENER = 'listener "tcp" {\n  address = "127.0.0.1:0"\n  tls_disable = true\n}\n'
MISSPELT_LISTENER = 'listener "tcp" {\n  tls_disabled = "hunter2"\n}\n'
TLS_LISTENER = 'listener "tcp" {\n  address = "127.0.0.1:0"\n  tls_cert_file = "x"\n  tls_key_file = "x"\n}\n'


def run(*words, **environment):
    return subprocess.run(
        [HOLDFAST, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("way", ["options", "environment"])
def test_a_dev_store_is_open_and_says_how_to_reach_it(tmp_path, way):
    """Told by options, or by the environment, which is how containers of Vault are told."""
    address = f"127.0.0.1:{free_port()}"
    options = [f"-dev-listen-address={address}", "-dev-root-token-id=root", "-dev-no-store-token"]
    environment = {"VAULT_DEV_LISTEN_ADDRESS": address, "VAULT_DEV_ROOT_TOKEN_ID": "root"}
    server = subprocess.Popen(
        [HOLDFAST, "server", "-dev", *(options if way == "options" else [])],
        env={"HOME": str(tmp_path), **(environment if way == "environment" else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        told = "".join(iter(server.stdout.readline, "Root Token: root\n"))
        assert "WARNING" in told
        assert f"HOLDFAST_ADDR='http://{address}'" in told
        desk = {"HOLDFAST_ADDR": f"http://{address}", "HOLDFAST_TOKEN": "root", "HOME": str(tmp_path)}
        assert run("status", **desk).returncode == 0
        assert run("kv", "put", "secret/a", "b=c", **desk).returncode == 0
        assert run("kv", "get", "-field=b", "secret/a", **desk).stdout == "c"
    finally:
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
        server.stdout.close()


@pytest.mark.parametrize(
    ("words", "config", "told"),
    [
        pytest.param(["-config=c.hcl"], None, "c.hcl", id="missing-file"),
        pytest.param(["-config=c.hcl"], b'storage "file" {', "c.hcl", id="unfinished-stanza"),
        pytest.param(["-config=c.hcl"], b"\xff\xfe", "UTF-8", id="not-utf-8"),
        pytest.param(["-config=c.hcl"], b"", "storage", id="empty-file"),
        pytest.param(["-config=c.hcl"], OTHER_STORAGE + LISTENER, "storage", id="unknown-storage"),
        pytest.param(["-config=c.hcl"], STORAGE, "listener", id="no-listener"),
        pytest.param(["-config=c.hcl"], STORAGE + MISSPELT_LISTENER, "tls_disabled", id="misspelt-setting"),
        pytest.param(["-config=c.hcl"], STORAGE + TLS_LISTENER, "certificate", id="missing-certificate"),
        pytest.param(["-dev", "-dev-listen-address=0.0.0.0:1"], None, "loopback", id="dev-off-loopback"),
    ],
)
def test_a_store_that_cannot_start_says_why(tmp_path, monkeypatch, words, config, told):
    monkeypatch.chdir(tmp_path)
    if config is not None:
        (tmp_path / "c.hcl").write_bytes(config.encode() if isinstance(config, str) else config)
    done = run("server", *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
