"""Logging a node in to its provider: what is asked for, and what is sent to the node."""

import io

import pytest

from holdfast.cli.hfctl import secrets_login


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def sent(monkeypatch):
    """What is sent to the node, in place of sending it."""
    bodies = []

    class Node:
        def request(self, _method, path, body):
            assert path == secrets_login.LOGIN
            bodies.append(body)
            return {}

    monkeypatch.setattr(secrets_login, "node_client", lambda _: Node())
    return bodies


def test_on_a_terminal_aws_asks_for_everything_and_takes_an_empty_line_as_nothing(hfctl, sent, monkeypatch):
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: asked.append(prompt) or "hidden")
    monkeypatch.setattr("sys.stdin", Terminal("AKIA1\n\neu-central-1\n"))
    code, out, err = hfctl("secrets", "aws", "login")
    assert (code, out) == (0, "Successfully authenticated with AWS.\n")
    assert sent == [
        {
            "SecretType": "aws",
            "SecretConfig": {
                "AWS_ACCESS_KEY_ID": "AKIA1",
                "AWS_SECRET_ACCESS_KEY": "hidden",
                "AWS_SECRET_TOKEN_KEY": "hidden",
                "AWS_REGION": "eu-central-1",
            },
        }
    ]
    assert len(asked) == 2  # what is secret is not shown
    assert "Enter AWS_ACCESS_KEY_ID [Hit Enter to ignore]: " in err


def test_without_an_access_key_aws_sends_none(hfctl, sent):
    assert hfctl("secrets", "aws", "login", "--aws_region", "eu-central-1")[0] == 0
    assert sent == [{"SecretType": "aws", "SecretConfig": {"AWS_REGION": "eu-central-1"}}]


def test_a_piped_secret_key_goes_with_its_access_key(hfctl, sent, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    words = ("secrets", "aws", "login", "--aws_access_key", "AKIA1", "--aws_secret_key", "-")
    assert hfctl(*words)[0] == 0
    assert sent[0]["SecretConfig"] == {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "secret"}
