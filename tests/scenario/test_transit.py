"""The transit engine as its clients use it, against real stores over TLS.

hvac is an unmodified client. SOPS and cosign are programs that are not there: their requests are sent as
these programs send them, header for header.
"""

import base64
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

from holdfast.client import VaultClient


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("transit"), tls=True, audit=True) as process:
        process.initialize()
        client = process.client()
        client.enable_mount("transit/", "transit", options={}, description="")
        client.enable_mount("sops/", "transit", options={}, description="")
        yield process


@pytest.fixture(scope="module")
def transit(store: StoreProcess):
    return hvac.Client(url=store.url, verify=str(store.certificate), token=store.root_token).secrets.transit


# -- hvac: every operation --------------------------------------------------------------------------------


def test_keys_from_making_to_deleting(transit) -> None:
    made = transit.create_key("life", exportable=True, allow_plaintext_backup=True, auto_rotate_period="24h")
    assert made["data"]["name"] == "life"
    assert "life" in transit.list_keys()["data"]["keys"]
    transit.rotate_key("life")
    described = transit.read_key("life")["data"]
    assert described["latest_version"] == 2
    assert sorted(described["keys"]) == ["1", "2"]
    transit.update_key_configuration("life", min_decryption_version=2, deletion_allowed=True)
    transit.update_key_configuration("life", min_encryption_version=2)
    assert list(transit.export_key("life", "encryption-key")["data"]["keys"]) == ["2"]
    assert list(transit.export_key("life", "hmac-key", version="latest")["data"]["keys"]) == ["2"]
    assert transit.trim_key("life", 2)["data"]["min_available_version"] == 2
    saved = transit.backup_key("life")["data"]["backup"]
    text = transit.encrypt_data("life", plaintext=b64(b"kept"))["data"]["ciphertext"]
    transit.delete_key("life")
    with pytest.raises(hvac.exceptions.InvalidPath):
        transit.read_key("life")
    transit.restore_key(saved, name="life", force=False)
    assert transit.decrypt_data("life", ciphertext=text)["data"]["plaintext"] == b64(b"kept")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="already exists"):
        transit.restore_key(saved)


@pytest.mark.parametrize("key_type", ["aes256-gcm96", "chacha20-poly1305", "rsa-2048", "rsa-4096"])
def test_encrypting_and_decrypting(transit, key_type: str) -> None:
    name = f"enc-{key_type}"
    transit.create_key(name, key_type=key_type)
    old = transit.encrypt_data(name, plaintext=b64(b"hello"))["data"]["ciphertext"]
    assert old.startswith("vault:v1:")
    transit.rotate_key(name)
    fresh = transit.rewrap_data(name, ciphertext=old)["data"]["ciphertext"]
    assert fresh.startswith("vault:v2:")
    for text in (old, fresh):
        assert transit.decrypt_data(name, ciphertext=text)["data"]["plaintext"] == b64(b"hello")
    pinned = transit.encrypt_data(name, plaintext=b64(b"x"), key_version=1)["data"]
    assert pinned["key_version"] == 1
    data_key = transit.generate_data_key(name, "plaintext", bits=512)["data"]
    back = transit.decrypt_data(name, ciphertext=data_key["ciphertext"])["data"]["plaintext"]
    assert back == data_key["plaintext"]
    assert "plaintext" not in transit.generate_data_key(name, "wrapped")["data"]


def test_contexts_associated_data_and_batches(transit) -> None:
    transit.create_key("derived", derived=True, convergent_encryption=True)
    one, two = (
        transit.encrypt_data("derived", plaintext=b64(b"p"), context=b64(b"c"))["data"]["ciphertext"]
        for _ in range(2)
    )
    assert one == two
    transit.create_key("plain")
    text = transit.encrypt_data("plain", plaintext=b64(b"p"), associated_data=b64(b"ad"))["data"][
        "ciphertext"
    ]
    back = transit.decrypt_data("plain", ciphertext=text, associated_data=b64(b"ad"))
    assert back["data"]["plaintext"] == b64(b"p")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="authentication failed"):
        transit.decrypt_data("plain", ciphertext=text)
    things = [{"plaintext": b64(bytes([number]))} for number in range(100)]
    results = transit.encrypt_data("plain", batch_input=things)["data"]["batch_results"]
    texts = [{"ciphertext": result["ciphertext"]} for result in results]
    back = transit.decrypt_data("plain", batch_input=texts)["data"]["batch_results"]
    assert [result["plaintext"] for result in back] == [thing["plaintext"] for thing in things]
    assert (
        transit.encrypt_data("upserted", plaintext=b64(b"p"), type="aes256-gcm96")["data"]["key_version"] == 1
    )


@pytest.mark.parametrize(
    ("key_type", "options"),
    [
        ("ecdsa-p256", {"hash_algorithm": "sha2-256"}),
        ("ecdsa-p256", {"hash_algorithm": "sha2-256", "marshaling_algorithm": "jws"}),
        ("ecdsa-p384", {"hash_algorithm": "sha2-384"}),
        ("ecdsa-p521", {"hash_algorithm": "sha2-512"}),
        ("ed25519", {}),
        ("rsa-2048", {"signature_algorithm": "pss", "salt_length": "hash"}),
        ("rsa-3072", {"signature_algorithm": "pss"}),
        ("rsa-4096", {"signature_algorithm": "pkcs1v15", "hash_algorithm": "sha2-512"}),
    ],
)
def test_signing_and_verifying(transit, key_type: str, options: dict[str, str]) -> None:
    transit.create_key(key_type, key_type=key_type)
    signed = transit.sign_data(key_type, hash_input=b64(b"m"), **options)["data"]
    verify = {"signature": signed["signature"], **options}
    assert transit.verify_signed_data(key_type, hash_input=b64(b"m"), **verify)["data"]["valid"] is True
    assert transit.verify_signed_data(key_type, hash_input=b64(b"n"), **verify)["data"]["valid"] is False
    results = transit.sign_data(key_type, batch_input=[{"input": b64(b"1")}, {"input": b64(b"2")}], **options)
    assert len({result["signature"] for result in results["data"]["batch_results"]}) == 2


def test_hmacs_hashes_and_randomness(transit) -> None:
    transit.create_key("mac", key_type="aes256-gcm96")
    made = transit.generate_hmac("mac", hash_input=b64(b"m"), algorithm="sha2-512")["data"]["hmac"]
    good = transit.verify_signed_data("mac", hash_input=b64(b"m"), hmac=made, hash_algorithm="sha2-512")
    assert good["data"]["valid"] is True
    summed = transit.hash_data(b64(b"m"), algorithm="sha2-384", output_format="hex")["data"]["sum"]
    assert summed == hashlib.sha384(b"m").hexdigest()
    drawn = transit.generate_random_bytes(n_bytes=16, output_format="hex")["data"]["random_bytes"]
    assert len(bytes.fromhex(drawn)) == 16


def test_refusals_are_those_that_clients_tell_apart(transit) -> None:
    with pytest.raises(hvac.exceptions.InvalidPath):
        transit.read_key("absent")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="encryption key not found"):
        transit.decrypt_data("absent", ciphertext="vault:v1:AAAA")
    transit.create_key("kept")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="deletion is not allowed"):
        transit.delete_key("kept")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not exportable"):
        transit.export_key("kept", "encryption-key")


# -- SOPS -------------------------------------------------------------------------------------------------


def test_sops_wraps_and_unwraps_its_data_keys(store: StoreProcess) -> None:
    client = store.client()
    client.request("PUT", "sops/keys/team", {"type": "rsa-4096"})
    client.request(
        "PUT",
        "sys/policies/acl/sops",
        {
            "policy": 'path "sops/encrypt/team" { capabilities = ["update"] }\n'
            'path "sops/decrypt/team" { capabilities = ["update"] }'
        },
    )
    token = store.client().request("POST", "auth/token/create", {"policies": ["sops"]})["auth"][
        "client_token"
    ]
    headers = {"X-Vault-Request": "true", "Accept-Encoding": "gzip", "User-Agent": "Go-http-client/1.1"}
    data_key = bytes(range(32))
    sent = json.dumps({"plaintext": b64(data_key)}) + "\n"
    wrapped = ask(store, "PUT", "/v1/sops/encrypt/team", sent, token=token, headers=headers)
    assert wrapped.status == 200
    assert wrapped.headers["Content-Type"] == "application/json"
    ciphertext = wrapped.json["data"]["ciphertext"]
    assert isinstance(ciphertext, str)
    assert ciphertext.startswith("vault:v1:")
    sent = json.dumps({"ciphertext": ciphertext}) + "\n"
    back = ask(store, "PUT", "/v1/sops/decrypt/team", sent, token=token, headers=headers)
    assert base64.b64decode(back.json["data"]["plaintext"]) == data_key
    assert ask(store, "GET", "/v1/sops/keys/team", token=token).status == 403


# -- cosign -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "rsa-2048", "ed25519"])
def test_cosign_makes_a_key_signs_and_verifies(store: StoreProcess, key_type: str) -> None:
    headers = {"X-Vault-Request": "true", "Accept-Encoding": "gzip", "User-Agent": "Go-http-client/1.1"}
    path = f"/v1/transit/keys/cosign-{key_type}"
    assert ask(store, "PUT", path, {"type": key_type}, headers=headers).status == 200
    ask(store, "PUT", f"{path}/rotate", headers=headers)
    described = ask(store, "GET", path, headers=headers).json["data"]
    version = str(described["latest_version"])
    public_text = described["keys"][version]["public_key"]
    payload = b'{"critical":{"type":"cosign container image signature"}}'
    is_hashed = key_type != "ed25519"
    digest = hashlib.sha256(payload).digest() if is_hashed else payload
    algorithm = "/sha2-256" if is_hashed else ""
    body = {
        "input": b64(digest),
        "prehashed": is_hashed,
        "key_version": "0",
        "signature_algorithm": "pkcs1v15",
    }
    signed = ask(store, "PUT", f"/v1/transit/sign/cosign-{key_type}{algorithm}", body, headers=headers)
    text = signed.json["data"]["signature"]
    assert text.startswith(f"vault:v{version}:")
    signature = base64.b64decode(text.rpartition(":")[2])
    verify_as_cosign_does(public_text, signature, payload)
    # It joins the path with a slash too many where there is a hash. Nor does it repeat the scheme.
    body = {"input": b64(digest), "prehashed": is_hashed, "signature": f"vault:v{version}:{b64(signature)}"}
    if key_type == "rsa-2048":
        body["signature_algorithm"] = "pkcs1v15"
    path = f"/v1/transit/verify/cosign-{key_type}" + (f"/{algorithm}" if is_hashed else "")
    assert ask(store, "PUT", path, body, headers=headers).json["data"] == {"valid": True}


def verify_as_cosign_does(public_text: str, signature: bytes, payload: bytes) -> None:
    if not public_text.startswith("-----BEGIN PUBLIC KEY-----"):
        raw = base64.b64decode(public_text)
        ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, payload)
        return
    public = serialization.load_pem_public_key(public_text.encode())
    hashed = utils.Prehashed(hashes.SHA256())
    digest = hashlib.sha256(payload).digest()
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, digest, ec.ECDSA(hashed))
    else:
        public.verify(signature, digest, padding.PKCS1v15(), hashed)


# -- other stores that unseal by this one, and Kubernetes ------------------------------------------------


def test_another_store_unseals_itself_with_a_policy_for_two_paths(store: StoreProcess) -> None:
    client = store.client()
    client.request("PUT", "transit/keys/autounseal", {})
    client.request(
        "PUT",
        "sys/policies/acl/autounseal",
        {
            "policy": 'path "transit/encrypt/autounseal" { capabilities = ["update"] }\n'
            'path "transit/decrypt/autounseal" { capabilities = ["update"] }'
        },
    )
    answer = client.request("POST", "auth/token/create", {"policies": ["autounseal"], "period": "24h"})
    token = answer["auth"]["client_token"]
    assert ask(store, "GET", "/v1/auth/token/lookup-self", token=token).status == 200
    root_key = b64(bytes(32))
    body = {"plaintext": root_key}
    text = ask(store, "PUT", "/v1/transit/encrypt/autounseal", body, token=token).json["data"]["ciphertext"]
    back = ask(store, "PUT", "/v1/transit/decrypt/autounseal", {"ciphertext": text}, token=token)
    assert back.json["data"]["plaintext"] == root_key
    assert ask(store, "PUT", "/v1/auth/token/renew-self", {}, token=token).status == 200


# -- the command line -------------------------------------------------------------------------------------


def run(store: StoreProcess, *arguments: str) -> str:
    completed = subprocess.run(
        [sys.executable, "-m", "holdfast.cli.holdfast", *arguments],
        env={
            "HOLDFAST_ADDR": store.url,
            "HOLDFAST_TOKEN": store.root_token,
            "HOLDFAST_CACERT": str(store.certificate),
            "HOME": str(store.directory),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_transit_by_the_command_line(store: StoreProcess) -> None:
    assert "Enabled the transit secrets engine at: cli/" in run(
        store, "secrets", "enable", "--path=cli", "transit"
    )
    run(store, "write", "-f", "cli/keys/x")
    answer = json.loads(run(store, "write", "--format=json", "cli/encrypt/x", f"plaintext={b64(b'hello')}"))
    text = answer["data"]["ciphertext"]
    answer = json.loads(run(store, "write", "--format=json", "cli/decrypt/x", f"ciphertext={text}"))
    assert answer["data"]["plaintext"] == b64(b"hello")
    assert "x" in run(store, "list", "cli/keys")
    assert "aes256-gcm96" in run(store, "read", "cli/keys/x")


# -- many at once -----------------------------------------------------------------------------------------


def test_making_rsa_keys_holds_nobody_up(tmp_path: Path) -> None:
    with StoreProcess(tmp_path, workers=1) as store:
        store.initialize()
        client = store.client()
        client.enable_mount("transit/", "transit", options={}, description="")
        client.request("PUT", "transit/keys/aes", {})
        making = threading.Thread(
            target=lambda: [
                store.client().request("PUT", f"transit/keys/rsa-{number}", {"type": "rsa-4096"})
                for number in range(4)
            ]
        )
        making.start()
        answers = 0
        while making.is_alive():
            client.request("PUT", "transit/encrypt/aes", {"plaintext": b64(b"p")})
            answers += 1
        making.join()
        # If it did, one or two would come through between one key and the next.
        assert answers > 10
        assert client.request("GET", "transit/keys/rsa-3")["data"]["type"] == "rsa-4096"


def test_workers_agree_on_every_key_at_once(store: StoreProcess) -> None:
    """A key made by one worker is there for all of them, and so is its next version."""
    client: VaultClient = store.client()
    for number in range(5):
        client.request("PUT", f"transit/keys/w{number}", {})
        texts = []
        for _ in range(3):
            body = {"plaintext": b64(b"p")}
            texts.append(ask(store, "PUT", f"/v1/transit/encrypt/w{number}", body).json["data"]["ciphertext"])
            client.request("PUT", f"transit/keys/w{number}/rotate", {})
        assert [text.split(":")[1] for text in texts] == ["v1", "v2", "v3"]
        for text in texts:
            body = {"ciphertext": text}
            back = ask(store, "PUT", f"/v1/transit/decrypt/w{number}", body)
            assert back.json["data"]["plaintext"] == b64(b"p")


def test_nothing_secret_is_in_the_log_the_audit_file_or_the_data(transit, store: StoreProcess) -> None:
    canary = b64(b"canary-0d6cb1f2")
    transit.create_key("canary", exportable=True)
    text = transit.encrypt_data("canary", plaintext=canary)["data"]["ciphertext"]
    transit.decrypt_data("canary", ciphertext=text)
    key = transit.export_key("canary", "encryption-key")["data"]["keys"]["1"]
    audited = store.audit_path.read_text()
    assert "transit/decrypt/canary" in audited
    for secret in (canary, key):
        assert secret not in audited
        assert secret not in store.log()
    for file in Path(store.data_path).iterdir():
        assert base64.b64decode(key) not in file.read_bytes()
