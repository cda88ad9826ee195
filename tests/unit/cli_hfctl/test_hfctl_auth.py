"""Tokens that hfctl makes are believed by a verifier, and kept from others' eyes."""

import io
import json
import os
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from holdfast.clock import SystemClock
from holdfast.model import SecretBytes
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.key_files import load_verifying_keys
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "alice.yaml"
    path.write_text(
        'name: Alice\nemail: a@example.com\nsub: alice\nroles: ["system.user"]\ngroups: ["dev"]\n'
    )
    return str(path)


def verify(token, key):
    issuer = Issuer(name="px.example", keys=(key,))
    return Verifier(IssuerRegistry([issuer]), clock=SystemClock()).verify(token.strip())


def pem_file(tmp_path, key):
    path = tmp_path / "key.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return str(path), load_verifying_keys(public)[0]


def test_the_seeds_command_line(hfctl, user_file):
    words = (
        f"--auth-config={user_file}",
        "--issuer=px.example",
        f"--shared-secret={SECRET}",
        "--token-duration=1y",
    )
    code, out, err = hfctl("auth", "token", "generate", *words)
    principal = verify(out, SharedSecretKey(SecretBytes(SECRET.encode())))
    assert (code, principal.name, principal.roles, principal.groups) == (
        0,
        "alice",
        ("system.user",),
        ("dev",),
    )
    assert "visible to others" in err
    assert SECRET not in out + err


def test_the_token_as_json_for_programs(hfctl, tmp_path, user_file):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    words = (f"--auth-config={user_file}", "--issuer=px.example", f"--shared-secret-file={secret}")
    code, out, err = hfctl("-j", "auth", "token", "generate", *words)
    assert (code, err) == (0, "")
    assert verify(json.loads(out)["token"], SharedSecretKey(SecretBytes(SECRET.encode()))).name == "alice"
    target = str(tmp_path / "token")
    code, out, _ = hfctl("auth", "token", "generate", *words, f"--output={target}", "--json")
    assert (code, json.loads(out)) == (0, {"output": target})


@pytest.mark.parametrize(
    ("option", "key"),
    [
        pytest.param("--rsa-private-keyfile", lambda: rsa.generate_private_key(65537, 2048), id="rsa"),
        pytest.param("--ecdsa-private-keyfile", lambda: ec.generate_private_key(ec.SECP256R1()), id="ec"),
    ],
)
def test_keys_from_files(hfctl, tmp_path, user_file, option, key):
    path, public = pem_file(tmp_path, key())
    words = (f"-auth-config={user_file}", "-issuer", "px.example", option, path)
    code, out, _ = hfctl("auth", "token", "generate", *words)
    assert code == 0
    assert verify(out, public).name == "alice"


def test_output_file_is_private_and_replaces_what_was_there(hfctl, tmp_path, user_file):
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    target = tmp_path / "token"
    target.write_text("old")
    target.chmod(0o644)
    words = (
        "--auth-config",
        user_file,
        "--issuer",
        "px.example",
        "--shared-secret-file",
        str(tmp_path / "secret"),
    )
    code, out, err = hfctl("auth", "token", "generate", *words, "--output", str(target))
    assert (code, out, err) == (0, f"Token written to output file: {target}\n", "")
    assert target.stat().st_mode & 0o777 == 0o600
    assert verify(target.read_text(), SharedSecretKey(SecretBytes(SECRET.encode()))).subject == "alice"


@pytest.mark.parametrize(
    ("make", "is_still_there"),
    [
        pytest.param(
            lambda path: path.symlink_to("/proc/self/fd/1"), Path.is_symlink, id="link-as-dev-stdout"
        ),
        pytest.param(os.mkfifo, Path.is_fifo, id="no-plain-file-as-dev-null"),
        pytest.param(Path.mkdir, Path.is_dir, id="directory"),
    ],
)
def test_an_output_file_takes_no_place_of_anything_but_a_plain_file(
    hfctl, tmp_path, user_file, monkeypatch, make, is_still_there
):
    monkeypatch.setenv("OF_THE_ISSUER", SECRET)
    target = tmp_path / "target"
    make(target)
    words = ("--auth-config", user_file, "--issuer=px.example", "--shared-secret-env=OF_THE_ISSUER")
    code, out, err = hfctl("auth", "token", "generate", *words, "--output", str(target))
    assert (code, out) == (1, "")
    assert err == "Error: --output: expected a new file, or a plain one to replace\n"
    assert is_still_there(target)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param({"--auth-config": None}, "--auth-config", id="no-user-file"),
        pytest.param({"--auth-config": "/none"}, "cannot be read", id="unreadable-user-file"),
        pytest.param({"--issuer": None}, "--issuer", id="no-issuer"),
        pytest.param({"--issuer": "https://canary"}, "plain name", id="url-as-issuer"),
        pytest.param({"--shared-secret": None}, "Must provide a secret key to sign token", id="no-key"),
        pytest.param({"--shared-secret": "canary"}, "32 bytes", id="short-secret"),
        pytest.param({"--shared-secret": ""}, "not empty", id="empty-secret"),
        pytest.param(
            {"--token-duration": "1h30m"}, "--token-duration: expected digits", id="sum-of-durations"
        ),
        pytest.param(
            {"--token-duration": "-1h"}, "--token-duration: expected digits", id="negative-duration"
        ),
        pytest.param({"--token-duration": "canary"}, "--token-duration: expected digits", id="no-duration"),
        pytest.param({"--output": "/none/token"}, "cannot be written", id="unwritable-output"),
    ],
)
def test_mistakes_are_named_without_the_value(hfctl, user_file, change, text):
    options = {"--auth-config": user_file, "--issuer": "px.example", "--shared-secret": SECRET, **change}
    words = [f"{name}={value}" for name, value in options.items() if value is not None]
    code, out, err = hfctl("auth", "token", "generate", *words)
    assert code == 1
    assert text in err
    assert out == ""
    assert "canary" not in err


def test_keys_of_the_user_file_that_have_no_effect_are_told(hfctl, tmp_path):
    path = tmp_path / "user.yaml"
    path.write_text("name: A\nemail: a@b\ngroup: [dev]\nissuer: evil.example\n")
    words = (f"--auth-config={path}", "--issuer=px.example", f"--shared-secret={SECRET}")
    code, out, err = hfctl("auth", "token", "generate", *words)
    principal = verify(out, SharedSecretKey(SecretBytes(SECRET.encode())))
    assert (code, principal.groups, principal.issuer) == (0, (), "px.example")
    assert principal.subject == "b3BlbnN0b3JhZ2UuaW8vQS9hQGI="  # openstorage.io/A/a@b
    assert "unknown key 'group'" in err
    assert "unknown key 'issuer'" in err
    assert "no role" in err


def test_a_secret_need_not_be_on_the_command_line(hfctl, tmp_path, user_file, monkeypatch):
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    monkeypatch.setenv("PORTWORX_AUTH_SHARED_SECRET", SECRET)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SECRET.encode() + b"\n")))
    for option in (
        ("--shared-secret-file", str(tmp_path / "secret")),
        ("--shared-secret-env", "PORTWORX_AUTH_SHARED_SECRET"),
        ("--shared-secret", "-"),
    ):
        words = (f"--auth-config={user_file}", "--issuer=px.example", *option)
        code, out, err = hfctl("auth", "token", "generate", *words)
        assert (code, err) == (0, "")
        assert verify(out, SharedSecretKey(SecretBytes(SECRET.encode()))).name == "alice"


def test_a_variable_that_is_not_exported_is_said_so(hfctl, user_file, monkeypatch):
    monkeypatch.delenv("CANARY_SECRET", raising=False)
    words = (f"--auth-config={user_file}", "--issuer=px.example", "--shared-secret-env=CANARY_SECRET")
    code, _, err = hfctl("auth", "token", "generate", *words)
    assert (code, "not exported" in err) == (1, True)


def test_the_first_of_several_keys_signs(hfctl, tmp_path, user_file):
    path, _ = pem_file(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    words = (f"--auth-config={user_file}", "--issuer=px.example", f"--ecdsa-private-keyfile={path}")
    code, out, _ = hfctl("auth", "token", "generate", *words, f"--shared-secret={SECRET}")
    assert code == 0
    assert verify(out, SharedSecretKey(SecretBytes(SECRET.encode()))).name == "alice"


def test_a_key_of_the_other_family_is_refused(hfctl, tmp_path, user_file):
    path, _ = pem_file(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    words = (f"--auth-config={user_file}", "--issuer=px.example", f"--rsa-private-keyfile={path}")
    code, _, err = hfctl("auth", "token", "generate", *words)
    assert (code, "expected an RSA key" in err) == (1, True)


def test_a_key_file_that_others_can_read_is_warned_about(hfctl, tmp_path, user_file):
    path, public = pem_file(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    Path(path).chmod(0o644)
    words = (f"--auth-config={user_file}", "--issuer=px.example", f"--ecdsa-private-keyfile={path}")
    code, out, err = hfctl("auth", "token", "generate", *words)
    assert (code, verify(out, public).name, "chmod 600" in err) == (0, "alice", True)


def test_two_tokens_never_share_an_id(hfctl, user_file):
    words = (f"--auth-config={user_file}", "--issuer=px.example", f"--shared-secret={SECRET}")
    key = SharedSecretKey(SecretBytes(SECRET.encode()))
    ids = {verify(hfctl("auth", "token", "generate", *words)[1], key).token_id for _ in range(2)}
    assert len(ids) == 2
    assert "" not in ids
