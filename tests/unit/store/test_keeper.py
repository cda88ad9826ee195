"""The keeper: initialise once, unseal by shares, seal, rotate; what each leaves when something breaks."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

from holdfast.audit import AuditSinkError
from holdfast.errors import HoldfastError, SealedError
from holdfast.storage.errors import StorageFullError
from holdfast.storage.memory import MemoryStorage
from holdfast.store.command import decode_outcome, encode_command
from holdfast.store.keeper_commands import ReadSealStatus, SealStore
from holdfast.store.tokens.commands import RevokeToken

A_SHARE_OF_ANOTHER_STORE = "0c" * 33


def submit(store, share):
    return store.vault("PUT", "sys/unseal", {"key": share})


def status(store):
    return store.vault("GET", "sys/seal-status").json


class FullDisk(MemoryStorage):
    """Storage whose disk can be filled."""

    is_full = False

    def write(self, change):
        return super().write(lambda tx: self._checked(change(tx)))

    def write_all(self, changes):
        if self.is_full:
            raise StorageFullError("storage: no room left")
        return super().write_all(changes)

    def _checked(self, result):
        if self.is_full:
            raise StorageFullError("storage: no room left")
        return result


class TestInitialising:
    def test_shows_shares_and_token_once_and_leaves_the_store_sealed(self):
        store = StoreUnderTest()
        answer = store.vault("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3}).json
        assert len(set(answer["keys"])) == len(set(answer["keys_base64"])) == 5
        assert answer["root_token"].startswith("hvs.")
        assert status(store)["sealed"] is True
        assert store.vault("GET", "sys/mounts", token=answer["root_token"]).status == 503

    def test_happens_once(self, store):
        again = store.vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        assert (again.status, again.errors) == (400, ["Vault is already initialized"])
        store.restart()
        assert store.is_live(store.root)

    @pytest.mark.parametrize(
        ("shares", "threshold"),
        [
            pytest.param(0, 0, id="none"),
            pytest.param(5, 0, id="no threshold"),
            pytest.param(5, 6, id="threshold over shares"),
            pytest.param(5, 1, id="several shares of which one is enough"),
            pytest.param(256, 3, id="too many shares"),
            pytest.param(-5, 3, id="negative"),
            pytest.param("many", 3, id="in words"),
            pytest.param(None, None, id="missing"),
            pytest.param([5], {"a": 3}, id="other shapes"),
        ],
    )
    def test_is_refused_with_impossible_numbers(self, shares, threshold):
        store = StoreUnderTest()
        answer = store.vault("PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold})
        assert answer.status == 400
        assert store.vault("GET", "sys/init").json == {"initialized": False}
        assert store.storage.list("") == []

    @pytest.mark.parametrize("stored", [pytest.param(True, id="after"), pytest.param(False, id="before")])
    def test_crashing_leaves_nothing_or_a_complete_store(self, stored):
        store = StoreUnderTest()
        store.storage.crash_at_commit(1, stored=stored)
        answer = store.vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        assert answer.status == 503
        assert "keys" not in answer.json
        successor = StoreUnderTest(storage=store.storage.survivor())
        assert successor.vault("GET", "sys/init").json == {"initialized": stored}
        assert (successor.storage.list("") == []) is not stored
        if not stored:
            assert successor.initialize().is_live(successor.root)

    def test_two_stores_have_nothing_in_common(self):
        made = [
            StoreUnderTest().vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
            for _ in "ab"
        ]
        first, second = (answer.json for answer in made)
        assert first["keys"] != second["keys"]
        assert first["root_token"] != second["root_token"]


class TestUnsealing:
    @pytest.fixture
    def store(self, store):
        store.seal()
        return store

    def test_takes_any_threshold_of_shares(self, store):
        progress = [submit(store, share).json["progress"] for share in store.shares[-2:]]
        assert progress == [1, 2]
        assert submit(store, store.shares[0]).json["sealed"] is False
        assert store.is_live(store.root)

    def test_a_repeated_share_counts_once(self, store):
        assert [submit(store, store.shares[0]).json["progress"] for _ in range(5)] == [1] * 5
        assert status(store)["sealed"] is True

    def test_wrong_shares_open_nothing_and_reset_the_progress(self, store):
        submit(store, store.shares[0])
        submit(store, store.shares[1])
        answer = submit(store, A_SHARE_OF_ANOTHER_STORE)
        assert answer.status == 400
        assert "invalid key" in answer.errors[0]
        assert (status(store)["progress"], status(store)["sealed"]) == (0, True)
        assert store.vault("GET", "sys/mounts", token=store.root).status == 503
        store.unseal()

    def test_nothing_tells_a_wrong_share_from_a_right_one(self, store):
        right = submit(store, store.shares[0]).json
        store.vault("PUT", "sys/unseal", {"reset": True})
        wrong = submit(store, A_SHARE_OF_ANOTHER_STORE).json
        assert {**right, "nonce": ""} == {**wrong, "nonce": ""}

    def test_starts_over_when_told(self, store):
        nonce = submit(store, store.shares[0]).json["nonce"]
        reset = store.vault("PUT", "sys/unseal", {"reset": True}).json
        assert (reset["progress"], reset["nonce"]) == (0, "")
        assert submit(store, store.shares[0]).json["nonce"] != nonce

    def test_forgets_shares_that_wait_too_long(self, store):
        submit(store, store.shares[0])
        store.clock.advance(600)
        assert status(store)["progress"] == 0

    def test_of_an_open_store_changes_nothing(self, store):
        store.unseal()
        assert submit(store, A_SHARE_OF_ANOTHER_STORE).json["sealed"] is False
        assert store.is_live(store.root)
        reset = store.vault("PUT", "sys/unseal", {"reset": True})
        assert (reset.status, reset.errors) == (400, ["vault is unsealed"])

    def test_of_a_store_without_keys_says_so(self):
        answer = submit(StoreUnderTest(), A_SHARE_OF_ANOTHER_STORE)
        assert answer.status == 400
        assert "not initialised" in answer.errors[0]

    def test_with_a_damaged_keyring_opens_nothing(self, store):
        record = store.storage.get("core/keyring")
        store.storage.write(lambda tx: tx.put("core/keyring", record[:-1] + bytes([record[-1] ^ 1])))
        answers = [submit(store, share) for share in store.shares[:3]]
        assert answers[-1].status == 500
        assert status(store)["sealed"] is True

    def test_works_on_a_full_disk_which_can_still_be_read(self):
        store = StoreUnderTest(storage=FullDisk()).initialize()
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        store.storage.is_full = True
        store.restart()
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}
        assert store.vault("PUT", "secret/data/a", {"data": {"k": "w"}}, token=store.root).status == 503
        store.storage.is_full = False
        assert store.vault("PUT", "secret/data/a", {"data": {"k": "w"}}, token=store.root).status == 200

    def test_stays_sealed_where_no_audit_device_opens(self):
        store = StoreUnderTest(sinks={"main": CollectingSink()}).initialize()
        store.seal()
        store.audit_opens = False
        answers = [submit(store, share) for share in store.shares[:3]]
        assert answers[-1].status == 503
        assert (status(store)["sealed"], store.local.store.is_sealed) == (True, True)
        assert store.local.keeper.keyring_bytes() is None
        assert "cluster_id" not in json.loads(
            decode_outcome(store.local.keeper.apply([encode_command(ReadSealStatus())])[0]).data
        )


class TestSealing:
    def test_stops_every_data_path(self, store):
        token = store.token()
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        store.seal()
        for method, path in (("GET", "secret/data/a"), ("LIST", "secret/metadata"), ("GET", "sys/mounts")):
            answer = store.vault(method, path, token=token)
            assert (answer.status, answer.errors) == (503, ["Vault is sealed"])
        assert store.local.keeper.keyring_bytes() is None

    def test_refuses_commands_that_were_on_their_way(self, store):
        store.seal()
        frame = encode_command(RevokeToken(token_hash="0" * 64))
        outcomes = [decode_outcome(outcome) for outcome in store.local.keeper.apply([frame, frame])]
        assert [type(outcome) for outcome in outcomes] == [SealedError, SealedError]

    def test_and_unsealing_keeps_everything(self, store):
        token = store.token()
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        store.seal()
        store.unseal()
        assert store.is_live(token)
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}

    def test_twice_is_as_good_as_once(self, store):
        store.seal()
        store.seal()
        assert store.vault("GET", "sys/seal-status").json["sealed"] is True

    def test_comes_after_the_changes_before_it(self, store):
        """One batch: change, seal, change. The first is stored, the last refused."""
        token = store.token()
        hasher = store.local.store._open.hasher
        revoke = encode_command(RevokeToken(token_hash=hasher.token(token)))
        seal = encode_command(SealStore())
        done, sealed, refused = map(decode_outcome, store.local.keeper.apply([revoke, seal, revoke]))
        assert not isinstance(done, HoldfastError)
        assert not isinstance(sealed, HoldfastError)
        assert isinstance(refused, SealedError)
        store.unseal()
        assert not store.is_live(token)


class TestRotation:
    def rotate(self, store):
        assert store.vault("PUT", "sys/rotate", token=store.root).status == 204

    def term(self, store):
        return store.vault("GET", "sys/key-status", token=store.root).json["term"]

    def test_keeps_the_old_readable_and_writes_the_new(self, store):
        store.vault("PUT", "secret/data/old", {"data": {"k": "old"}}, token=store.root)
        token = store.token()
        for expected in (2, 3):
            self.rotate(store)
            assert self.term(store) == expected
        store.vault("PUT", "secret/data/new", {"data": {"k": "new"}}, token=store.root)
        for _ in ("before", "after a restart"):
            assert store.is_live(token)
            assert store.vault("GET", "secret/data/old", token=store.root).data["data"] == {"k": "old"}
            assert store.vault("GET", "secret/data/new", token=store.root).data["data"] == {"k": "new"}
            store.restart()

    def test_happens_by_itself_near_the_limit_of_a_key(self, store, monkeypatch):
        monkeypatch.setattr("holdfast.barrier.keyring.ROTATION_DUE_AT", 1)
        store.local.keeper.tick()
        assert self.term(store) == 2

    @pytest.mark.parametrize("stored", [pytest.param(True, id="after"), pytest.param(False, id="before")])
    def test_crashing_loses_nothing(self, store, stored):
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        store.storage.crash_at_commit(1, stored=stored)
        assert store.vault("PUT", "sys/rotate", token=store.root).status == 503
        store.restart(storage=store.storage.survivor())
        assert self.term(store) == 1 + stored
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}

    def test_that_a_reader_does_not_take_seals_the_store(self, store, monkeypatch):
        def refuse(_keyring):
            raise AuditSinkError("told to refuse")

        monkeypatch.setattr(store.local, "open", refuse)
        assert store.vault("PUT", "sys/rotate", token=store.root).status == 503
        assert status(store)["sealed"] is True
        monkeypatch.undo()
        store.unseal()
        assert self.term(store) == 2
