"""What every command takes as `vault` does: where answers go, in which form, and to see a request unsent."""

import json

import pytest

from holdfast.cli.holdfast.commands import PROGRAM

TOKEN = "hvs.secret-token-value"
SECRET = {"request_id": "r", "data": {"names": ["a", "b"], "text": "x\n", "count": 3}}


@pytest.fixture
def some(wire, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    wire.answers["GET", "/v1/sys/x"] = (200, SECRET)
    return wire


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(["-field=text"], "x\n", id="exact"),
        pytest.param(["-field=names"], "[a b]", id="list"),
        pytest.param(["-field=names", "-format=json"], '[\n  "a",\n  "b"\n]\n', id="list-for-programs"),
        pytest.param(["-field=text", "-format=json"], '"x\\n"\n', id="text-for-programs"),
        pytest.param(["-field=count", "-format=yaml"], "3\n...\n", id="yaml"),
        pytest.param(["-format=raw"], json.dumps(SECRET), id="raw"),
    ],
)
def test_one_field_or_the_whole_answer_as_it_came(some, capsys, words, printed):
    assert PROGRAM.main(["read", *words, "sys/x"]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(
            ["read", "sys/x"],
            """curl -H "X-Vault-Token: $(holdfast print token)" -H 'X-Vault-Request: true' {url}/v1/sys/x""",
            id="read",
        ),
        pytest.param(
            ["write", "sys/x", "a=it's"],
            "curl -X PUT -H 'X-Vault-Request: true' "
            '-H "X-Vault-Token: $(holdfast print token)" -d \'{{"a": "it\'"\'"\'s"}}\' {url}/v1/sys/x',
            id="write-quotes-for-the-shell",
        ),
        pytest.param(
            ["list", "-namespace=n", "sys/a b"],
            "curl -H 'X-Vault-Namespace: n' -H 'X-Vault-Request: true' "
            "-H \"X-Vault-Token: $(holdfast print token)\" '{url}/v1/sys/a%20b?list=true'",
            id="list",
        ),
        pytest.param(
            ["token", "revoke", "-self"],
            "curl -X PUT -H 'X-Vault-Request: true' "
            '-H "X-Vault-Token: $(holdfast print token)" {url}/v1/auth/token/revoke-self',
            id="revoke",
        ),
    ],
)
def test_a_request_is_shown_as_curl_takes_it_and_is_not_sent(some, capsys, words, printed):
    assert PROGRAM.main([*words, "-output-curl-string"]) == 0
    shown = capsys.readouterr().out
    assert sorted(shown.split()) == sorted(printed.format(url=some.url).split())
    assert some.requests == []
    assert TOKEN not in shown


def test_what_the_shell_is_given_is_one_command(some, tmp_path, monkeypatch, capsys):
    import subprocess

    PROGRAM.main(["write", "-output-curl-string", "sys/x", "a=$(touch pwned) `id` 'x'"])
    line = capsys.readouterr().out
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "holdfast").write_text("#!/bin/sh\necho the-token\n")
    for name in ("curl", "holdfast"):
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    given = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert '{"a": "$(touch pwned) `id` \'x\'"}' in given
    assert "X-Vault-Token: the-token" in given
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("words", "path", "capabilities"),
    [
        pytest.param(["read", "sys/x"], "sys/x", ["read"], id="read"),
        pytest.param(["write", "secret/data/a", "b=c"], "secret/data/a", ["create", "update"], id="write"),
        pytest.param(["patch", "secret/data/a", "b=c"], "secret/data/a", ["patch"], id="patch"),
        pytest.param(["delete", "secret/data/a"], "secret/data/a", ["delete"], id="delete"),
        pytest.param(["list", "secret/metadata"], "secret/metadata", ["list"], id="list"),
        pytest.param(["operator", "seal"], "sys/seal", ["create", "update", "sudo"], id="sudo"),
        pytest.param(
            ["list", "auth/token/accessors"], "auth/token/accessors", ["list", "sudo"], id="sudo-list"
        ),
        pytest.param(["auth", "list"], "sys/auth", ["read"], id="no-sudo"),
    ],
)
def test_the_policy_that_a_request_needs_is_shown(some, capsys, words, path, capabilities):
    from holdfast.policy.acl_policy import parse_policy

    assert PROGRAM.main([*words, "-output-policy"]) == 0
    shown = capsys.readouterr().out
    (rule,) = parse_policy("p", shown).rules
    assert rule.pattern == path
    assert json.dumps(capabilities) in shown
    assert some.requests == []


@pytest.mark.parametrize("option", ["-output-curl-string", "-output-policy"])
def test_what_cannot_be_shown_is_not_done_either(some, capsys, option):
    assert PROGRAM.main(["security", "secrets", "delete", option, "a"]) == 1
    assert "expected a command of the Vault API" in capsys.readouterr().err
    assert some.requests == []


def test_the_question_which_mount_it_is_goes_out_before_a_request_is_shown(some, capsys):
    mount = {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}
    some.answers["GET", "/v1/sys/internal/ui/mounts/secret/app"] = (200, mount)
    assert PROGRAM.main(["kv", "delete", "-output-policy", "secret/app"]) == 0
    assert "secret/data/app" in capsys.readouterr().out
    assert [method for method, _, _ in some.requests] == ["GET"]


def test_both_at_once_is_a_mistake(some):
    assert PROGRAM.main(["read", "-output-curl-string", "-output-policy", "sys/x"]) == 1


def test_a_header_of_ones_own_is_sent(some):
    PROGRAM.main(["read", "-header=X-Team=db", "-header", "X-Other=1", "sys/x"])
    assert some.headers[0]["X-Team"] == "db"
    assert some.headers[0]["X-Other"] == "1"


@pytest.mark.parametrize("header", ["X-Vault-Token=x", "x-vault-namespace=n", "nothing", "X-A=b\nX-B: c"])
def test_a_header_that_is_none_or_ours_is_refused(some, capsys, header):
    assert PROGRAM.main(["read", f"-header={header}", "sys/x"]) == 1
    assert "--header" in capsys.readouterr().err
    assert some.requests == []


@pytest.mark.parametrize("command", [["operator", "unseal"], ["unwrap"], ["operator", "rekey", "-nonce=n"]])
def test_nobody_is_asked_where_nobody_may_be(wire, command):
    """At a real terminal, where it would wait for an answer."""
    import os
    import pty
    import sys

    child, terminal = pty.fork()
    if child == 0:
        words = ["-m", "holdfast.cli.holdfast", *command, "-non-interactive"]
        os.execv(sys.executable, [sys.executable, *words])
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 1024)
        except OSError:  # the other side is closed
            break
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert b"-non-interactive" in shown
    assert wire.requests == []


def test_names_of_other_programs_count_in_the_environment(wire, monkeypatch):
    monkeypatch.delenv("HOLDFAST_ADDR")
    monkeypatch.setenv("BAO_ADDR", wire.url)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    monkeypatch.setenv("BAO_TOKEN", "bao-token")
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    monkeypatch.setenv("VAULT_WRAP_TTL", "5m")
    PROGRAM.main(["read", "sys/x"])
    assert wire.headers[0]["X-Vault-Token"] == "bao-token"
    assert wire.headers[0]["X-Vault-Namespace"] == "team"
    assert wire.headers[0]["X-Vault-Wrap-TTL"] == "5m"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("CLIENT_TIMEOUT", "soon", id="timeout"),
        pytest.param("CLIENT_TIMEOUT", "0", id="no-time"),
        pytest.param("MAX_RETRIES", "-1", id="retries"),
        pytest.param("MAX_RETRIES", "many", id="retries-in-words"),
    ],
)
def test_an_unclear_number_of_the_environment_is_refused_by_name(wire, monkeypatch, capsys, name, value):
    monkeypatch.setenv(f"VAULT_{name}", value)
    assert PROGRAM.main(["read", "sys/x"]) == 1
    assert f"VAULT_{name}" in capsys.readouterr().err
    assert wire.requests == []


def test_retries_are_as_many_as_the_environment_says(wire, monkeypatch):
    wire.answers["GET", "/v1/sys/x"] = (500, {"errors": ["no"]})
    monkeypatch.setenv("VAULT_MAX_RETRIES", "0")
    assert PROGRAM.main(["read", "sys/x"]) == 2
    assert len(wire.requests) == 1


def test_a_list_without_names_is_an_empty_object_for_programs(wire, capsys):
    assert PROGRAM.main(["list", "-format=json", "sys/x"]) == 2
    assert capsys.readouterr() == ("{}\n", "")


def test_a_write_without_an_answer_says_nothing_to_programs(wire, capsys):
    wire.answers["PUT", "/v1/sys/x"] = (204, None)
    assert PROGRAM.main(["write", "-format=json", "sys/x", "a=b"]) == 0
    assert capsys.readouterr().out == ""


def test_what_follows_a_path_goes_with_the_question(some, wire):
    wire.answers["GET", "/v1/sys/x?a=1&b=2&b=3"] = (200, SECRET)
    assert PROGRAM.main(["read", "sys/x", "a=1", "b=2", "b=3"]) == 0
    PROGRAM.main(["list", "-after=m", "-limit=2", "sys/x"])
    assert wire.requests[-1][1] == "/v1/sys/x?after=m&limit=2&list=true"
    PROGRAM.main(["scan", "sys/x"])
    assert wire.requests[-1][1] == "/v1/sys/x/?scan=true"


def test_wrapping_has_a_lifetime_where_none_is_given(wire):
    PROGRAM.main(["write", "sys/wrapping/wrap", "a=b"])
    assert wire.headers[0]["X-Vault-Wrap-TTL"] == "5m"


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        pytest.param(["-tls-skip-verify"], {}, id="option"),
        pytest.param([], {"VAULT_SKIP_VERIFY": "true"}, id="environment"),
    ],
)
def test_a_certificate_that_is_not_looked_at_is_said_aloud(home, words, environment):
    import subprocess
    import sys

    program = [
        sys.executable,
        "-m",
        "holdfast.cli.holdfast",
        "status",
        *words,
        "-address=https://127.0.0.1:1",
    ]
    child = subprocess.run(
        program,
        env={"HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 1
    assert "certificate verification is off" in child.stderr
    assert child.stdout == ""
