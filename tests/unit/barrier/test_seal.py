"""The chain of keys: made once, opened by the threshold, extended by rotation, nowhere in storage."""

import itertools
import json

import msgspec
import pytest

from holdfast.barrier import (
    AllowanceError,
    AlreadyInitializedError,
    BarrierTransaction,
    RecordError,
    RecordKind,
    Sealed,
    Uninitialized,
    UnsealFailedError,
    current_state,
    initialize,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.keyring import RESERVED_BLOCK
from holdfast.barrier.seal import KEYRING_PATH, ROOT_KEY_PATH
from holdfast.barrier.seal_config import SEAL_CONFIG_PATH
from holdfast.crypto.shamir import combine
from holdfast.errors import InvalidInputError, SealedError
from holdfast.model import SecretBytes
from holdfast.storage.errors import StorageError, StorageFullError
from holdfast.storage.memory import MemoryStorage

PATH = "logical/m/a"


def unseal_key(shares) -> SecretBytes:
    return SecretBytes(combine([share.reveal() for share in shares]))


def reserved_in_storage(open_store) -> int:
    return open_store().keyring.reserved


def test_new_storage_is_uninitialized(storage, clock):
    assert current_state(storage, clock) == Uninitialized()


def test_initialisation_leaves_the_store_sealed(disk, sealed):
    assert (sealed.config.shares, sealed.config.threshold) == (5, 3)
    assert sealed.attempt.progress == 0
    assert list(disk) == [KEYRING_PATH, ROOT_KEY_PATH, SEAL_CONFIG_PATH]


def test_seal_configuration_is_readable_without_a_key(disk, initial):
    assert json.loads(disk[SEAL_CONFIG_PATH]) == {
        "type": "shamir",
        "shares": 5,
        "threshold": 3,
        "encrypted_shares": [],
        "fingerprints": [],
        "wrapped_key": "",
    }


@pytest.mark.parametrize("count", [3, 4, 5])
def test_any_three_of_five_shares_unseal(storage, initial, sealed, count):
    record = initial.keyring.seal(RecordKind.KV, PATH, b"text")
    for shares in itertools.combinations(initial.shares, count):
        keyring = unseal(storage, sealed, unseal_key(shares)).keyring
        assert keyring.open(RecordKind.KV, PATH, record) == b"text"


@pytest.mark.parametrize(
    ("shares", "threshold", "length"),
    [
        pytest.param(1, 1, 32, id="lone-share"),
        pytest.param(2, 2, 33, id="both-of-two"),
        pytest.param(255, 255, 33, id="all-of-the-most"),
    ],
)
def test_stores_of_every_size_unseal(storage, clock, shares, threshold, length):
    keys = storage.write(lambda tx: initialize(tx, shares=shares, threshold=threshold, now=0.0))
    assert [len(share) for share in keys.shares] == [length] * shares
    sealed = current_state(storage, clock)
    assert unseal(storage, sealed, unseal_key(keys.shares)).keyring.active_term == 1


@pytest.mark.parametrize(
    ("shares", "threshold"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(256, 3, id="too-many"),
        pytest.param(3, 4, id="threshold-above-shares"),
        pytest.param(3, 1, id="threshold-of-one"),
        pytest.param(3, 0, id="no-threshold"),
        pytest.param(-1, -1, id="negative"),
    ],
)
def test_impossible_numbers_are_refused_and_leave_nothing(storage, disk, shares, threshold):
    with pytest.raises(InvalidInputError):
        storage.write(lambda tx: initialize(tx, shares=shares, threshold=threshold, now=0.0))
    assert disk == {}


@pytest.mark.parametrize("room", [0, 1, 2], ids=lambda room: f"room-for-{room}-records")
def test_full_disk_during_initialisation_says_so_and_leaves_nothing(storage, disk, room):
    class FullDisk:
        """A transaction whose engine runs out of room."""

        def __init__(self, tx):
            self.get, self._put = tx.get, tx.put
            self._left = room

        def put(self, key, value):
            if not self._left:
                raise StorageFullError("storage: no room left")
            self._left -= 1
            self._put(key, value)

    with pytest.raises(StorageFullError):
        storage.write(lambda tx: initialize(FullDisk(tx), shares=5, threshold=3, now=0.0))
    assert disk == {}


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
def test_crash_around_the_commit_of_initialisation_leaves_nothing_or_a_complete_store(storage, clock, stored):
    storage.crash_at_commit(1, stored=stored)
    with pytest.raises(StorageError):
        storage.write(lambda tx: initialize(tx, shares=5, threshold=3, now=0.0))
    found = storage.survivor()
    present = [found.get(path) is not None for path in (SEAL_CONFIG_PATH, ROOT_KEY_PATH, KEYRING_PATH)]
    assert present == [stored] * 3
    assert isinstance(current_state(found, clock), Sealed if stored else Uninitialized)


@pytest.mark.parametrize("left", [SEAL_CONFIG_PATH, ROOT_KEY_PATH, KEYRING_PATH])
def test_second_initialisation_is_refused_while_any_part_of_the_first_is_there(storage, disk, initial, left):
    for path in set(disk) - {left}:
        del disk[path]
    before = dict(disk)
    with pytest.raises(AlreadyInitializedError, match="Vault is already initialized"):
        storage.write(lambda tx: initialize(tx, shares=1, threshold=1, now=0.0))
    assert disk == before


def test_first_records_can_be_written_with_the_keys(storage, clock):
    def create(tx):
        keys = initialize(tx, shares=1, threshold=1, now=0.0)
        BarrierTransaction(tx, keys.keyring, "core/", RecordKind.MOUNT_TABLE).put("mounts", b"table")
        return keys

    keys = storage.write(create)
    unsealed = unseal(storage, current_state(storage, clock), unseal_key(keys.shares))
    view = BarrierTransaction(storage, unsealed.keyring, "core/", RecordKind.MOUNT_TABLE)
    assert view.get("mounts") == b"table"


def test_confidential_no_key_is_in_storage(storage, disk, initial, sealed):
    key = unseal_key(initial.shares[:3])
    secrets = [key.reveal(), *(share.reveal() for share in initial.shares)]
    unsealed = unseal(storage, sealed, key)
    secrets.append(unsealed.root_key.reveal())
    secrets += [stored[1] for stored in msgspec.msgpack.decode(unsealed.keyring.to_bytes())]
    assert [len(secret) for secret in secrets] == [32, 33, 33, 33, 33, 33, 32, 32]
    assert not any(secret[:32] in record for secret in secrets for record in disk.values())


def one_bit_off(shares) -> SecretBytes:
    key = unseal_key(shares)
    key.view()[31] ^= 0x01
    return key


@pytest.mark.parametrize(
    "wrong_key",
    [
        pytest.param(lambda shares: unseal_key(shares[:2]), id="too-few-shares"),
        pytest.param(lambda _: SecretBytes(bytes(32)), id="another-key"),
        pytest.param(one_bit_off, id="one-bit-off"),
    ],
)
def test_wrong_key_does_not_unseal_and_is_wiped(storage, initial, sealed, wrong_key):
    key = wrong_key(initial.shares)
    with pytest.raises(UnsealFailedError, match="invalid key"):
        unseal(storage, sealed, key)
    assert len(key) == 0


def test_right_key_is_wiped_after_use(storage, initial, sealed):
    key = unseal_key(initial.shares)
    unseal(storage, sealed, key)
    assert len(key) == 0


@pytest.mark.parametrize("path", [ROOT_KEY_PATH, KEYRING_PATH])
def test_every_changed_byte_of_a_key_record_stops_the_unsealing(storage, disk, initial, sealed, path):
    intact = disk[path]
    for position in range(len(intact)):
        changed = bytearray(intact)
        changed[position] ^= 0x01
        disk[path] = bytes(changed)
        with pytest.raises((UnsealFailedError, RecordError)):
            unseal(storage, sealed, unseal_key(initial.shares))


def test_key_records_cannot_take_each_others_place(storage, disk, initial, sealed):
    disk[ROOT_KEY_PATH], disk[KEYRING_PATH] = disk[KEYRING_PATH], disk[ROOT_KEY_PATH]
    with pytest.raises(RecordError):
        unseal(storage, sealed, unseal_key(initial.shares))


def test_keyring_of_another_store_does_not_open(storage, disk, initial, sealed):
    other = MemoryStorage()
    other.write(lambda tx: initialize(tx, shares=1, threshold=1, now=0.0))
    disk[KEYRING_PATH] = other.get(KEYRING_PATH)
    with pytest.raises(RecordError):
        unseal(storage, sealed, unseal_key(initial.shares))


@pytest.mark.parametrize("path", [ROOT_KEY_PATH, KEYRING_PATH])
def test_missing_key_record_stops_the_unsealing(storage, disk, initial, sealed, path):
    del disk[path]
    with pytest.raises(RecordError):
        unseal(storage, sealed, unseal_key(initial.shares))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not-json"),
        pytest.param(b'{"type":"shamir","shares":5}', id="threshold-missing"),
        pytest.param(b'{"type":"shamir","shares":5,"threshold":1}', id="threshold-lowered-to-one"),
        pytest.param(b'{"type":"shamir","shares":0,"threshold":0}', id="no-shares"),
        pytest.param(b'{"type":"none","shares":5,"threshold":3}', id="unknown-type"),
    ],
)
def test_damaged_seal_configuration_is_noticed(storage, disk, clock, config):
    disk[SEAL_CONFIG_PATH] = config
    with pytest.raises(RecordError):
        current_state(storage, clock)


def test_sealing_drops_every_key(unsealed, clock):
    record = unsealed.keyring.seal(RecordKind.KV, PATH, b"text")
    sealed = unsealed.seal(clock)
    assert isinstance(sealed, Sealed)
    assert (sealed.config, sealed.attempt.progress) == (unsealed.config, 0)
    assert len(unsealed.root_key) == 0
    with pytest.raises(SealedError):
        unsealed.keyring.open(RecordKind.KV, PATH, record)


def test_sealed_and_unsealed_states_show_no_key(unsealed):
    root_key = unsealed.root_key.reveal()
    assert root_key.hex() not in repr(unsealed)
    assert repr(root_key)[2:-1] not in repr(unsealed)


def test_unsealing_writes_nothing_so_that_a_full_disk_can_be_read(disk, open_store):
    before = dict(disk)
    keyring = open_store().keyring
    assert disk == before
    with pytest.raises(AllowanceError):
        keyring.seal(RecordKind.KV, PATH, b"text")


def test_rotation_adds_a_term_and_rewrites_no_record(storage, unsealed, open_store):
    old = unsealed.keyring.seal(RecordKind.KV, PATH, b"old")
    rotated = storage.write(lambda tx: rotate_keyring(tx, unsealed, now=5.0))
    unsealed = unsealed.with_keyring(rotated)
    new = unsealed.keyring.seal(RecordKind.KV, PATH, b"new")
    later = open_store().keyring
    assert (later.active_term, later.installed_at) == (2, 5.0)
    assert [later.open(RecordKind.KV, PATH, record) for record in (old, new)] == [b"old", b"new"]


def test_rotation_wipes_the_keyring_it_replaces(storage, unsealed):
    replaced = unsealed.keyring
    unsealed.with_keyring(storage.write(lambda tx: rotate_keyring(tx, unsealed, now=0.0)))
    with pytest.raises(SealedError):
        replaced.seal(RecordKind.KV, PATH, b"text")


def test_lost_race_of_two_rotations_leaves_one_keyring(storage, open_store):
    first, second = open_store(), open_store()
    winner = storage.write(lambda tx: rotate_keyring(tx, first, now=0.0))
    loser = storage.write(lambda tx: rotate_keyring(tx, second, now=0.0))
    record = winner.seal(RecordKind.KV, PATH, b"text")
    assert (winner.active_term, loser.active_term, open_store().keyring.active_term) == (2, 2, 2)
    assert loser.open(RecordKind.KV, PATH, record) == b"text"
    with pytest.raises(AllowanceError):
        loser.seal(RecordKind.KV, PATH, b"the block was the winner's")


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
def test_crash_around_the_commit_of_a_rotation_leaves_a_keyring_that_opens_all(
    storage, sealed, initial, stored
):
    unsealed = unseal(storage, sealed, unseal_key(initial.shares))
    record = initial.keyring.seal(RecordKind.KV, PATH, b"text")
    storage.crash_at_commit(1, stored=stored)
    with pytest.raises(StorageError):
        storage.write(lambda tx: rotate_keyring(tx, unsealed, now=0.0))
    keyring = unseal(storage.survivor(), sealed, unseal_key(initial.shares)).keyring
    assert keyring.active_term == (2 if stored else 1)
    assert keyring.open(RecordKind.KV, PATH, record) == b"text"


def test_reservation_is_stored_before_it_is_allowed(storage, open_store):
    unsealed = open_store()
    before = unsealed.keyring.reserved
    reserve_encryptions(storage, unsealed)
    assert reserved_in_storage(open_store) == unsealed.keyring.reserved == before + RESERVED_BLOCK
    assert not unsealed.keyring.needs_reservation


def test_reservation_that_may_not_be_stored_allows_nothing(storage, open_store):
    unsealed = open_store()
    storage.crash_at_commit(1, stored=False)
    with pytest.raises(StorageError):
        reserve_encryptions(storage, unsealed)
    with pytest.raises(AllowanceError):
        unsealed.keyring.seal(RecordKind.KV, PATH, b"text")


def test_crash_counts_too_many_encryptions_and_never_too_few(storage, open_store):
    done = 0
    for _ in range(3):  # each round unseals, writes a little, and dies
        unsealed = open_store()
        reserve_encryptions(storage, unsealed)
        for _ in range(10):
            unsealed.keyring.seal(RecordKind.KV, PATH, b"text")
            done += 1
        assert reserved_in_storage(open_store) >= done
    assert reserved_in_storage(open_store) == 4 * RESERVED_BLOCK  # initialisation had one


def test_two_processes_reserve_blocks_of_their_own(storage, open_store):
    first, second = open_store(), open_store()
    reserve_encryptions(storage, first)
    reserve_encryptions(storage, second)
    assert reserved_in_storage(open_store) == 3 * RESERVED_BLOCK


def test_nothing_is_reserved_for_a_key_that_was_replaced(storage, open_store):
    stale, current = open_store(), open_store()
    storage.write(lambda tx: rotate_keyring(tx, current, now=0.0))
    with pytest.raises(AllowanceError, match="rotated"):
        reserve_encryptions(storage, stale)
