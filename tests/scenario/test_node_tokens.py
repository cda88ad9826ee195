"""Tokens of a running node, over the wire: keys exchanged without a restart, tokens revoked and renewed."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from tests.support.node_process import ISSUER, SHARED_SECRET, NodeProcess

from holdfast import errors
from holdfast.client import SdkClient
from holdfast.model import SecretBytes
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.generate import generate_token
from holdfast.tokens.key_files import load_named_signing_key
from holdfast.tokens.user_file import User

OLD, NEW = "o" * 40, "n" * 40
WAIT_SECONDS = 60.0


@pytest.fixture
def rotating(tmp_path) -> Iterator[NodeProcess]:
    """A node with secrets and public keys in files."""
    (tmp_path / "secrets").write_text(f"{OLD}\n")
    (tmp_path / "key.pem").write_bytes(EcSigningKey.generate().verifying_key().pem())
    files = {
        "PORTWORX_AUTH_JWT_SHAREDSECRET": "",
        "PORTWORX_AUTH_JWT_SHAREDSECRET_FILE": str(tmp_path / "secrets"),
    }
    words = ("-jwt_ecds_pubkey_file", str(tmp_path / "key.pem"))
    process = NodeProcess(tmp_path, *words, environment=files)
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Iterator[NodeProcess]:
    with NodeProcess(tmp_path_factory.mktemp("node")) as process:
        yield process


def signed(key, name="ann", lifetime=600) -> str:
    user = User(name=name, email="", sub=name, roles=("system.user",))
    return generate_token(user, issuer=ISSUER, key=key, issued_at=time.time(), lifetime_seconds=lifetime)


def reason(node: NodeProcess, token: str) -> str:
    client = SdkClient(node.address, token)
    try:
        client.request("GET", "identities/whoami")
    except errors.HoldfastError as error:
        return error.reason
    finally:
        client.close()
    return ""


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def hang_up(node: NodeProcess) -> None:
    assert node.process is not None
    os.kill(node.process.pid, signal.SIGHUP)


def test_secrets_and_keys_are_exchanged_without_a_restart(rotating, tmp_path):
    old = rotating.token("ann", secret=OLD)
    new = rotating.token("ann", secret=NEW)
    pair = EcSigningKey.generate()
    of_pair = signed(load_named_signing_key(pair.pem().reveal()))
    assert [reason(rotating, token) for token in (old, new, of_pair)] == ["", *["bad_signature"] * 2]
    pid = rotating.process.pid

    (tmp_path / "secrets").write_text(f"{NEW}\n{OLD}\n")
    with (tmp_path / "key.pem").open("ab") as file:
        file.write(pair.verifying_key().pem())
    hang_up(rotating)
    eventually(lambda: reason(rotating, new) == "")
    assert [reason(rotating, token) for token in (old, new, of_pair)] == [""] * 3

    (tmp_path / "secrets").write_text(f"{NEW}\n")
    hang_up(rotating)
    eventually(lambda: reason(rotating, old) == "bad_signature")
    assert [reason(rotating, token) for token in (new, of_pair)] == [""] * 2
    assert rotating.process.pid == pid


def test_a_mistake_in_a_file_changes_nothing(rotating, tmp_path):
    old = rotating.token("ann", secret=OLD)
    (tmp_path / "secrets").write_text("short\n")
    hang_up(rotating)
    eventually(lambda: "the keys of issuers stay as they were" in rotating.log_path.read_text())
    assert reason(rotating, old) == ""
    assert "short" not in rotating.log_path.read_text().replace("shorter", "")


def test_a_token_is_taken_back_by_who_has_it_and_stays_so_after_a_restart(node):
    token, other = node.token("ann"), node.token("ann")
    answer = node.client(token).request("POST", "tokens/revoke", {})
    assert answer["revocation"]["revoked_by"] == "ann"
    assert [reason(node, each) for each in (token, other)] == ["revoked", ""]
    node.stop()
    node.start()
    assert [reason(node, each) for each in (token, other)] == ["revoked", ""]


def test_an_administrator_takes_back_by_id_and_by_subject_and_sees_what_was(node):
    bob, carol = node.token("bob"), node.token("carol")
    admin = node.client(node.admin())
    token_id = json.loads(_payload(bob))["jti"]
    admin.request("POST", "tokens/revoke", {"token_id": token_id})
    admin.request("POST", "tokens/revoke", {"subject": "carol"})
    assert [reason(node, token) for token in (bob, carol)] == ["revoked"] * 2

    listed = admin.request("GET", "tokens/revocations")["revocations"]
    assert token_id in [each.get("token_id") for each in listed]
    assert "carol" in [each.get("subject") for each in listed]
    assert all(each["revoked_at"].endswith("Z") for each in listed)
    client = node.client(node.token("dave"))
    with pytest.raises(errors.PermissionDeniedError, match=r"Access to .*Token/RevokeOthers denied"):
        client.request("POST", "tokens/revoke", {"subject": "admin"})


def test_a_token_is_renewed_and_ends_with_the_first(node):
    first = node.token("erin")
    renewed = node.client(first).request("POST", "tokens/renew", {})
    assert renewed["expires_at"].endswith("Z")
    assert reason(node, renewed["token"]) == ""
    node.client(first).request("POST", "tokens/revoke", {})
    assert [reason(node, token) for token in (first, renewed["token"])] == ["revoked"] * 2


def test_guests_take_nothing_back_and_renew_nothing(node):
    for path in ("tokens/revoke", "tokens/renew"):
        with pytest.raises(errors.PermissionDeniedError, match="without authentication token"):
            node.client(None).request("POST", path, {})


def test_no_secret_and_no_token_is_in_a_file_of_the_node(node):
    token = node.token("frank")
    renewed = node.client(token).request("POST", "tokens/renew", {})["token"]
    node.client(token).request("POST", "tokens/revoke", {})
    secrets = [SHARED_SECRET.encode(), token.encode(), renewed.encode()]
    for path in node.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret in content], path
    assert SecretBytes(SHARED_SECRET.encode()).reveal() not in node.log_path.read_bytes()


def _payload(token: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(token.split(".")[1] + "==")
