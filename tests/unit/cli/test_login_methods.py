"""Logging in by an auth method, and mounting one: what is sent, what is kept, and what nobody gets to see."""

import io
import json
import sys

import pytest

from holdfast.cli.holdfast import login_methods
from holdfast.cli.holdfast.commands import PROGRAM

AUTH = {
    "auth": {
        "client_token": "hvb.given",
        "accessor": "",
        "lease_duration": 3600,
        "renewable": False,
        "policies": ["default"],
        "token_policies": ["default"],
        "metadata": {"role": "ci"},
    }
}


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("words", "path", "sent"),
    [
        pytest.param(
            ["-method=userpass", "username=ann"],
            "auth/userpass/login/ann",
            {"password": "s3cret"},
            id="userpass",
        ),
        pytest.param(
            ["-method=userpass", "-path=people/", "username=ann"],
            "auth/people/login/ann",
            {"password": "s3cret"},
            id="another path",
        ),
        pytest.param(
            ["-method=approle", "role_id=r"],
            "auth/approle/login",
            {"role_id": "r", "secret_id": "s3cret"},
            id="approle",
        ),
        pytest.param(["-method=jwt", "role=ci"], "auth/jwt/login", {"role": "ci", "jwt": "s3cret"}, id="jwt"),
        pytest.param(["-method=jwt"], "auth/jwt/login", {"jwt": "s3cret"}, id="jwt by the default role"),
        pytest.param(["-method=cert", "name=web"], "auth/cert/login", {"name": "web"}, id="cert"),
    ],
)
def test_a_secret_is_read_from_a_pipe_and_the_token_is_kept(
    wire, home, monkeypatch, capsys, words, path, sent
):
    wire.answers["POST", f"/v1/{path}"] = (200, AUTH)
    pipe(monkeypatch, b"s3cret\n")
    monkeypatch.setenv("HOLDFAST_TOKEN", "hvs.older")
    assert PROGRAM.main(["login", *words]) == 0
    assert wire.requests[-1] == ("POST", f"/v1/{path}", sent)
    assert "X-Vault-Token" not in wire.headers[-1]
    assert (home / ".holdfast-token").read_text() == "hvb.given"
    captured = capsys.readouterr()
    assert "s3cret" not in captured.out + captured.err
    assert "history" not in captured.err
    assert "token_meta_role      ci" in captured.out


def test_a_pod_s_token_is_taken_from_where_pods_have_it(wire, home, monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text("pod.token.here\n")
    monkeypatch.setitem(
        login_methods.METHODS,
        "kubernetes",
        login_methods.LoginMethod("jwt", "Token", str(file), ("role",)),
    )
    wire.answers["POST", "/v1/auth/kubernetes/login"] = (200, AUTH)
    assert PROGRAM.main(["login", "-method=kubernetes", "role=web"]) == 0
    assert wire.requests[-1][2] == {"role": "web", "jwt": "pod.token.here"}
    other = tmp_path / "other"
    other.write_text("another.token.here\n")
    assert PROGRAM.main(["login", "-method=kubernetes", "role=web", f"jwt=@{other}"]) == 0
    assert wire.requests[-1][2] == {"role": "web", "jwt": "another.token.here"}


def test_a_secret_on_the_command_line_is_warned_of(wire, home, capsys):
    wire.answers["POST", "/v1/auth/approle/login"] = (200, AUTH)
    assert PROGRAM.main(["login", "-method=approle", "role_id=r", "secret_id=typed"]) == 0
    assert "history" in capsys.readouterr().err


def test_a_script_gets_the_token_and_nothing_is_kept(wire, home, monkeypatch, capsys):
    wire.answers["POST", "/v1/auth/jwt/login"] = (200, AUTH)
    pipe(monkeypatch, b"x\n")
    assert PROGRAM.main(["login", "-method=jwt", "-token-only", "role=ci"]) == 0
    assert capsys.readouterr().out == "hvb.given\n"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["-method=userpass"], id="no user name"),
        pytest.param(["-method=approle", "role_id="], id="no role id"),
        pytest.param(["-method=kubernetes"], id="no role"),
        pytest.param(["-method=kubernetes", "role=x"], id="not in a pod"),
        pytest.param(["-method=saml"], id="no such method"),
        pytest.param(["-method=jwt", "word"], id="a word without a field"),
        pytest.param(["one", "two"], id="two tokens"),
    ],
)
def test_what_cannot_be_sent_is_a_mistake_on_this_side(wire, home, monkeypatch, words):
    pipe(monkeypatch, b"")
    assert PROGRAM.main(["login", *words]) == 1
    assert wire.requests == []


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(["-field=token"], "hvb.given", id="the token"),
        pytest.param(["-field=token_policies", "-format=json"], '[\n  "default"\n]\n', id="as JSON"),
        pytest.param(["-no-print"], "", id="nothing"),
    ],
)
def test_one_field_of_the_answer_is_printed_alone(wire, home, monkeypatch, capsys, words, printed):
    wire.answers["POST", "/v1/auth/jwt/login"] = (200, AUTH)
    pipe(monkeypatch, b"x\n")
    assert PROGRAM.main(["login", "-method=jwt", *words]) == 0
    assert capsys.readouterr().out == printed
    assert (home / ".holdfast-token").read_text() == "hvb.given"


def test_nobody_is_asked_who_does_not_want_to_be(wire, home, monkeypatch, capsys):
    stdin = io.StringIO()
    stdin.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", stdin)
    for words in (["-method=userpass", "username=ann"], []):
        assert PROGRAM.main(["login", "-non-interactive", *words]) == 1
        assert "expected one from a pipe" in capsys.readouterr().err
    assert wire.requests == []


def test_a_refusal_keeps_nothing(wire, home, monkeypatch, capsys):
    wire.answers["POST", "/v1/auth/userpass/login/ann"] = (400, {"errors": ["invalid username or password"]})
    pipe(monkeypatch, b"wrong\n")
    assert PROGRAM.main(["login", "-method=userpass", "username=ann"]) == 2
    assert list(home.iterdir()) == []
    assert "wrong" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "request_", "printed"),
    [
        pytest.param(
            ["enable", "kubernetes"],
            (
                "POST",
                "/v1/sys/auth/kubernetes",
                {"type": "kubernetes", "description": "", "options": {}},
            ),
            "Success! Enabled kubernetes auth method at: kubernetes/",
            id="enable",
        ),
        pytest.param(
            ["enable", "-path=a/b", "-description=d", "-token-type=batch", "-default-lease-ttl=5m", "jwt"],
            (
                "POST",
                "/v1/sys/auth/a/b",
                {
                    "type": "jwt",
                    "description": "d",
                    "options": {},
                    "config": {"default_lease_ttl": "5m", "token_type": "batch"},
                },
            ),
            "Success! Enabled jwt auth method at: a/b/",
            id="enable elsewhere",
        ),
        pytest.param(
            ["tune", "-max-lease-ttl=2h", "jwt/"],
            ("POST", "/v1/sys/auth/jwt/tune", {"max_lease_ttl": "2h"}),
            "Success! Tuned the auth method at: jwt/",
            id="tune",
        ),
        pytest.param(
            ["disable", "jwt/"],
            ("DELETE", "/v1/sys/auth/jwt", None),
            "Success! Disabled the auth method (if it existed) at: jwt/",
            id="disable",
        ),
    ],
)
def test_methods_are_mounted_as_vault_users_type_it(wire, home, capsys, words, request_, printed):
    wire.answers[request_[:2]] = (204, None)
    assert PROGRAM.main(["auth", *words]) == 0
    assert wire.requests[-1] == request_
    assert capsys.readouterr().out.strip() == printed


def test_methods_are_listed(wire, home, capsys):
    methods = {"token/": {"type": "token", "accessor": "a", "description": "token based credentials"}}
    wire.answers["GET", "/v1/sys/auth"] = (200, {"data": methods})
    assert PROGRAM.main(["auth", "list"]) == 0
    assert "token/    token" in capsys.readouterr().out
    assert PROGRAM.main(["auth", "list", "-format=json"]) == 0
    assert json.loads(capsys.readouterr().out) == methods


def test_tuning_nothing_is_a_mistake(wire, home):
    assert PROGRAM.main(["auth", "tune", "jwt"]) == 1
