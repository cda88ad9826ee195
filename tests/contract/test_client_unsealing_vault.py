"""Client Vault and OpenBao with ``seal "transit"``: other stores open themselves with a key in this one."""

import base64

import pytest
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

KEY = base64.b64encode(b"the key of another store, 32 b.").decode()
RULES = {"transit/encrypt/autounseal": ["update"], "transit/decrypt/autounseal": ["update"]}
SELF = {"auth/token/lookup-self": ["read"], "auth/token/renew-self": ["update"]}


@pytest.fixture
def vault():
    store = StoreUnderTest()
    store.initialize()
    done(store.vault("POST", "sys/mounts/transit", {"type": "transit"}, token=store.root))
    done(store.vault("PUT", "transit/keys/autounseal", {}, token=store.root), 200)
    return GoClient(store, store.token_for(RULES | SELF, period="24h"))


def test_it_looks_at_its_token_first_and_renews_it(vault):
    about = done(vault.read("auth/token/lookup-self"), 200).data
    assert about["renewable"] is True
    assert about["period"] == 24 * 3600
    vault.store.clock.advance(3600)
    renewed = done(vault.write("auth/token/renew-self", {"increment": 0}), 200).auth
    assert (renewed["lease_duration"], renewed["client_token"]) == (24 * 3600, vault.token)


def test_two_rights_are_enough_to_seal_and_unseal(vault):
    made = done(vault.write("transit/encrypt/autounseal", {"plaintext": KEY}), 200).data
    assert made["ciphertext"].startswith("vault:v1:")
    opened = done(vault.write("transit/decrypt/autounseal", {"ciphertext": made["ciphertext"]}), 200).data
    assert opened["plaintext"] == KEY
    assert vault.read("transit/keys/autounseal").status == 403


def test_a_store_that_is_sealed_itself_says_so(vault):
    vault.store.seal()
    answer = vault.write("transit/decrypt/autounseal", {"ciphertext": "vault:v1:AAAA"})
    assert (answer.status, answer.errors) == (503, ["Vault is sealed"])
