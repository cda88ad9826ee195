"""Client cosign and sigstore (``hashivault://``): makes a key, signs a digest, verifies it anywhere."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

DIGEST = hashlib.sha256(b"a manifest").digest()
INPUT = base64.b64encode(DIGEST).decode()


@pytest.fixture
def cosign():
    store = StoreUnderTest()
    store.initialize()
    done(store.vault("POST", "sys/mounts/transit", {"type": "transit"}, token=store.root))
    client = GoClient(store, store.token_for({"transit/*": ["create", "read", "update"]}))
    # What is before the path stays there: cosign writes /v1//transit/...
    done(client.write("/transit/keys/image", {"type": "ecdsa-p256"}), 200)
    return client


def public_key(client):
    described = done(client.read("/transit/keys/image"), 200).data
    latest = described["keys"][str(described["latest_version"])]
    return serialization.load_pem_public_key(latest["public_key"].encode())


def sign(client):
    body = {"input": INPUT, "prehashed": True}
    return done(client.write("/transit/sign/image/sha2-256", body), 200).data["signature"]


def test_the_public_key_is_one_that_everybody_can_read(cosign):
    assert isinstance(public_key(cosign).curve, ec.SECP256R1)


def test_a_signature_is_good_outside_the_store(cosign):
    prefix, version, signature = sign(cosign).split(":")
    assert (prefix, version) == ("vault", "v1")
    public_key(cosign).verify(base64.b64decode(signature), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_and_inside_of_it(cosign):
    body = {"input": INPUT, "prehashed": True, "signature": sign(cosign)}
    assert done(cosign.write("/transit/verify/image/sha2-256", body), 200).data["valid"] is True
    body["input"] = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    assert done(cosign.write("/transit/verify/image/sha2-256", body), 200).data["valid"] is False


def test_a_key_that_is_not_there_is_404(cosign):
    assert cosign.read("/transit/keys/nobody").status == 404
