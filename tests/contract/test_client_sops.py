"""Client SOPS (``hc_vault_transit_uri``): wraps the key of a file, and nothing else, with two rights."""

import base64

import pytest
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

DATA_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def sops():
    """The engine is mounted where people please; the key is made beforehand."""
    store = StoreUnderTest()
    store.initialize()
    admin = GoClient(store, store.root)
    done(admin.post("sys/mounts/sops/team", {"type": "transit"}))
    done(admin.write("sops/team/keys/first", {"type": "rsa-2048"}), 200)
    done(admin.write("sops/team/keys/second", None), 200)
    rules = {f"sops/team/{verb}/*": ["update"] for verb in ("encrypt", "decrypt")}
    return GoClient(store, store.token_for(rules))


@pytest.mark.parametrize("key", ["first", "second"])
def test_a_data_key_is_wrapped_and_comes_back(sops, key):
    wrapped = done(sops.write(f"sops/team/encrypt/{key}", {"plaintext": DATA_KEY}), 200).data["ciphertext"]
    assert isinstance(wrapped, str)
    assert wrapped.startswith("vault:v1:")
    assert (
        done(sops.write(f"sops/team/decrypt/{key}", {"ciphertext": wrapped}), 200).data["plaintext"]
        == DATA_KEY
    )


def test_a_file_of_before_a_rotation_still_opens(sops):
    wrapped = sops.write("sops/team/encrypt/second", {"plaintext": DATA_KEY}).data["ciphertext"]
    admin = GoClient(sops.store, sops.store.root)
    assert admin.write("sops/team/keys/second/rotate").status in {200, 204}
    assert sops.write("sops/team/decrypt/second", {"ciphertext": wrapped}).data["plaintext"] == DATA_KEY
    assert (
        sops.write("sops/team/encrypt/second", {"plaintext": DATA_KEY})
        .data["ciphertext"]
        .startswith("vault:v2:")
    )


def test_it_never_gets_to_the_key_itself(sops):
    for path in ("keys/first", "export/encryption-key/first"):
        assert sops.read(f"sops/team/{path}").status == 403


@pytest.mark.parametrize("ciphertext", ["vault:v1:AAAA", "vault:v9:" + "A" * 80, "nonsense", ""])
def test_what_is_no_wrapped_key_is_a_mistake_and_no_trouble_of_the_server(sops, ciphertext):
    assert sops.write("sops/team/decrypt/second", {"ciphertext": ciphertext}).status == 400
