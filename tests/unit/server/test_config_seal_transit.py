"""The ``seal "transit"`` stanza: what it takes, what it refuses, and that its token is nowhere to be seen."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block
from holdfast.server.config_seal import read_seal

TOKEN = "hvs.not-to-be-shown"
LEAST = {"address": "https://vault.example:8200", "token": TOKEN, "key_name": "autounseal"}


@pytest.fixture(autouse=True)
def no_tokens_around(monkeypatch):
    for name in ("HOLDFAST_SEAL_TOKEN", "BAO_TOKEN", "VAULT_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def read(given):
    return read_seal(Block(type="seal", labels=("transit",), attributes=given))


def test_the_least_stanza():
    settings = read(LEAST)
    assert settings.type == "transit"
    assert settings.wrap is not None
    assert not settings.opens_itself


def test_everything_that_vault_knows_is_taken():
    everything = {
        "mount_path": "team/transit/",
        "namespace": "ns1/",
        "disable_renewal": "true",
        "tls_ca_cert": "/etc/ca.pem",
        "tls_client_cert": "/etc/me.pem",
        "tls_client_key": "/etc/me.key",
        "tls_server_name": "vault.internal",
        "tls_skip_verify": "false",
    }
    assert read(LEAST | everything).type == "transit"


def test_no_text_form_shows_the_token():
    assert TOKEN not in repr(read(LEAST))
    assert TOKEN not in repr(read(LEAST).wrapper)


def test_the_token_comes_from_a_file_that_only_its_owner_reads(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    given = {name: value for name, value in LEAST.items() if name != "token"} | {"token_file": str(file)}
    file.chmod(0o640)
    with pytest.raises(InvalidInputError, match="chmod 0600"):
        read(given)
    file.chmod(0o600)
    assert read(given).type == "transit"
    file.write_text("")
    with pytest.raises(InvalidInputError, match="expected a token"):
        read(given)
    file.unlink()
    with pytest.raises(InvalidInputError, match="token_file: cannot be read"):
        read(given)


def test_the_token_comes_from_the_environment_as_with_vault(monkeypatch):
    given = {name: value for name, value in LEAST.items() if name != "token"}
    with pytest.raises(InvalidInputError, match="token"):
        read(given)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    assert read(given).type == "transit"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"address": None}, "address"),
        ({"address": "ftp://vault"}, "address|https"),
        ({"address": "http://vault.example:8200"}, "http"),
        ({"key_name": ""}, "key_name"),
        ({"mount_path": 7}, "mount_path"),
        ({"token": "two\nlines"}, "expected a token"),
        ({"token": "x" * 9000}, "expected a token"),
        ({"token_file": "/etc/token"}, "one of them, not both"),
        ({"tls_skip_verify": "perhaps"}, "tls_skip_verify"),
        ({"colour": "red"}, "unknown setting colour"),
    ],
    ids=lambda change: "-".join(change) if isinstance(change, dict) else None,
)
def test_what_is_refused(change, problem):
    given = {name: value for name, value in (LEAST | change).items() if value is not None}
    with pytest.raises(InvalidInputError, match=problem) as refusal:
        read(given)
    assert TOKEN not in refusal.value.message
