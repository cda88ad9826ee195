"""What operators do with a store that is sealed for OpenPGP keys, step by step, with the real ``gpg``.

A store with ``seal "gpg"`` makes its own pair at the first start, or is sealed for the keys of people. In
clear it gives out neither its unseal key nor its first root token.
"""

import base64
import os
import re
import shutil
import signal
from contextlib import contextmanager

import pytest
from tests.support.dcos import BINARY, DcosClient
from tests.support.gpg import GpgHome
from tests.support.iam import make_user, token_of
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually, is_whole, writer_and_workers

from holdfast.api.dcos.openapi import ROWS as SECRETS_ROWS
from holdfast.api.iam.rows import ROWS as IAM_ROWS
from holdfast.storage.factory import open_storage

pytestmark = pytest.mark.timeout(300)  # pairs of 4,096 bits, on a machine that may be busy

MARK = "marked-5e21"
OPEN = {"sealed": False, "threshold": 1, "shares": 1, "progress": 0}
KEPT_BY_INIT = {"initialized", "keys", "pgp_fingerprints", "recovery_keys", "encrypted_root_token"}
PASSWORDS = "iam {\n  argon2_memory = 19456\n  argon2_iterations = 2\n}"


def gpg_seal(*lines):
    settings = "\n  ".join(lines)
    return f'{PASSWORDS}\nseal "gpg" {{\n  {settings}\n}}'


def key_in_file(directory, *further):
    return gpg_seal('private_key = "file"', f'private_key_file = "{directory / "seal.asc"}"', *further)


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory):
    """The keyring of an operator who has the private key that a store made for itself, and that key."""
    directory = tmp_path_factory.mktemp("bootstrap")
    with StoreProcess(directory, settings=key_in_file(directory)):
        pass
    with GpgHome(directory / "gpg") as home:
        home.import_secret_key((directory / "seal.asc").read_bytes())
        home.key_file = directory / "seal.asc"
        yield home


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Three people, each with a keyring and a pair of their own."""
    homes = []
    try:
        for name in ("ada", "bob", "eve"):
            home = GpgHome(tmp_path_factory.mktemp(name))
            homes.append(home)
            home.generate(name, bits=4096 if name == "ada" else 2048)
            home.name = name
        yield homes
    finally:
        for home in homes:
            home.close()


@pytest.fixture
def itself(bootstrap, tmp_path):
    """A running store that opens itself with the private key in its file."""
    with store_that_opens_itself(bootstrap, tmp_path) as store:
        yield store


@contextmanager
def store_that_opens_itself(bootstrap, directory, *further):
    shutil.copy(bootstrap.key_file, directory / "seal.asc")
    (directory / "seal.asc").chmod(0o600)
    with StoreProcess(directory, settings=key_in_file(directory, *further)) as store:
        message = DcosClient(store, "").api("GET", "init/default").json["encrypted_root_token"]
        store.root_token = bootstrap.decrypt(message)
        yield store


def restart(store):
    assert store.stop() == 0
    store.start()


def cut_the_power(store):
    store.kill()
    store.start()


class TestTheFirstStart:
    def test_makes_a_pair_of_4096_bits_and_encrypts_the_unseal_key_for_it(self, bootstrap, tmp_path):
        assert oct(bootstrap.key_file.stat().st_mode & 0o777) == "0o600"
        listed = bootstrap.gpg("--list-secret-keys", "--with-colons").decode()
        pairs = [line.split(":") for line in listed.splitlines() if line.startswith(("sec:", "ssb:"))]
        assert {(fields[2], fields[3]) for fields in pairs} == {("4096", "1")}  # 1 is RSA
        with store_that_opens_itself(bootstrap, tmp_path) as store:
            shown = DcosClient(store, "").api("GET", "init/default").json
            assert shown["initialized"] is True
            assert shown["pgp_fingerprints"] == [bootstrap.fingerprint("Holdfast seal")]
            [message] = shown["keys"]
            # A number modulo 4,096 bits is one byte shorter once in 256 times.
            assert re.match("c1c14[a-c]03", message)
            assert re.fullmatch("[0-9a-f]{64}", bootstrap.decrypt(message))

    def test_gives_out_nothing_in_clear(self, itself, bootstrap):
        for token in ("", itself.root_token):
            shown = DcosClient(itself, token).api("GET", "init/default")
            assert set(shown.json) == KEPT_BY_INIT
            for secret in (itself.root_token, bootstrap.decrypt(shown.json["keys"][0])):
                assert secret.encode() not in shown.body
        assert itself.root_token not in itself.log()

    def test_shows_the_root_token_to_superusers_only_where_the_switch_says_so(self, bootstrap, tmp_path):
        switch = "dcos_root_token_in_init = true"
        with store_that_opens_itself(bootstrap, tmp_path, switch) as store:
            dcos = DcosClient(store)
            assert "root_token" not in dcos.api("GET", "init/default", token="").json
            make_user(dcos, "somebody")
            nobody = dcos.api("GET", "init/default", token=token_of(dcos, "somebody"))
            assert "root_token" not in nobody.json
            assert dcos.api("GET", "init/default").json["root_token"] == store.root_token
            dcos.api("PUT", "seal/default")
            assert "root_token" not in dcos.api("GET", "init/default").json


class TestASealThatSomebodySet:
    def test_is_remembered_across_a_restart_and_a_loss_of_power(self, itself):
        dcos = DcosClient(itself)
        assert dcos.put("a", "v") == 201
        assert dcos.api("GET", "seal-status/default").json == OPEN
        assert dcos.api("PUT", "seal/default", headers={}).status == 200
        for again in (lambda: None, lambda: restart(itself), lambda: cut_the_power(itself)):
            again()
            assert dcos.api("GET", "seal-status/default").json == OPEN | {"sealed": True}
            assert dcos.value("a") == 503
        assert dcos.api("PUT", "auto-unseal/default").json == OPEN
        cut_the_power(itself)  # whoever opened it wants it open
        eventually(lambda: dcos.value("a") == "v")


class TestALossOfPower:
    def test_is_survived_where_the_operator_left_the_key_with_the_store(self, itself):
        dcos = DcosClient(itself)
        assert dcos.put("a", "v") == 201
        cut_the_power(itself)
        eventually(lambda: dcos.value("a") == "v")

    def test_of_the_writer_alone_is_survived_too(self, itself):
        dcos = DcosClient(itself)
        assert dcos.put("a", "v") == 201
        writer, _ = writer_and_workers(itself)
        os.kill(writer, signal.SIGKILL)
        eventually(lambda: is_whole(itself) and dcos.value("a") == "v")

    def test_leaves_a_store_sealed_whose_keys_are_with_people(self, people, tmp_path):
        with sealed_for(people[:1], 1, tmp_path) as store:
            dcos = DcosClient(store)
            assert dcos.put("a", "v") == 201
            cut_the_power(store)
            assert dcos.is_sealed()
            assert dcos.value("a") == 503
            answer = dcos.api("PUT", "auto-unseal/default")
            assert answer.status == 503
            assert "people have to decrypt the shares" in answer.json["description"]

    def test_leaves_a_store_sealed_whose_key_file_was_taken_away(self, itself, tmp_path):
        dcos = DcosClient(itself)
        assert dcos.put("a", "v") == 201
        (tmp_path / "seal.asc").rename(tmp_path / "taken-away")
        cut_the_power(itself)
        assert dcos.is_sealed()
        (tmp_path / "taken-away").rename(tmp_path / "seal.asc")
        eventually(lambda: dcos.value("a") == "v")


class TestUnsealingByHand:
    def test_with_the_private_key_that_lies_beside_the_data(self, tmp_path):
        """Read the key from storage, decode it, import it; decrypt what init gives out, and hand it in."""
        with (
            StoreProcess(tmp_path, settings=gpg_seal('private_key = "storage"')) as store,
            GpgHome(tmp_path / "gpg") as home,
        ):
            home.import_secret_key(base64.b64decode(stored(store, "core/seal-private-key")))
            shown = DcosClient(store, "").api("GET", "init/default").json
            store.root_token = home.decrypt(shown["encrypted_root_token"])
            dcos = DcosClient(store)
            assert dcos.put("a", "v") == 201
            dcos.api("PUT", "seal/default")
            assert dcos.is_sealed()
            key = home.decrypt(dcos.api("GET", "init/default", token="").json["keys"][0])
            assert dcos.api("PUT", "unseal/default", {"key": key}).json == OPEN
            assert dcos.value("a") == "v"
            cut_the_power(store)
            eventually(lambda: dcos.value("a") == "v")

    def test_with_a_wrong_key_and_with_the_encrypted_one_stays_sealed(self, itself, bootstrap):
        dcos = DcosClient(itself)
        message = dcos.api("GET", "init/default").json["keys"][0]
        dcos.api("PUT", "seal/default")
        for key in ("00" * 32, message, "", "zz", bootstrap.decrypt(message)[:-2]):
            answer = dcos.api("PUT", "unseal/default", {"key": key})
            assert answer.status == 400, key
            assert not key or key.encode() not in answer.body
        assert dcos.is_sealed()
        assert dcos.api("PUT", "unseal/default", {"key": bootstrap.decrypt(message)}).json == OPEN


class TestAutoUnseal:
    @pytest.mark.parametrize("with_body", [False, True], ids=["no-body", "the-key-of-init"])
    def test_opens_for_a_superuser(self, itself, with_body):
        dcos = DcosClient(itself)
        body = {"key": dcos.api("GET", "init/default").json["keys"][0]} if with_body else None
        dcos.api("PUT", "seal/default", headers={})
        answer = dcos.api("PUT", "auto-unseal/default", body, headers={})
        assert (answer.status, answer.json) == (200, OPEN)
        assert dcos.api("PUT", "auto-unseal/default", body, headers={}).json == OPEN  # is open: stays so

    def test_opens_for_nobody_else_and_with_no_other_message(self, itself, people):
        dcos = DcosClient(itself)
        make_user(dcos, "somebody")
        somebody = token_of(dcos, "somebody")
        dcos.api("PUT", "seal/default")
        assert [
            dcos.api("PUT", "auto-unseal/default", token=token).status for token in ("", "hvs.x", somebody)
        ] == [401, 401, 403]
        home = people[0]
        foreign = home.gpg("--encrypt", "--recipient", home.name, "--trust-model", "always", "-o", "-")
        for message in (foreign.hex(), "00", "zz"):
            answer = dcos.api("PUT", "auto-unseal/default", {"key": message})
            assert answer.status == 400, answer.body
        assert dcos.is_sealed()


class TestOtherKeysForTheSameStore:
    def test_a_pair_of_the_operators_own_opens_it_and_every_secret_is_still_there(
        self, itself, bootstrap, people
    ):
        ada, dcos = people[0], DcosClient(itself)
        for value in ("one", "two", "three"):
            assert ask(itself, "PUT", "/v1/secret/data/versions", {"data": {"value": value}}).status == 200
        assert dcos.secret("PUT", "binary", bytes(range(256)), headers=BINARY).status == 201
        names = [f"many/{number}" for number in range(20)]
        assert {dcos.put(name, name) for name in names} == {201}
        make_user(dcos, "somebody")
        old_key = bootstrap.decrypt(dcos.api("GET", "init/default").json["keys"][0])

        body = {"shares": 1, "threshold": 1, "pgp_keys": [ada.public_key("ada")]}
        made = dcos.api("PUT", "init/default", body)
        assert made.status == 200
        assert made.json["pgp_fingerprints"] == [ada.fingerprint("ada")]
        cut_the_power(itself)

        assert dcos.is_sealed()  # its own private key opens nothing any more
        assert dcos.api("PUT", "auto-unseal/default").status in {400, 503}
        assert dcos.api("PUT", "unseal/default", {"key": old_key}).status == 400
        message = dcos.api("GET", "init/default", token="").json["keys"][0]
        assert message == made.json["keys"][0]
        assert dcos.api("PUT", "unseal/default", {"key": ada.decrypt(message)}).json == OPEN
        versions = [
            ask(itself, "GET", f"/v1/secret/data/versions?version={number}").json["data"]["data"]["value"]
            for number in (1, 2, 3)
        ]
        assert versions == ["one", "two", "three"]
        assert dcos.secret("GET", "binary", headers={}).body == bytes(range(256))
        assert [dcos.value(name) for name in names] == names
        assert dcos.secret("GET", "versions", token=token_of(dcos, "somebody")).status == 403

    def test_takes_the_private_key_beside_the_data_away(self, people, tmp_path):
        with (
            StoreProcess(tmp_path, settings=gpg_seal('private_key = "storage"')) as store,
            GpgHome(tmp_path / "gpg") as home,
        ):
            home.import_secret_key(base64.b64decode(stored(store, "core/seal-private-key")))
            shown = DcosClient(store, "").api("GET", "init/default").json
            store.root_token = home.decrypt(shown["encrypted_root_token"])
            body = {"shares": 1, "threshold": 1, "pgp_keys": [people[0].public_key("ada")]}
            assert DcosClient(store).api("PUT", "init/default", body).status == 200
            assert stored(store, "core/seal-private-key") is None


class TestTwoOfThreePeople:
    def test_open_a_store_that_the_configuration_sealed_for_them(self, people, tmp_path):
        with sealed_for(people, 2, tmp_path) as store:
            dcos = DcosClient(store)
            assert dcos.put("a", "v") == 201
            shown = dcos.api("GET", "init/default", token="").json
            assert shown["pgp_fingerprints"] == [home.fingerprint(home.name) for home in people]
            for pair in ((0, 1), (1, 2), (2, 0)):
                dcos.api("PUT", "seal/default")
                assert dcos.value("a") == 503
                for count, number in enumerate(pair, 1):
                    key = people[number].decrypt(shown["keys"][number])
                    assert re.fullmatch("[0-9a-f]{66}", key)
                    status = dcos.api("PUT", "unseal/default", {"key": key}).json
                    assert status["progress"] == count % 2
                assert status == {"sealed": False, "threshold": 2, "shares": 3, "progress": 0}
                assert dcos.value("a") == "v"

    def test_one_alone_does_not_even_twice(self, people, tmp_path):
        with sealed_for(people, 2, tmp_path) as store:
            dcos = DcosClient(store)
            message = dcos.api("GET", "init/default").json["keys"][0]
            dcos.api("PUT", "seal/default")
            key = people[0].decrypt(message)
            for _ in range(2):
                status = dcos.api("PUT", "unseal/default", {"key": key}).json
            assert (status["sealed"], status["progress"]) == (True, 1)

    def test_are_chosen_by_whoever_initialises(self, people, tmp_path):
        with StoreProcess(tmp_path) as store:
            keys = [home.public_key(home.name) for home in people]
            body = {"shares": 3, "threshold": 2, "pgp_keys": keys}
            made = DcosClient(store, "").api("PUT", "init/default", body).json
            assert "root_token" not in made
            for number in (2, 0):
                key = people[number].decrypt(made["keys"][number])
                status = DcosClient(store, "").api("PUT", "unseal/default", {"key": key}).json
            assert status["sealed"] is False
            store.root_token = people[0].decrypt(made["encrypted_root_token"])
            assert DcosClient(store).put("a", "v") == 201


def test_while_sealed_no_endpoint_tells_a_name_or_a_value(itself):
    dcos = DcosClient(itself)
    user = make_user(dcos, f"{MARK}-user", description=f"{MARK}-description")
    user_token = token_of(dcos, user)
    assert dcos.put(f"{MARK}-folder/{MARK}-name", f"{MARK}-value") == 201
    assert dcos.api("PUT", f"store/{MARK}-store", {"driver": "vault"}).status == 201
    assert dcos.acs("PUT", f"groups/{MARK}-group", {"description": ""}).status == 201
    assert dcos.acs("PUT", f"acls/dcos:secrets:default:%252F{MARK}-rid", {"description": ""}).status == 201
    targets = [*every_secrets_call(), *every_iam_call(), *vault_calls()]
    assert any(
        MARK.encode() in send(itself, method, path, itself.root_token).body for method, path in targets[:30]
    )
    dcos.api("PUT", "seal/default")
    for method, path in targets:
        for token in ("", user_token, itself.root_token):
            answer = send(itself, method, path, token)
            said = answer.body + repr(sorted(answer.headers.items())).encode()
            assert MARK.encode() not in said, (method, path)
            assert answer.status != 500, (method, path, answer.body)
            if "/secret/" in path and method != "OPTIONS":
                assert answer.status in {400, 405, 503}, (method, path, answer.status)


def send(store, method, path, token):
    headers = {"Authorization": f"token={token}"} if token else {}
    if path.startswith("/v1/"):
        headers = {"X-Vault-Token": token}
    # Bodies would unseal, initialise or log in; those endpoints are asked without one and refuse.
    return ask(store, method, path, token="", headers=headers)


def every_secrets_call():
    """Yield each call of the Secrets API that does not change the seal, for known and unknown names."""
    yield "GET", "/secrets/v1/secret/default/?list=true"
    yield "GET", "/secrets/v1/openapi.json"
    for row in SECRETS_ROWS:
        if row.path.startswith(("/seal/", "/auto-unseal/")):
            continue
        for name in (f"{MARK}-folder/{MARK}-name", "unknown"):
            for method in (row.method.upper(), "HEAD"):
                path = row.path.replace("{store}", "default").replace("{path}", name)
                yield method, f"/secrets/v1{path}"


def every_iam_call():
    for path, methods in IAM_ROWS.items():
        filled = path.replace("users/<>", f"users/{MARK}-user", 1).replace(
            "groups/<>", f"groups/{MARK}-group"
        )
        filled = filled.replace("acls/<>", f"acls/dcos:secrets:default:%252F{MARK}-rid").replace("<>", "read")
        for method in methods:
            yield method, f"/acs/api/v1/{filled}"
    for path in ("auth/jwks", "auth/providers", "auth/logout", "auth/login"):
        yield "GET", f"/acs/api/v1/{path}"


def vault_calls():
    folder = f"{MARK}-folder"
    for method, path in (
        ("GET", f"secret/data/{folder}/{MARK}-name"),
        ("LIST", "secret/metadata/"),
        ("SCAN", "secret/metadata/"),
        ("GET", f"secret/metadata/{folder}/{MARK}-name"),
        ("GET", "sys/mounts"),
        ("GET", "sys/internal/ui/mounts"),
        ("GET", "sys/policies/acl"),
        ("GET", "sys/health"),
        ("GET", "sys/seal-status"),
        ("GET", "sys/init"),
        ("GET", "sys/leader"),
        ("GET", "sys/metrics"),
        ("GET", "auth/token/lookup-self"),
    ):
        yield method, f"/v1/{path}"


@contextmanager
def sealed_for(people, threshold, directory):
    """Run a store that its configuration seals for people; it is open when this yields."""
    files = []
    for home in people:
        files.append(directory / f"{home.name}.asc")
        files[-1].write_bytes(home.gpg("--armor", "--export", home.name))
    names = ", ".join(f'"{file}"' for file in files)
    lines = ('private_key = "none"', f"public_key_files = [{names}]", f"threshold = {threshold}")
    with StoreProcess(directory, settings=gpg_seal(*lines)) as store:
        dcos = DcosClient(store, "")
        assert dcos.is_sealed()
        shown = dcos.api("GET", "init/default").json
        assert set(shown) == KEPT_BY_INIT
        for home, message in list(zip(people, shown["keys"], strict=True))[:threshold]:
            dcos.api("PUT", "unseal/default", {"key": home.decrypt(message)})
        store.root_token = people[0].decrypt(shown["encrypted_root_token"])
        yield store


def stored(store, key):
    """Return a record as it lies in the store's files."""
    storage = open_storage("file", {"path": str(store.data_path)}, readonly=True)
    try:
        return storage.get(key)
    finally:
        storage.close()
