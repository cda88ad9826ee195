"""The holdfast program starts light, finds every command, and takes its settings in a stated order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.commands import PROGRAM
from holdfast.cli.holdfast.connection import configured_token
from holdfast.cli.holdfast.environment import setting, switch
from holdfast.cli.program import Command, Group

# What only some commands need, and costs tens of milliseconds each.
HEAVY = {"asyncio", "cryptography", "hashlib", "http.client", "json", "lmdb", "msgspec", "ssl", "urllib3"}
HEAVY |= {"uvloop", "yaml", "holdfast.client", "holdfast.server"}


def commands(group, words=()):
    for word, entry in group.commands.items():
        if isinstance(entry, Group):
            yield from commands(entry, (*words, word))
        else:
            yield pytest.param((*words, word), entry, id="-".join((*words, word)))


@pytest.mark.parametrize(("words", "command"), [*commands(PROGRAM.root)])
def test_every_command_exists_and_explains_itself(words, command, capsys):
    assert isinstance(command, Command)
    parser = CommandParser(command=" ".join(("holdfast", *words)), summary=command.summary)
    assert callable(command.load()(parser))
    assert PROGRAM.main([*words, "--help"]) == 0
    assert "Usage: holdfast" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [pytest.param(["--help"], id="help"), pytest.param(["kv", "--help"], id="group-help")],
)
def test_help_loads_nothing_heavy(words):
    script = (
        "import sys\n"
        "from holdfast.cli.holdfast import main\n"
        f"sys.argv = ['holdfast', *{words!r}]\n"
        "code = main()\n"
        "print(*sys.modules, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    child = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0
    assert "Usage: holdfast" in child.stdout
    assert HEAVY & set(child.stderr.split()) == set()


@pytest.mark.parametrize("unbuffered", [pytest.param("", id="buffered"), pytest.param("1", id="unbuffered")])
def test_a_reader_that_left_is_neither_success_nor_a_defect(unbuffered):
    program = Path(sys.executable).with_name("holdfast")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        child = subprocess.run(
            [program, "--help"],
            env={"PYTHONUNBUFFERED": unbuffered},
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (child.returncode, child.stderr) == (1, b"")


def test_a_full_disk_is_not_success():
    with Path("/dev/full").open("wb") as full:
        child = subprocess.run(
            [Path(sys.executable).with_name("holdfast"), "--help"],
            env={},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert child.returncode == 1
    assert b"No space left" in child.stderr


def test_a_holdfast_name_wins_in_the_environment(monkeypatch):
    assert setting("ADDR") == ""
    monkeypatch.setenv("VAULT_ADDR", "https://vault")
    assert setting("ADDR") == "https://vault"
    monkeypatch.setenv("DCOS_URL", "https://dcos")
    assert setting("ADDR", "DCOS_URL") == "https://dcos"
    monkeypatch.setenv("HOLDFAST_ADDR", "https://holdfast")
    assert setting("ADDR", "DCOS_URL") == "https://holdfast"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", False, id="empty"),
        pytest.param("0", False, id="zero"),
        pytest.param("true", True, id="true"),
        pytest.param("T", True, id="capital-t"),
    ],
)
def test_a_switch_of_the_environment(monkeypatch, value, expected):
    monkeypatch.setenv("VAULT_SKIP_VERIFY", value)
    assert switch("SKIP_VERIFY") is expected


def test_an_unclear_switch_is_refused(monkeypatch):
    monkeypatch.setenv("HOLDFAST_SKIP_VERIFY", "maybe")
    with pytest.raises(LocalError, match="HOLDFAST_SKIP_VERIFY"):
        switch("SKIP_VERIFY")


def test_the_token_of_the_environment_wins_over_the_file(monkeypatch, home):
    assert configured_token() is None
    (home / ".holdfast-token").touch(0o600)
    (home / ".holdfast-token").write_text("from-file")
    assert configured_token().reveal() == b"from-file"
    monkeypatch.setenv("VAULT_TOKEN", "from-vault-variable")
    assert configured_token().reveal() == b"from-vault-variable"
    monkeypatch.setenv("HOLDFAST_TOKEN", " from-our-variable\n")
    assert configured_token().reveal() == b"from-our-variable"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["-address=http://192.0.2.1:8200", "status"], "loopback", id="plain-http-off-loopback"),
        pytest.param(["-address=ftp://127.0.0.1", "status"], "https://", id="another-scheme"),
        pytest.param(
            ["-address=https://user:hunter2@host", "status"], "credentials", id="password-in-address"
        ),
        pytest.param(["status", "-ca-cert=/nowhere/ca.pem"], "CA certificate", id="missing-authority-file"),
        pytest.param(["-format=xml", "status"], "table, json, yaml", id="unknown-format"),
        pytest.param(["server"], "-config", id="server-without-configuration"),
        pytest.param(
            ["server", "-config=x", "-dev-root-token-id=hunter2"], "-dev", id="dev-token-without-dev"
        ),
        pytest.param(["kv", "put", "secret/a"], "field=value", id="put-without-fields"),
        pytest.param(["kv", "destroy", "-versions=1,x", "secret/a"], "--versions", id="version-not-a-number"),
        pytest.param(["token", "revoke"], "exactly one", id="revoke-what"),
        pytest.param(["security", "secrets", "create", "a"], "exactly one", id="create-without-value"),
    ],
)
def test_trouble_on_this_side_is_exit_code_1(words, told, capsys):
    assert PROGRAM.main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert "hunter2" not in captured.err


def test_a_server_that_is_away_is_exit_code_2_and_1_for_status(capsys):
    away = "-address=http://127.0.0.1:1"
    assert PROGRAM.main([away, "kv", "get", "secret/a"]) == 2
    assert "HOLDFAST_ADDR" in capsys.readouterr().err
    assert PROGRAM.main([away, "status"]) == 1
