"""A store whose unseal key is for the holders of OpenPGP keys, and one that opens itself with such a key."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.barrier.key_pair import generate_key_pair
from holdfast.crypto.openpgp import decrypt_message, public_part
from holdfast.model import SecretBytes
from holdfast.store.seal_settings import Place, SealSettings


@pytest.fixture(scope="session")
def pair():
    """One key pair as the store makes it: RSA with 4096 bits takes seconds."""
    return generate_key_pair().reveal()


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """Private keys of three people, made by gpg: one RSA, two of elliptic curves."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    keys = []
    try:
        for name, kind in (("ada", "rsa2048"), ("bob", "future-default"), ("eve", "future-default")):
            algorithm = [kind, "default", "never"]
            subprocess.run([*gpg, "--quick-generate-key", name, *algorithm], check=True, capture_output=True)
            if kind == "rsa2048":
                listed = subprocess.run(
                    [*gpg, "--list-keys", "--with-colons", name], check=True, capture_output=True
                )
                fingerprint = next(
                    line.split(":")[9]
                    for line in listed.stdout.decode().splitlines()
                    if line.startswith("fpr")
                )
                add = [*gpg, "--quick-add-key", fingerprint, kind, "encr", "never"]
                subprocess.run(add, check=True, capture_output=True)
            export = subprocess.run([*gpg, "--export-secret-keys", name], check=True, capture_output=True)
            keys.append(export.stdout)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    return keys


def public(private):
    return base64.b64encode(public_part(SecretBytes(private)).certificate).decode()


def opened(message, private):
    return decrypt_message(bytes.fromhex(message), SecretBytes(private)).reveal().decode()


def put(store, path, value):
    return store.vault("PUT", f"secret/data/{path}", {"data": {"v": value}}, token=store.root).status


def get(store, path):
    answer = store.vault("GET", f"secret/data/{path}", token=store.root)
    return answer.json["data"]["data"]["v"] if answer.status == 200 else answer.status


def restarted(store):
    store.start()
    store.local.keeper.start()
    return store


@pytest.fixture
def itself(pair, tmp_path):
    """A store that opens itself with a private key in a file; ``root`` is its first root token."""
    path = tmp_path / "seal.asc"
    path.write_bytes(pair)
    path.chmod(0o600)
    store = StoreUnderTest(seal_settings=SealSettings(type="gpg", place=Place.FILE, path=str(path)))
    store.local.keeper.start()
    kept = store.dcos("GET", "init/default").json["encrypted_root_token"]
    store.root = opened(kept, pair)
    return store


class TestAStoreThatOpensItself:
    def test_is_open_from_the_start_as_one_share(self, itself):
        status = itself.dcos("GET", "seal-status/default").json
        assert status == {"sealed": False, "threshold": 1, "shares": 1, "progress": 0}
        assert put(itself, "a", 1) == 200

    def test_gives_out_nothing_but_messages(self, itself, pair):
        shown = itself.dcos("GET", "init/default")
        assert re.match("c1c14[a-c]03", shown.json["keys"][0])  # one byte shorter once in 256 times
        assert len(shown.json["pgp_fingerprints"][0]) == 40
        assert set(shown.json) == {
            "initialized",
            "keys",
            "pgp_fingerprints",
            "recovery_keys",
            "encrypted_root_token",
        }
        assert itself.root.encode() not in shown.body

    def test_opens_itself_after_a_crash(self, itself):
        put(itself, "a", 1)
        assert get(restarted(itself), "a") == 1

    def test_keeps_the_share_that_it_opens_itself_with(self, itself):
        answer = itself.vault("DELETE", "sys/rekey/backup", token=itself.root)
        assert (answer.status, "opens itself" in answer.errors[0]) == (400, True)
        put(itself, "a", 1)
        assert get(restarted(itself), "a") == 1

    def test_stays_sealed_after_somebody_sealed_it(self, itself):
        put(itself, "a", 1)
        itself.seal()
        itself.local.keeper.tick()
        assert get(itself, "a") == 503
        assert get(restarted(itself), "a") == 503
        restarted(itself).local.keeper.tick()
        assert get(itself, "a") == 503

    @pytest.mark.parametrize("with_message", [False, True], ids=["no-body", "key-in-body"])
    def test_is_opened_again_by_a_superuser(self, itself, with_message):
        put(itself, "a", 1)
        body = {"key": itself.dcos("GET", "init/default").json["keys"][0]} if with_message else None
        itself.seal()
        answer = itself.dcos("PUT", "auto-unseal/default", body, token=itself.root)
        assert (answer.status, answer.json["sealed"]) == (200, False)
        assert get(restarted(itself), "a") == 1

    def test_is_not_opened_for_anybody_else(self, itself):
        user = itself.token(policies=["default"])
        itself.seal()
        assert itself.dcos("PUT", "auto-unseal/default").status == 401
        assert itself.dcos("PUT", "auto-unseal/default", token="hvs.nobody").status == 401
        assert itself.dcos("PUT", "auto-unseal/default", token=user).status == 403
        assert itself.dcos("GET", "seal-status/default").json["sealed"] is True

    def test_can_be_opened_by_hand_too(self, itself, pair):
        put(itself, "a", 1)
        itself.seal()
        key = opened(itself.dcos("GET", "init/default").json["keys"][0], pair)
        assert len(key) == 64
        assert itself.dcos("PUT", "unseal/default", {"key": key}).json["sealed"] is False
        assert get(itself, "a") == 1

    def test_starts_sealed_without_its_key_and_opens_when_it_is_back(self, itself, pair):
        put(itself, "a", 1)
        path = itself.seal_settings.path
        hidden = path + ".hidden"
        Path(path).rename(hidden)
        assert get(restarted(itself), "a") == 503
        Path(hidden).rename(path)
        itself.local.keeper.tick()
        assert get(itself, "a") == 1

    def test_refuses_a_key_that_others_can_read(self, itself):
        Path(itself.seal_settings.path).chmod(0o644)
        assert get(restarted(itself), "a") == 503


class TestAPrivateKeyBesideTheData:
    def test_is_base64_of_an_armoured_block_and_goes_with_new_shares(self, monkeypatch, pair):
        from holdfast.store import seal_settings

        monkeypatch.setattr(seal_settings, "generate_key_pair", lambda: SecretBytes(pair))
        store = StoreUnderTest(seal_settings=SealSettings(type="gpg", place=Place.STORAGE))
        store.local.keeper.start()
        stored = base64.b64decode(store.storage.get("core/seal-private-key"))
        assert stored.startswith(b"-----BEGIN PGP PRIVATE KEY BLOCK-----")
        store.root = opened(store.dcos("GET", "init/default").json["encrypted_root_token"], stored)
        put(store, "a", 1)
        assert get(restarted(store), "a") == 1
        store.dcos("PUT", "init/default", {"shares": 1, "threshold": 1}, token=store.root)
        assert store.storage.get("core/seal-private-key") is None
        assert "encrypted_root_token" not in store.dcos("GET", "init/default").json
        assert get(restarted(store), "a") == 503


class TestPeopleWithKeys:
    def test_two_of_three_open_the_store(self, people):
        store = StoreUnderTest()
        made = store.dcos(
            "PUT",
            "init/default",
            {"shares": 3, "threshold": 2, "pgp_keys": [public(key) for key in people]},
        )
        assert made.status == 200
        assert len(set(made.json["pgp_fingerprints"])) == 3
        assert "root_token" not in made.json
        store.root = opened(made.json["encrypted_root_token"], people[0])
        shares = [opened(message, key) for message, key in zip(made.json["keys"], people, strict=True)]
        assert [len(share) for share in shares] == [66] * 3
        assert store.dcos("PUT", "unseal/default", {"key": shares[2]}).json["progress"] == 1
        assert store.dcos("PUT", "unseal/default", {"key": shares[0]}).json["sealed"] is False
        assert put(store, "a", 1) == 200
        assert store.dcos("GET", "init/default").json["keys"] == made.json["keys"]

    def test_new_keys_open_and_old_ones_do_not_and_every_secret_stays(self, people):
        store = StoreUnderTest().initialize(shares=1, threshold=1)
        for version in range(3):
            put(store, "a", version)
        old = store.shares[0]
        body = {"shares": 2, "threshold": 2, "pgp_keys": [public(key) for key in people[:2]]}
        dealt = store.dcos("PUT", "init/default", body, token=store.root)
        assert dealt.status == 200
        assert get(store, "a") == 2
        store.seal()
        assert store.dcos("PUT", "unseal/default", {"key": old}).status == 400
        for message, key in zip(dealt.json["keys"], people, strict=False):
            answer = store.dcos("PUT", "unseal/default", {"key": opened(message, key)})
        assert answer.json["sealed"] is False
        first = store.vault("GET", "secret/data/a?version=1", token=store.root).json["data"]["data"]
        assert (get(store, "a"), first) == (2, {"v": 0})

    def test_shares_that_are_kept_no_longer_still_open_the_store(self, people):
        store = StoreUnderTest().initialize(shares=1, threshold=1)
        body = {"shares": 1, "threshold": 1, "pgp_keys": [public(people[0])]}
        share = opened(store.dcos("PUT", "init/default", body, token=store.root).json["keys"][0], people[0])
        assert store.vault("GET", "sys/rekey/backup", token=store.root).status == 200
        stranger = store.token(policies=["default"])
        assert store.vault("DELETE", "sys/rekey/backup", token=stranger).status == 403
        for _ in range(2):
            assert store.vault("DELETE", "sys/rekey/backup", token=store.root).status == 204
        assert store.vault("GET", "sys/rekey/backup", token=store.root).errors == ["no backed-up keys found"]
        store.start()
        assert store.dcos("PUT", "unseal/default", {"key": share}).json["sealed"] is False

    def test_new_keys_are_for_superusers_of_an_open_store(self, people):
        store = StoreUnderTest().initialize(shares=1, threshold=1)
        body = {"shares": 1, "threshold": 1, "pgp_keys": [public(people[0])]}
        assert store.dcos("PUT", "init/default", body).status == 401
        assert store.dcos("PUT", "init/default", body, token=store.token(policies=["default"])).status == 403
        store.seal()
        answer = store.dcos("PUT", "init/default", body, token=store.root)
        assert (answer.status, "unseal it first" in answer.json["description"]) == (400, True)

    def test_a_crash_while_dealing_leaves_the_old_or_the_new_keys(self, people):
        for stored in (False, True):
            store = StoreUnderTest().initialize(shares=1, threshold=1)
            put(store, "a", 1)
            store.storage.crash_at_commit(1, stored=stored)
            body = {"shares": 1, "threshold": 1, "pgp_keys": [public(people[0])]}
            assert store.dcos("PUT", "init/default", body, token=store.root).status == 503
            store.storage = store.storage.survivor()
            store.start()
            [*messages] = store.dcos("GET", "init/default").json["keys"]
            key = opened(messages[0], people[0]) if stored else store.shares[0]
            assert store.dcos("PUT", "unseal/default", {"key": key}).json["sealed"] is False
            assert get(store, "a") == 1

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            pytest.param(lambda keys: [public(keys[0])] * 2, "different key", id="duplicate"),
            pytest.param(lambda keys: [public(keys[0])], "one key for each share", id="too-few"),
            pytest.param(lambda keys: ["!!!", public(keys[0])], "key 1: expected base64", id="no-base64"),
            pytest.param(
                lambda keys: [public(keys[0]), base64.b64encode(b"junk" * 9).decode()],
                "key 2: expected exactly one OpenPGP public key",
                id="no-key",
            ),
            pytest.param(
                lambda keys: [base64.b64encode(keys[0]).decode(), public(keys[1])],
                "key 1: this is a private key",
                id="private",
            ),
            pytest.param(lambda keys: [public(keys[0]), ""], "one key for each share", id="empty"),
            pytest.param(
                lambda keys: [base64.b64encode(b"\x99" * 300_000).decode(), public(keys[0])],
                "at most",
                id="huge",
            ),
        ],
    )
    def test_bad_keys_are_refused_before_anything_is_made(self, people, keys, expected):
        store = StoreUnderTest()
        answer = store.dcos("PUT", "init/default", {"shares": 2, "threshold": 2, "pgp_keys": keys(people)})
        assert (answer.status, expected in answer.json["description"]) == (400, True), answer.json
        assert store.vault("GET", "sys/init").json == {"initialized": False}

    def test_the_vault_dialect_shows_the_token_as_vault_does(self, people):
        store = StoreUnderTest()
        body = {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": [public(people[1])]}
        made = store.vault("PUT", "sys/init", body).json
        assert made["root_token"].startswith("hvs.")
        assert opened(made["keys"][0], people[1])
        store = StoreUnderTest()
        made = store.vault("PUT", "sys/init", {**body, "root_token_pgp_key": public(people[2])}).json
        message = base64.b64decode(made["root_token"]).hex()
        assert opened(message, people[2]).startswith("hvs.")


class TestTheFirstRootToken:
    def test_is_shown_by_the_named_switch_alone(self):
        for reveal in (False, True):
            store = StoreUnderTest(seal_settings=SealSettings(reveal_root_token=reveal)).initialize()
            assert "root_token" not in store.dcos("GET", "init/default").json
            shown = store.dcos("GET", "init/default", token=store.root).json
            assert shown.get("root_token") == (store.root if reveal else None)
