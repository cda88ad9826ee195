"""Killed at any moment of writing, a store is afterwards as it was before a request, or as after it.

Every operation is cut short at every single thing it writes, by SIGKILL, on the embedded engine's real files:
before each put and delete, before each commit, after each commit. Then the files are opened again. Nothing
lies between the two states, every record opens under the keyring, and the operation can be asked for again.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.crashing_store import StrikingStorage, copy_of, killed_at, unreadable_records
from tests.support.local_store import StoreUnderTest

from holdfast.barrier import Keyring
from holdfast.barrier.key_pair import generate_key_pair
from holdfast.crypto.openpgp import decrypt_message
from holdfast.store.seal_settings import Place, SealSettings

READ_SECRETS = 'path "secret/*" { capabilities = ["read"] }'
READ_OTHERS = 'path "other/*" { capabilities = ["read", "list"] }'
MOST_MOMENTS = 150
PASSWORD = "correct-horse-7f3a"

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@dataclass(frozen=True)
class Operation:
    """What is cut short, and how it is seen whether it happened.

    Attributes:
        work: does it; must succeed if nothing strikes.
        seen: what a caller sees of it, the same for the same state.
    """

    work: Callable[[StoreUnderTest], object]
    seen: Callable[[StoreUnderTest], Any]


def as_root(store: StoreUnderTest, method: str, path: str, body: object = None) -> Any:
    """Send a request that must succeed; return its answer."""
    answer = store.vault(method, path, body, token=store.root)
    assert answer.status < 300, answer.body
    return answer


def read(path: str) -> Callable[[StoreUnderTest], Any]:
    """Return what reads a path: its data, or only the status where there are none."""

    def look(store: StoreUnderTest) -> Any:
        answer = store.vault("GET", path, token=store.root)
        return answer.json.get("data") if answer.status == 200 else answer.status

    return look


def paths_of(table: str) -> Callable[[StoreUnderTest], Any]:
    """Return what lists the paths of a mount table, and each mount's type."""
    return lambda store: {path: mount["type"] for path, mount in as_root(store, "GET", table).data.items()}


def count_of_tokens(store: StoreUnderTest) -> int:
    return len(as_root(store, "GET", "auth/token/accessors?list=true").data["keys"])


def lives(name: str) -> Callable[[StoreUnderTest], bool]:
    """Return what tells whether a token of the template is live."""
    return lambda store: store.is_live(store.known[name])


def ask(method: str, path: str, body: object = None) -> Callable[[StoreUnderTest], object]:
    return lambda store: as_root(store, method, path, body)


def both(*looks: Callable[[StoreUnderTest], Any]) -> Callable[[StoreUnderTest], Any]:
    return lambda store: [look(store) for look in looks]


def keyring_of(store: StoreUnderTest) -> Keyring:
    buffer = store.local.keeper.keyring_bytes()
    assert buffer is not None
    return Keyring.from_bytes(buffer)


def log_in(store: StoreUnderTest) -> object:
    answer = store.vault("PUT", "auth/people/login/ann", {"password": PASSWORD})
    assert answer.status == 200, answer.body
    return answer


OPERATIONS = {
    "put of a new secret": Operation(
        ask("POST", "secret/data/new/one", {"data": {"k": "v"}}),
        both(read("secret/data/new/one"), read("secret/metadata/new?list=true")),
    ),
    "put of another version": Operation(
        ask("POST", "secret/data/kept", {"data": {"k": "second"}}),
        lambda store: read("secret/data/kept")(store)["data"],
    ),
    "put that ends the oldest version": Operation(
        ask("POST", "secret/data/short", {"data": {"k": "third"}}),
        lambda store: [read(f"secret/data/short?version={version}")(store) for version in (1, 2)],
    ),
    "put into version 1": Operation(ask("PUT", "old/one", {"k": "v"}), read("old/one")),
    "destruction of versions": Operation(
        ask("PUT", "secret/destroy/kept", {"versions": [1]}),
        lambda store: store.vault("GET", "secret/data/kept?version=1", token=store.root).status,
    ),
    "deletion of a secret and its history": Operation(
        ask("DELETE", "secret/metadata/short"), read("secret/metadata/short")
    ),
    "policy write": Operation(
        ask("PUT", "sys/policies/acl/readers", {"policy": READ_OTHERS}), read("sys/policies/acl/readers")
    ),
    "policy delete": Operation(ask("DELETE", "sys/policies/acl/readers"), read("sys/policies/acl/readers")),
    "token create": Operation(
        ask("POST", "auth/token/create", {"policies": ["readers"], "ttl": "1h"}), count_of_tokens
    ),
    "token revoke": Operation(
        lambda store: as_root(store, "POST", "auth/token/revoke", {"token": store.known["parent"]}),
        both(lives("parent"), lives("child")),
    ),
    "token renew": Operation(
        lambda store: as_root(
            store, "POST", "auth/token/renew", {"token": store.known["child"], "increment": "700h"}
        ),
        lambda store: (
            as_root(store, "POST", "auth/token/lookup", {"token": store.known["child"]}).data["ttl"] > 7200
        ),
    ),
    "mount": Operation(
        ask("POST", "sys/mounts/more", {"type": "kv", "options": {"version": "2"}}), paths_of("sys/mounts")
    ),
    "unmount": Operation(ask("DELETE", "sys/mounts/old"), paths_of("sys/mounts")),
    "remount": Operation(
        ask("POST", "sys/remount", {"from": "old", "to": "moved"}),
        both(paths_of("sys/mounts"), read("moved/kept"), read("old/kept")),
    ),
    "auth mount": Operation(ask("POST", "sys/auth/robots", {"type": "approle"}), paths_of("sys/auth")),
    "login": Operation(log_in, count_of_tokens),
    "auth unmount": Operation(
        ask("DELETE", "sys/auth/people"), both(paths_of("sys/auth"), lives("logged in"))
    ),
    "namespace": Operation(
        ask("POST", "sys/namespaces/team", {}),
        lambda store: [
            store.vault("GET", path, token=store.root).status
            for path in ("sys/namespaces/team", "team/sys/policies/acl/default", "team/sys/mounts")
        ],
    ),
    "entity": Operation(
        lambda store: store.vault("POST", "identity/entity", {"name": "ann"}, token=store.root),
        lambda store: store.vault("GET", "identity/entity/name/ann", token=store.root).status,
    ),
    "rotate": Operation(
        ask("PUT", "sys/rotate"), lambda store: as_root(store, "GET", "sys/key-status").json["term"]
    ),
    "transit key": Operation(
        ask("POST", "transit/keys/new"),
        lambda store: store.vault("GET", "transit/keys/new", token=store.root).status,
    ),
}


class KnownStore(StoreUnderTest):
    """A store whose tokens a test knows by names."""

    known: dict[str, str]


@dataclass(frozen=True)
class Template:
    """The files of a store with something of everything in it, and what opens it."""

    files: Path
    root: str
    shares: list[str]
    known: dict[str, str]

    def take(self, store: StoreUnderTest) -> None:
        """Tell a store what is known of it, and open it."""
        store.root, store.shares, store.threshold = self.root, self.shares, 3
        store.known = self.known
        store.unseal()

    @contextmanager
    def opened(self, files: Path) -> Iterator[StoreUnderTest]:
        storage = StrikingStorage(files)
        try:
            store = StoreUnderTest(storage=storage)
            self.take(store)
            yield store
        finally:
            storage.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    files = tmp_path_factory.mktemp("template") / "data"
    storage = StrikingStorage(files)
    store = StoreUnderTest(storage=storage).initialize()
    as_root(store, "POST", "sys/mounts/old", {"type": "kv"})
    as_root(store, "POST", "sys/mounts/transit", {"type": "transit"})
    as_root(store, "PUT", "old/kept", {"k": "v"})
    as_root(store, "POST", "secret/data/kept", {"data": {"k": "first"}})
    as_root(store, "POST", "secret/metadata/short", {"max_versions": 2})
    for value in ("first", "second"):
        as_root(store, "POST", "secret/data/short", {"data": {"k": value}})
    as_root(store, "PUT", "sys/policies/acl/readers", {"policy": READ_SECRETS})
    as_root(store, "POST", "sys/auth/people", {"type": "userpass"})
    as_root(store, "POST", "auth/people/users/ann", {"password": PASSWORD})
    store.policy("makers", 'path "auth/token/create" { capabilities = ["update"] }')
    known = {"parent": store.token(policies=["readers", "makers"], ttl="2h")}
    known["child"] = store.token(by=known["parent"], policies=["readers"], ttl="1h")
    known["logged in"] = log_in(store).auth["client_token"]
    storage.close()
    return Template(files, store.root, store.shares, known)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_happened_or_did_not(template, tmp_path, name):
    operation = OPERATIONS[name]
    with template.opened(copy_of(template.files, tmp_path / "before")) as store:
        before = operation.seen(store)
    with template.opened(copy_of(template.files, tmp_path / "after")) as store:
        operation.work(store)
        after = operation.seen(store)
    assert before != after
    died = states_seen = 0
    for moment in range(1, MOST_MOMENTS):
        files = copy_of(template.files, tmp_path / f"struck-{moment}")
        if not killed_at(moment, files, template.take, operation.work):
            break
        died += 1
        with template.opened(files) as store:
            found = operation.seen(store)
            assert found in (before, after), f"struck at moment {moment}"
            states_seen |= 1 if found == before else 2
            assert unreadable_records(store.storage, keyring_of(store)) == []
            if found == before:
                operation.work(store)
                assert operation.seen(store) == after, f"asked again after moment {moment}"
    else:
        raise AssertionError("it never came to an end")
    assert died >= 3
    assert states_seen == 3, "the sweep saw only one of the two states"


def begin_rekey(store):
    """Rekey up to where the new shares are known, and wait to be shown before they count."""
    wanted = {"secret_shares": 3, "secret_threshold": 2, "require_verification": True}
    nonce = as_root(store, "PUT", "sys/rekey/init", wanted).json["nonce"]
    for share in store.shares[:3]:
        told = as_root(store, "PUT", "sys/rekey/update", {"key": share, "nonce": nonce}).json
    return told


def opens_with(files, shares):
    """Return whether shares open a store that was just started, and what it holds is there."""
    storage = StrikingStorage(files)
    try:
        store = StoreUnderTest(storage=storage)
        for share in shares:
            answer = store.vault("PUT", "sys/unseal", {"key": share})
        if answer.status != 200 or answer.json["sealed"]:
            return False
        assert unreadable_records(storage, keyring_of(store)) == []
        return True
    finally:
        storage.close()


def test_a_rekey_leaves_a_store_that_old_or_new_shares_open(template, tmp_path):
    def deal(store):
        told = begin_rekey(store)
        # As the holders do it: the new shares are in their hands before any of them counts.
        (tmp_path / "in-hands").write_text(json.dumps(told["keys"]))
        for share in told["keys"][:2]:
            shown = {"key": share, "nonce": told["verification_nonce"]}
            as_root(store, "PUT", "sys/rekey/verify", shown)

    opened_by = set()
    for moment in range(1, MOST_MOMENTS):
        (tmp_path / "in-hands").unlink(missing_ok=True)
        files = copy_of(template.files, tmp_path / f"struck-{moment}")
        if not killed_at(moment, files, template.take, deal):
            break
        new = json.loads((tmp_path / "in-hands").read_text()) if (tmp_path / "in-hands").exists() else []
        works = {
            "old": opens_with(files, template.shares[:3]),
            "new": bool(new) and opens_with(files, new[:2]),
        }
        assert list(works.values()).count(True) == 1, f"moment {moment}: {works}"
        opened_by.update(name for name, opens in works.items() if opens)
    else:
        raise AssertionError("it never came to an end")
    assert opened_by == {"old", "new"}


def test_an_initialisation_leaves_nothing_or_a_whole_store(tmp_path):
    """The store opens itself, so that one whose first answer was cut off can be looked into."""
    pair = generate_key_pair()
    key = tmp_path / "seal.asc"
    key.write_bytes(pair.reveal())
    key.chmod(0o600)
    settings = SealSettings(type="gpg", place=Place.FILE, path=str(key))

    def start(store):
        store.seal_settings = settings
        store.start()
        store.local.keeper.start()

    whole = nothing = 0
    for moment in range(1, MOST_MOMENTS):
        files = tmp_path / f"struck-{moment}"
        if not killed_at(moment, files, lambda store: None, start):
            break
        storage = StrikingStorage(files)
        try:
            store = StoreUnderTest(storage=storage)
            if store.vault("GET", "sys/init").json["initialized"]:
                whole += 1
            else:
                nothing += 1
                with storage.snapshot() as reader:
                    assert reader.list("") == []
            start(store)
            kept = store.dcos("GET", "init/default").json["encrypted_root_token"]
            store.root = decrypt_message(bytes.fromhex(kept), pair).reveal().decode()
            assert {"cubbyhole/", "secret/", "sys/"} <= set(as_root(store, "GET", "sys/mounts").data)
            assert as_root(store, "GET", "sys/policies/acl?list=true").data["keys"]
            as_root(store, "POST", "secret/data/first", {"data": {"k": "v"}})
            assert unreadable_records(storage, keyring_of(store)) == []
        finally:
            storage.close()
    else:
        raise AssertionError("it never came to an end")
    assert nothing > 10
    assert whole
