"""Random bytes and hashes for callers who may ask for them."""

import base64
import hashlib

import pytest


def ask(store, path, body=None, *, token=None):
    return store.vault("POST", f"sys/tools/{path}", body, token=token or store.root)


@pytest.mark.parametrize(
    ("path", "body", "size"),
    [
        ("random", None, 32),
        ("random/16", None, 16),
        ("random", {"bytes": "8"}, 8),
        ("random/platform", None, 32),
        ("random/all/5", None, 5),
    ],
)
def test_as_many_random_bytes_as_asked(store, path, body, size):
    first, second = (ask(store, path, body).data["random_bytes"] for _ in range(2))
    assert len(base64.b64decode(first, validate=True)) == size
    assert first != second
    assert (
        len(bytes.fromhex(ask(store, path, {**(body or {}), "format": "hex"}).data["random_bytes"])) == size
    )


@pytest.mark.parametrize("path", ["random/0", "random/-1", "random/131073", "random/x", "random/dice/4"])
def test_no_other_number_and_no_other_source(store, path):
    assert ask(store, path).status == 400


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("hash", {}, "sha256"),
        ("hash/sha2-512", {}, "sha512"),
        ("hash", {"algorithm": "sha3-256"}, "sha3_256"),
    ],
)
def test_hashes_are_those_of_everybody(store, path, body, name):
    token = store.token(policies=["default"])
    answer = ask(store, path, {"input": base64.b64encode(b"holdfast").decode(), **body}, token=token)
    assert answer.data["sum"] == hashlib.new(name, b"holdfast").hexdigest()


@pytest.mark.parametrize("body", [None, {"input": "?"}, {"input": "AA==", "algorithm": "md5"}])
def test_what_cannot_be_hashed(store, body):
    assert ask(store, "hash", body).status == 400


def test_random_bytes_are_not_for_everybody(store):
    assert ask(store, "random", token=store.token(policies=["default"])).status == 403
