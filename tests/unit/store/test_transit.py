"""The transit engine in a whole store: what each path answers, to whom, and what audit lines show of it."""

import base64

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest
from tests.support.store_talk import eventually

from holdfast.store.transit import batch


def b64(data: bytes | str) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


@pytest.fixture
def store():
    store = StoreUnderTest(sinks={"main": CollectingSink()}).initialize()
    assert store.vault("POST", "sys/mounts/transit", {"type": "transit"}, token=store.root).status == 204
    return store


@pytest.fixture
def call(store):
    def call(method, path, body=None, *, status=200, token=None, **more):
        reply = store.vault(method, f"transit/{path}", body, token=token or store.root, **more)
        assert reply.status == status, reply.body
        return reply

    return call


@pytest.fixture
def make(call):
    def make(name="k", **settings):
        return call("POST", f"keys/{name}", settings).data

    return make


def refused(call, method, path, body=None, *, status=400):
    (error,) = call(method, path, body, status=status).errors
    return error


# -- keys -------------------------------------------------------------------------------------------------


def test_a_key_is_described_as_clients_expect_it(call, make):
    make(type="aes128-gcm96", derived=True, convergent_encryption=True, auto_rotate_period="30d")
    assert call("GET", "keys/k").data == {
        "name": "k",
        "type": "aes128-gcm96",
        "derived": True,
        "kdf": "hkdf_sha256",
        "convergent_encryption": True,
        "convergent_encryption_version": 3,
        "deletion_allowed": False,
        "min_available_version": 0,
        "min_decryption_version": 1,
        "min_encryption_version": 0,
        "latest_version": 1,
        "exportable": False,
        "allow_plaintext_backup": False,
        "supports_encryption": True,
        "supports_decryption": True,
        "supports_signing": False,
        "supports_derivation": True,
        "auto_rotate_period": 30 * 86400,
        "imported_key": False,
        "keys": {"1": 1_700_000_000},
    }


@pytest.mark.parametrize(
    ("type_name", "curve"),
    [
        ("ecdsa-p256", "P-256"),
        ("ecdsa-p384", "P-384"),
        ("ecdsa-p521", "P-521"),
        ("rsa-2048", "rsa-2048"),
        ("ed25519", "ed25519"),
    ],
)
def test_a_key_pair_shows_its_public_keys(call, make, type_name, curve):
    make(type=type_name)
    call("POST", "keys/k/rotate")
    shown = call("GET", "keys/k").data["keys"]
    assert sorted(shown) == ["1", "2"]
    assert {version["name"] for version in shown.values()} == {curve}
    assert shown["1"]["public_key"] != shown["2"]["public_key"]
    assert shown["1"]["creation_time"] == "2023-11-14T22:13:20.000000000Z"
    pem = shown["1"]["public_key"].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert pem is (type_name != "ed25519")


def test_creating_a_key_again_leaves_it_and_warns(call, make):
    first = make()
    again = call("POST", "keys/k", {"type": "ed25519"})
    assert again.data == first
    assert "already existed" in again.json["warnings"][0]


def test_keys_are_listed_page_by_page(call, make):
    call("LIST", "keys", status=404)
    for name in ("b", "a", "c"):
        make(name)
    assert call("LIST", "keys").data["keys"] == ["a", "b", "c"]
    assert call("GET", "keys?list=true&after=a&limit=1").data["keys"] == ["b"]
    call("GET", "keys/absent", status=404)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "keys/k", {"type": "des"}, 400, "unknown key type"),
        ("POST", "keys/-k", {}, 400, "name: expected letters"),
        ("POST", "keys/k/rotate", {}, 400, "key not found"),
        ("POST", "keys/k/config", {"deletion_allowed": True}, 400, "no existing key"),
        ("POST", "keys/k/trim", {"min_available_version": 1}, 400, "invalid key name"),
        ("POST", "keys/k/trim", {}, 400, "missing min_available_version"),
        ("DELETE", "keys/k", None, 400, "could not delete key; not found"),
        ("POST", "decrypt/k", {"ciphertext": "vault:v1:AAAA"}, 400, "encryption key not found"),
        ("POST", "rewrap/k", {"ciphertext": "vault:v1:AAAA"}, 400, "encryption key not found"),
        ("POST", "datakey/wrapped/k", {}, 400, "encryption key not found"),
        ("POST", "datakey/bare/k", {}, 400, "must be 'plaintext' or 'wrapped'"),
        ("POST", "sign/k", {"input": ""}, 400, "signing key not found"),
        ("POST", "verify/k", {"input": "", "signature": ""}, 400, "signature verification key not found"),
        ("POST", "verify/k", {"input": "", "hmac": ""}, 400, "encryption key not found"),
        ("POST", "hmac/k", {"input": ""}, 400, "encryption key not found"),
        ("GET", "backup/k", None, 400, "key not found"),
        ("POST", "restore", {}, 400, "'backup' must be supplied"),
        ("POST", "restore", {"backup": "bm9uZQ=="}, 400, "backup: expected"),
        ("GET", "export/encryption-key/k", None, 404, None),
        ("GET", "export/soul/k", None, 400, "invalid export type"),
        ("GET", "keys", None, 405, "unsupported operation"),
        ("POST", "keys", {}, 405, "unsupported operation"),
        ("GET", "encrypt/k", None, 405, "unsupported operation"),
        ("POST", "nothing", {}, 404, "unsupported path"),
        ("POST", "keys/k/nothing", {}, 404, "unsupported path"),
        ("POST", "keys/k/rotate/more", {}, 404, "unsupported path"),
        ("POST", "encrypt", {}, 404, "unsupported path"),
        ("POST", "sign/k/sha2-256/more", {}, 404, "unsupported path"),
    ],
)
def test_what_is_refused_and_how(call, method, path, body, status, text):
    errors = call(method, path, body, status=status).errors
    assert errors == [] if text is None else text in errors[0]


def test_a_key_is_configured_rotated_trimmed_and_deleted(call, make):
    make()
    old = call("POST", "encrypt/k", {"plaintext": b64("v1")}).data["ciphertext"]
    assert call("POST", "keys/k/rotate").data["latest_version"] == 2
    assert call("POST", "decrypt/k", {"ciphertext": old}).data["plaintext"] == b64("v1")
    fresh = call("POST", "rewrap/k", {"ciphertext": old}).data
    assert fresh["ciphertext"].startswith("vault:v2:")
    assert fresh["key_version"] == 2
    configured = call("POST", "keys/k/config", {"min_decryption_version": "2", "min_encryption_version": 2})
    assert configured.data["min_decryption_version"] == 2
    assert "too old" in refused(call, "POST", "decrypt/k", {"ciphertext": old})
    assert call("POST", "keys/k/trim", {"min_available_version": 2}).data["min_available_version"] == 2
    assert "deletion is not allowed" in refused(call, "DELETE", "keys/k")
    call("POST", "keys/k/config", {"deletion_allowed": True})
    call("DELETE", "keys/k", status=204)
    call("GET", "keys/k", status=404)


# -- encrypting -------------------------------------------------------------------------------------------


def test_encrypting_with_a_key_that_is_not_there_makes_it(call):
    answer = call("POST", "encrypt/new", {"plaintext": b64("p"), "type": "chacha20-poly1305"}).data
    assert answer["key_version"] == 1
    assert call("GET", "keys/new").data["type"] == "chacha20-poly1305"
    assert call("GET", "keys/new").data["derived"] is False
    call("POST", "encrypt/derived", {"plaintext": b64("p"), "context": b64("c")})
    assert call("GET", "keys/derived").data["derived"] is True
    body = {"batch_input": [{"plaintext": b64("p")}, {"plaintext": "?"}]}
    call("POST", "encrypt/batch", body, status=400)
    assert call("GET", "keys/batch").data["latest_version"] == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"plaintext": "cA==", "type": "rsa-2048"}, "not supported for this operation"),
        ({"plaintext": "cA==", "type": "rot13"}, "unknown key type"),
        ({"plaintext": "cA==", "convergent_encryption": True}, "so context is required"),
        ({"plaintext": "no base64"}, "failed to base64-decode plaintext"),
        ({"plaintext": "cA==", "nonce": "AAAA"}, "nonce provided when not allowed"),
        ({"plaintext": "cA==", "key_version": 2}, "higher than the latest"),
    ],
)
def test_a_first_encryption_that_fails_makes_no_key(call, body, text):
    assert text in refused(call, "POST", "encrypt/new", body)
    call("GET", "keys/new", status=404)


def test_making_keys_by_encrypting_can_be_switched_off(call):
    assert call("GET", "config/keys").data == {"disable_upsert": False}
    assert call("POST", "config/keys", {"disable_upsert": True}).data == {"disable_upsert": True}
    assert "encryption key not found" in refused(call, "POST", "encrypt/new", {"plaintext": b64("p")})


@pytest.mark.parametrize(
    ("can", "exists", "status"),
    [
        (["create", "update"], False, 200),
        (["create"], False, 200),
        (["update"], False, 403),
        (["update"], True, 200),
        (["create"], True, 403),
        (["read"], True, 403),
    ],
)
def test_encrypting_takes_create_for_a_new_key_and_update_for_another(store, call, make, can, exists, status):
    token = store.token_for({"transit/encrypt/k": can})
    if exists:
        make()
    call("POST", "encrypt/k", {"plaintext": b64("p")}, token=token, status=status)


def test_the_right_to_create_alone_decrypts_and_changes_nothing(store, call, make):
    make()
    token = store.token_for({"transit/*": ["create"]})
    for path in (
        "decrypt/k",
        "sign/k",
        "keys/k",
        "keys/k/rotate",
        "keys/other",
        "random",
        "hash",
        "config/keys",
    ):
        call("POST", path, {}, token=token, status=403)
    assert call("GET", "keys/k").data["latest_version"] == 1


def test_sealed_policies_for_encrypting_alone_decrypt_nothing(store, call, make):
    make()
    token = store.token_for({"transit/encrypt/k": ["update"]})
    text = call("POST", "encrypt/k", {"plaintext": b64("p")}, token=token).data["ciphertext"]
    call("POST", "decrypt/k", {"ciphertext": text}, token=token, status=403)


def test_things_of_a_batch_fail_one_by_one(call, make):
    make()
    things = [
        {"plaintext": b64("one"), "reference": "r1"},
        {"plaintext": "%", "reference": "r2"},
        {"context": ""},
        {"plaintext": "", "key_version": 1},
        {"plaintext": b64("x"), "key_version": 9},
    ]
    reply = call("POST", "encrypt/k", {"batch_input": things}, status=400)
    results = reply.data["batch_results"]
    assert [sorted(result) for result in results] == [
        ["ciphertext", "key_version", "reference"],
        ["error", "reference"],
        ["error", "reference"],
        ["ciphertext", "key_version", "reference"],
        ["error", "reference"],
    ]
    assert [result["reference"] for result in results] == ["r1", "r2", "", "", ""]
    back = [{"ciphertext": results[0]["ciphertext"]}, {"ciphertext": "vault:v1:AAAA"}, {"ciphertext": ""}]
    plain = call("POST", "decrypt/k", {"batch_input": back}, status=400).data["batch_results"]
    assert plain[0] == {"plaintext": b64("one"), "reference": ""}
    assert plain[1] == {"plaintext": "", "error": "invalid ciphertext length", "reference": ""}
    assert plain[2]["error"] == "missing ciphertext to decrypt"


@pytest.mark.parametrize(
    ("things", "wanted", "status"),
    [
        (["cA==", "%"], None, 400),
        (["cA==", "%"], 207, 207),
        (["cA==", "%"], 429, 429),
        (["%", "%"], 207, 400),
        (["cA==", "cA=="], 207, 200),
        (["cA==", "%"], 100, 400),
        (["cA==", "%"], 204, 400),
        (["cA==", "%"], 302, 400),
        (["cA==", "%"], 600, 400),
        (["cA==", "%"], True, 400),
        (["cA==", "%"], "207", 400),
    ],
)
def test_the_code_of_a_batch_that_failed_in_part_is_the_callers_choice(call, make, things, wanted, status):
    make()
    body = {"batch_input": [{"plaintext": thing} for thing in things]}
    if wanted is not None:
        body["partial_failure_response_code"] = wanted
    call("POST", "encrypt/k", body, status=status)


@pytest.mark.parametrize(
    ("batch_input", "text"),
    [
        ([], "missing batch input"),
        ("x", "failed to parse batch input"),
        ({}, "failed to parse batch input"),
        (["x"], "failed to parse batch input"),
        (
            [{"plaintext": "cA==", "context": "cA=="}, {"plaintext": "cA=="}],
            "in all the request blocks or in none",
        ),
    ],
)
def test_a_batch_that_is_none_is_refused(call, make, batch_input, text):
    make(derived=True)
    assert text in refused(call, "POST", "encrypt/k", {"batch_input": batch_input})


def test_derived_keys_demand_a_context_and_keep_contexts_apart(call, make):
    make(derived=True)
    assert "missing 'context'" in refused(call, "POST", "encrypt/k", {"plaintext": b64("p")})
    text = call("POST", "encrypt/k", {"plaintext": b64("p"), "context": b64("1")}).data["ciphertext"]
    plain = call("POST", "decrypt/k", {"ciphertext": text, "context": b64("1")}).data["plaintext"]
    assert plain == b64("p")
    for context, problem in ((b64("2"), "authentication failed"), ("", "missing 'context'"), ("?", "base64")):
        assert problem in refused(call, "POST", "decrypt/k", {"ciphertext": text, "context": context})
    fresh = call("POST", "rewrap/k", {"ciphertext": text, "context": b64("1")}).data["ciphertext"]
    assert call("POST", "decrypt/k", {"ciphertext": fresh, "context": b64("1")}).data["plaintext"] == b64("p")


def test_convergent_keys_take_no_nonce_and_repeat_themselves(call, make):
    make(derived=True, convergent_encryption=True)
    body = {"plaintext": b64("p"), "context": b64("c")}
    assert call("POST", "encrypt/k", body).data == call("POST", "encrypt/k", body).data
    assert "nonce provided" in refused(call, "POST", "encrypt/k", body | {"nonce": b64(bytes(12))})


def test_associated_data_go_with_secret_keys_only(call, make):
    make()
    make("rsa", type="rsa-2048")
    body = {"plaintext": b64("p"), "associated_data": b64("row 1")}
    text = call("POST", "encrypt/k", body).data["ciphertext"]
    assert "authentication failed" in refused(call, "POST", "decrypt/k", {"ciphertext": text})
    back = call("POST", "decrypt/k", {"ciphertext": text, "associated_data": b64("row 1")})
    assert back.data["plaintext"] == b64("p")
    assert "non-AEAD cipher suite rsa-2048" in refused(call, "POST", "encrypt/rsa", body)


@pytest.mark.parametrize("type_name", ["ecdsa-p256", "ed25519", "hmac"])
def test_keys_that_cannot_encrypt_say_so(call, make, type_name):
    make(type=type_name)
    error = refused(call, "POST", "encrypt/k", {"plaintext": b64("p")})
    assert error == f"message encryption not supported for key type {type_name}"
    error = refused(call, "POST", "decrypt/k", {"ciphertext": "vault:v1:AAAA"})
    assert error == f"message decryption not supported for key type {type_name}"


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_data_keys(call, make, bits):
    make()
    answer = call("POST", "datakey/plaintext/k", {"bits": bits}).data
    assert len(base64.b64decode(answer["plaintext"])) == bits // 8
    assert (
        call("POST", "decrypt/k", {"ciphertext": answer["ciphertext"]}).data["plaintext"]
        == answer["plaintext"]
    )
    assert sorted(call("POST", "datakey/wrapped/k", {"bits": bits}).data) == ["ciphertext", "key_version"]
    assert "invalid bit length" in refused(call, "POST", "datakey/wrapped/k", {"bits": 192})


# -- signing, HMACs, hashes, randomness -------------------------------------------------------------------


def test_signatures_with_every_option(call, make):
    make(type="ecdsa-p256")
    make("rsa", type="rsa-2048")
    body = {"input": b64("m"), "marshaling_algorithm": "jws"}
    signature = call("POST", "sign/k/sha2-512", body).data["signature"]
    assert "=" not in signature
    right = body | {"signature": signature, "hash_algorithm": "sha2-512"}
    assert call("POST", "verify/k", right).data == {"valid": True}
    assert call("POST", "verify/k", right | {"input": b64("n")}).data == {"valid": False}
    assert "could not decode base64" in refused(
        call, "POST", "verify/k", {**right, "signature": signature + "=", "marshaling_algorithm": "asn1"}
    )
    body = {"input": b64("m"), "salt_length": "hash", "key_version": "1"}
    signed = call("POST", "sign/rsa", body).data
    assert signed["key_version"] == 1
    assert call("POST", "verify/rsa", {"input": b64("m"), "signature": signed["signature"]}).data["valid"]
    body = {"input": b64("m"), "signature_algorithm": "pkcs1v15"}
    signed = call("POST", "sign/rsa", body).data
    assert call("POST", "verify/rsa", body | {"signature": signed["signature"]}).data["valid"] is True
    assert (
        call("POST", "verify/rsa", {"input": b64("m"), "signature": signed["signature"]}).data["valid"]
        is False
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input": b64("m"), "hash_algorithm": "md5"}, "invalid hash algorithm"),
        ({"input": b64("m"), "hash_algorithm": "none"}, "requires both prehashed=true"),
        ({"input": b64("m"), "signature_algorithm": "psst"}, "invalid signature_algorithm"),
        ({"input": b64("m"), "marshaling_algorithm": "xml"}, "invalid marshaling type"),
        ({"input": b64("m"), "salt_length": "much"}, "salt_length"),
        ({"input": b64("m"), "salt_length": "-2"}, "salt_length"),
        ({"input": b64("m"), "key_version": 2}, "higher than the latest"),
        ({"input": "?"}, "unable to decode input as base64"),
        ({}, "missing input"),
    ],
)
def test_signatures_that_are_refused(call, make, body, text):
    make(type="rsa-2048")
    assert text in refused(call, "POST", "sign/k", body)


def test_batches_of_signatures_tell_what_failed_with_code_200(call, make):
    make(type="ed25519", derived=True)
    things = [
        {"input": b64("1"), "context": b64("c"), "reference": "a"},
        {"input": b64("2"), "context": b64("c")},
        {"context": b64("c")},
        {"input": b64("3")},
    ]
    results = call("POST", "sign/k", {"batch_input": things}).data["batch_results"]
    assert results[0]["reference"] == "a"
    assert results[0]["publickey"] == results[1]["publickey"]
    assert results[2] == {"error": "missing input", "key_version": 0, "reference": ""}
    assert "missing 'context'" in results[3]["error"]
    back = [
        thing | {"signature": result["signature"]}
        for thing, result in zip(things[:2], results[:2], strict=True)
    ]
    back.append(back[0] | {"input": b64("2")})
    verified = call("POST", "verify/k", {"batch_input": back}).data["batch_results"]
    assert [result["valid"] for result in verified] == [True, True, False]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input": ""}, "neither a 'signature' nor an 'hmac'"),
        ({"input": "", "hmac": "", "signature": ""}, "provide one of"),
        ({"batch_input": [{"signature": ""}, {"hmac": ""}]}, "must all provide"),
        ({"batch_input": [{"signature": ""}, {}]}, "some elements of batch_input are missing 'signature'"),
        ({"batch_input": [{"hmac": ""}, {}]}, "some elements of batch_input are missing 'hmac'"),
        ({"batch_input": [{}]}, "no batch_input elements"),
    ],
)
def test_what_shall_be_verified_must_be_clear(call, make, body, text):
    make()
    assert text in refused(call, "POST", "verify/k", body)


def test_hmacs_are_made_and_verified_with_every_type(call, make):
    for name in ("aes256-gcm96", "ecdsa-p256", "hmac"):
        make(name, type=name)
        made = call("POST", f"hmac/{name}/sha2-512", {"input": b64("m")}).data["hmac"]
        body = {"input": b64("m"), "hmac": made}
        assert call("POST", f"verify/{name}/sha2-512", body).data == {"valid": True}
        assert call("POST", f"verify/{name}", body).data == {"valid": False}
        assert call("POST", f"verify/{name}/sha2-512", body | {"input": b64("n")}).data == {"valid": False}
    things = [{"input": b64("1"), "reference": "a"}, {}]
    results = call("POST", "hmac/hmac", {"batch_input": things}).data["batch_results"]
    assert results[1] == {"error": "missing input for HMAC", "reference": ""}
    body = {"batch_input": [{"input": b64("1"), "hmac": results[0]["hmac"]}]}
    assert call("POST", "verify/hmac", body).data["batch_results"] == [{"valid": True, "reference": ""}]


def test_hashes(call):
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert call("POST", "hash", {"input": ""}).data == {"sum": empty}
    assert call("POST", "hash/sha2-256", {"input": "", "format": "base64"}).data["sum"] == b64(
        bytes.fromhex(empty)
    )
    assert len(call("POST", "hash", {"input": "", "algorithm": "sha3-512"}).data["sum"]) == 128
    assert "input missing" in refused(call, "POST", "hash", {})
    assert "unsupported encoding format" in refused(call, "POST", "hash", {"input": "", "format": "octal"})


@pytest.mark.parametrize(
    ("path", "body", "size"),
    [
        ("random", {}, 32),
        ("random", {"bytes": 5}, 5),
        ("random/7", {}, 7),
        ("random/platform/9", {}, 9),
        ("random/all", {"bytes": 3}, 3),
        ("random", {"bytes": 128 * 1024}, 128 * 1024),
    ],
)
def test_random_bytes(call, path, body, size):
    one, two = (base64.b64decode(call("POST", path, body).data["random_bytes"]) for _ in range(2))
    assert len(one) == len(two) == size
    assert one != two
    assert len(call("POST", path, {**body, "format": "hex"}).data["random_bytes"]) == 2 * size


@pytest.mark.parametrize(
    ("path", "body"), [("random", {"bytes": 0}), ("random/131073", {}), ("random/x", {}), ("random/x/5", {})]
)
def test_random_bytes_that_are_refused(call, path, body):
    assert refused(call, "POST", path, body)


# -- keys that leave --------------------------------------------------------------------------------------


def test_only_exportable_keys_are_exported(call, make):
    make(type="ecdsa-p256")
    assert refused(call, "GET", "export/signing-key/k") == "private key material is not exportable"
    public = call("GET", "export/public-key/k/latest").data
    assert public["keys"]["1"] == call("GET", "keys/k").data["keys"]["1"]["public_key"]
    call("POST", "keys/k/config", {"exportable": True})
    call("POST", "keys/k/rotate")
    exported = call("GET", "export/signing-key/k?format=pem").data
    assert exported["type"] == "ecdsa-p256"
    assert sorted(exported["keys"]) == ["1", "2"]
    assert exported["keys"]["2"].startswith("-----BEGIN PRIVATE KEY-----")
    assert list(call("GET", "export/signing-key/k/1").data["keys"]) == ["1"]
    assert list(call("GET", "export/hmac-key/k/v2").data["keys"]) == ["2"]
    assert "does not exist" in refused(call, "GET", "export/signing-key/k/3")
    assert "invalid format" in refused(call, "GET", "export/signing-key/k?format=xml")
    call("POST", "keys/k/config", {"min_decryption_version": 2})
    assert "below minimum decryption version" in refused(call, "GET", "export/signing-key/k/1")


def test_a_backup_makes_the_same_key_elsewhere(call, make):
    make(exportable=True, allow_plaintext_backup=True)
    text = call("POST", "encrypt/k", {"plaintext": b64("p")}).data["ciphertext"]
    saved = call("GET", "backup/k").data["backup"]
    assert call("GET", "keys/k").data["backup_info"]["version"] == 1
    call("POST", "restore/twin", {"backup": saved}, status=204)
    assert call("POST", "decrypt/twin", {"ciphertext": text}).data["plaintext"] == b64("p")
    assert "already exists" in refused(call, "POST", "restore", {"backup": saved})
    call("POST", "restore", {"backup": saved, "force": True}, status=204)
    assert call("GET", "keys/k").data["restore_info"]["version"] == 1


# -- the store around it ----------------------------------------------------------------------------------


def test_no_plaintext_and_no_key_is_in_audit_lines_or_storage(store, call, make):
    canary = b64("canary-51c8e7")
    make(exportable=True, allow_plaintext_backup=True)
    text = call("POST", "encrypt/k", {"plaintext": canary, "context": ""}).data["ciphertext"]
    call("POST", "decrypt/k", {"ciphertext": text})
    key = call("GET", "export/encryption-key/k").data["keys"]["1"]
    saved = call("GET", "backup/k").data["backup"]
    lines = b"".join(store.sinks["main"].writes).decode()
    assert "transit/decrypt/k" in lines
    for secret in (canary, key, saved):
        assert secret not in lines
    assert all(base64.b64decode(key) not in record for record in store.storage._state.values.values())


def test_keys_are_there_after_a_restart(store, call, make):
    make()
    text = call("POST", "encrypt/k", {"plaintext": b64("p")}).data["ciphertext"]
    store.restart()
    assert call("POST", "decrypt/k", {"ciphertext": text}).data["plaintext"] == b64("p")


def test_two_mounts_share_nothing_and_unmounting_erases(store, call, make):
    make()
    text = call("POST", "encrypt/k", {"plaintext": b64("p")}).data["ciphertext"]
    assert store.vault("POST", "sys/mounts/team/keys", {"type": "transit"}, token=store.root).status == 204
    reply = store.vault("POST", "team/keys/decrypt/k", {"ciphertext": text}, token=store.root)
    assert reply.errors == ["encryption key not found"]
    assert store.vault("DELETE", "sys/mounts/transit", token=store.root).status == 204
    assert store.vault("POST", "sys/mounts/transit", {"type": "transit"}, token=store.root).status == 204
    call("GET", "keys/k", status=404)


def test_what_takes_long_is_done_elsewhere(store, call, monkeypatch):
    elsewhere = []

    def offload(work, done):
        elsewhere.append(work)
        done(work())

    monkeypatch.setattr(store.local.store, "_offload", offload)
    call("POST", "keys/rsa", {"type": "rsa-2048"})
    call("POST", "keys/rsa/rotate")
    assert len(elsewhere) == 2
    call("POST", "keys/rsa", {"type": "rsa-2048"})  # it is there: nothing to make
    call("POST", "sign/rsa", {"input": b64("m")})  # a millisecond
    assert len(elsewhere) == 2
    many = [{"input": b64("m")}] * int(batch.MAX_MILLISECONDS_HERE + 1)
    assert len(call("POST", "sign/rsa", {"batch_input": many}).data["batch_results"]) == len(many)
    assert len(elsewhere) == 3


# -- rotation by time -------------------------------------------------------------------------------------


def latest(call, name="k"):
    return call("GET", f"keys/{name}").data["latest_version"]


def test_a_key_is_rotated_when_its_time_has_come_and_not_before(store, call, make):
    make(auto_rotate_period="2h")
    make("never")
    tick = store.local.keeper.tick
    store.clock.advance(2 * 3600 - 1)
    tick()
    assert latest(call) == 1
    store.clock.advance(61)  # a look a minute is enough
    tick()
    tick()
    assert (latest(call), latest(call, "never")) == (2, 1)
    store.clock.advance(2 * 3600 + 61)
    tick()
    assert latest(call) == 3
    call("POST", "keys/k/config", {"auto_rotate_period": 0})
    store.clock.advance(9 * 3600)
    tick()
    assert latest(call) == 3


def test_rotating_by_hand_puts_the_time_off(store, call, make):
    make(auto_rotate_period="2h")
    store.clock.advance(3600)
    call("POST", "keys/k/rotate")
    store.clock.advance(3600 + 61)
    store.local.keeper.tick()
    assert latest(call) == 2


def test_an_rsa_key_is_rotated_without_keeping_the_writer(store, call, make):
    make(type="rsa-4096", auto_rotate_period="1h")
    store.clock.advance(3600)
    store.local.keeper.tick()
    assert latest(call) == 1  # it is being made

    def rotated():
        store.local.keeper.tick()
        return latest(call) == 2

    eventually(rotated)
    call("POST", "sign/k", {"input": b64("m")})


def test_a_key_that_was_replaced_meanwhile_does_not_get_what_was_made_for_the_old_one(store, call, make):
    make(type="rsa-2048", auto_rotate_period="1h")
    call("POST", "keys/k/config", {"deletion_allowed": True})
    store.clock.advance(3600)
    store.local.keeper.tick()
    call("DELETE", "keys/k", status=204)
    make(type="rsa-3072", auto_rotate_period="1h")
    store.clock.advance(3600)

    def rotated():
        store.local.keeper.tick()
        return latest(call) == 2

    eventually(rotated)
    body = {"input": b64("m")}
    signature = base64.b64decode(call("POST", "sign/k", body).data["signature"].rpartition(":")[2])
    assert len(signature) == 3072 // 8
