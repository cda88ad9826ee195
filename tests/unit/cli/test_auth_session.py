"""A login is kept where every command finds it, and proves who asks without showing what proves it."""

import io
import stat
import sys
import time

import jwt
import pytest
from tests.support.iam import SERVICE_KEY

from holdfast.cli.holdfast.commands import PROGRAM

LOGIN = ("POST", "/acs/api/v1/auth/login")
TOKEN = "eyJoZWFk.claims.signature"


@pytest.fixture
def store(wire):
    wire.answers[LOGIN] = (200, {"token": TOKEN})
    wire.answers["GET", "/acs/api/v1/auth/logout"] = (200, {})
    return wire


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_the_token_is_kept_for_every_dialect_and_never_printed(store, home, monkeypatch, capsys):
    pipe(monkeypatch, b"p w\n")
    assert PROGRAM.main(["auth", "login", "--username", "ada"]) == 0
    assert store.requests == [(*LOGIN, {"uid": "ada", "password": "p w"})]
    assert "Authorization" not in store.headers[0]
    kept = home / ".holdfast-token"
    assert kept.read_text() == TOKEN
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert TOKEN not in "".join(capsys.readouterr())
    PROGRAM.main(["security", "secrets", "list", "/"])
    PROGRAM.main(["read", "sys/x"])
    assert store.headers[1]["Authorization"] == f"token={TOKEN}"
    assert store.headers[2]["X-Vault-Token"] == TOKEN


def test_name_and_password_come_from_the_environment_too(store, monkeypatch, capsys):
    monkeypatch.setenv("DCOS_USERNAME", "ada")
    monkeypatch.setenv("DCOS_PASSWORD", "from-environment")
    assert PROGRAM.main(["auth", "login"]) == 0
    assert PROGRAM.main(["auth", "login", "--username=bob", "--password=inline"]) == 0
    assert [body for _, _, body in store.requests] == [
        {"uid": "ada", "password": "from-environment"},
        {"uid": "bob", "password": "inline"},
    ]
    assert "WARNING! --password" in capsys.readouterr().err


def test_a_service_account_signs_its_name_for_a_short_time(store, tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(SERVICE_KEY.pem().reveal())
    path.chmod(0o600)
    assert PROGRAM.main(["auth", "login", "--username=svc", "--private-key", str(path)]) == 0
    body = store.requests[0][2]
    assert set(body) == {"uid", "token"}
    public = SERVICE_KEY.verifying_key().pem()
    claims = jwt.decode(body["token"], public, algorithms=["RS256"])
    assert set(claims) == {"uid", "exp"}
    assert claims["uid"] == body["uid"] == "svc"
    assert 0 < claims["exp"] - time.time() <= 300


def test_a_token_to_hand_on_is_printed_and_not_kept(store, home, capsys):
    assert PROGRAM.main(["auth", "login", "--username=a", "--password=b", "--print-token"]) == 0
    assert capsys.readouterr().out == f"{TOKEN}\n"
    assert not (home / ".holdfast-token").exists()


@pytest.mark.parametrize("name", ["HOLDFAST_TOKEN", "DCOS_ACS_TOKEN", "VAULT_TOKEN"])
def test_it_is_said_when_the_environment_wins(store, monkeypatch, capsys, name):
    monkeypatch.setenv(name, "t")
    assert PROGRAM.main(["auth", "login", "--username=a", "--password=b"]) == 0
    assert "wins over the file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--password=x"], "--username", id="no-name"),
        pytest.param(["--username=a"], "password: expected one", id="no-password"),
        pytest.param(["--username=a", "--password=b", "--private-key=k"], "either", id="two-proofs"),
        pytest.param(
            ["--username=a", "--password=b", "--password-file=f"], "at most one", id="two-passwords"
        ),
    ],
)
def test_what_cannot_be_a_login_is_not_sent(store, monkeypatch, capsys, words, said):
    pipe(monkeypatch, b"")
    assert PROGRAM.main(["auth", "login", *words]) == 1
    assert said in capsys.readouterr().err
    assert store.requests == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"title": "Unauthorized", "description": "Invalid credentials."}, "Invalid", id="wrong"),
        pytest.param(
            {
                "title": "too many failed logins: try again in 9 seconds",
                "description": "Invalid credentials.",
            },
            "try again in 9 seconds",
            id="too-many",
        ),
    ],
)
def test_a_refused_login_changes_nothing(store, home, capsys, answer, said):
    (home / ".holdfast-token").write_text("before")
    store.answers[LOGIN] = (401, {**answer, "code": "ERR_INVALID_CREDENTIALS"})
    assert PROGRAM.main(["auth", "login", "--username=a", "--password=b"]) == 2
    assert said in capsys.readouterr().err
    assert (home / ".holdfast-token").read_text() == "before"


def test_a_logout_ends_the_token_and_forgets_it(store, home):
    assert PROGRAM.main(["auth", "login", "--username=a", "--password=b"]) == 0
    assert PROGRAM.main(["auth", "logout"]) == 0
    assert store.headers[-1]["Authorization"] == f"token={TOKEN}"
    assert not (home / ".holdfast-token").exists()
    assert PROGRAM.main(["auth", "logout"]) == 1


@pytest.mark.parametrize("token", ["hvs.root", "hvs.of.namespace", "hvb.batch"])
def test_a_token_of_the_store_is_not_claimed_to_have_ended(store, monkeypatch, capsys, token):
    monkeypatch.setenv("HOLDFAST_TOKEN", token)
    assert PROGRAM.main(["auth", "logout"]) == 1
    assert "token revoke -self" in capsys.readouterr().err
    assert store.requests == []
