"""A recovery key opens the volume whatever becomes of its key, and gives it a new one when that is lost."""

import pytest
from tests.unit.volumes.test_volume_lifecycle import CrashingCryptsetup, SimulatedCrashError

from holdfast.errors import ConflictError
from holdfast.volumes import luks_header
from holdfast.volumes.errors import WrongKeyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import crypto_erase, rotate_key
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.recovery import add_recovery_key, recover, remove_recovery_key

NEW_REFERENCE = KeyReference("vault", "secret/hf/vol1", 4)
RECOVERY_CALLS = 7  # of cryptsetup, in a recovery that nothing disturbs; see the test of that name


@pytest.fixture
def recovery_key(new_key):
    return new_key()


@pytest.fixture
def recoverable(vol, key, recovery_key):
    add_recovery_key(vol, key, recovery_key)
    return vol


def test_both_keys_open_the_volume(recoverable, key, recovery_key):
    header = LuksHeader(recoverable)
    assert (header.verify(key), header.verify(recovery_key)) == (0, 1)
    assert header.recovery_slots() == (1,)
    assert header.noted_key().slots == (0,)


def test_there_is_one_at_a_time(recoverable, key, new_key):
    with pytest.raises(ConflictError, match="already"):
        add_recovery_key(recoverable, key, new_key())
    assert LuksHeader(recoverable).keyslots() == (0, 1)


def test_a_rotation_leaves_it(recoverable, key, new_key, recovery_key):
    rotate_key(recoverable, key, new_key(), NEW_REFERENCE)
    header = LuksHeader(recoverable)
    assert header.verify(recovery_key) == 1
    assert header.recovery_slots() == (1,)
    with pytest.raises(WrongKeyError):
        header.verify(key)


def test_it_is_taken_away_and_doing_so_again_is_harmless(recoverable, key, recovery_key):
    assert remove_recovery_key(recoverable, key) == (1,)
    assert remove_recovery_key(recoverable, key) == ()
    header = LuksHeader(recoverable)
    assert (header.keyslots(), header.recovery_slots()) == ((0,), ())
    with pytest.raises(WrongKeyError):
        header.verify(recovery_key)


def test_only_who_has_the_other_key_takes_it_away(recoverable, new_key):
    with pytest.raises(WrongKeyError):
        remove_recovery_key(recoverable, new_key())
    assert LuksHeader(recoverable).recovery_slots() == (1,)


def assert_recovered(vol, lost, new, recovery_key, volume_key, dump_volume_key):
    header = LuksHeader(vol)
    slot = header.verify(new)
    assert header.noted_key().reference == NEW_REFERENCE
    assert header.noted_key().slots == (slot,)
    assert header.recovery_slots() == (header.verify(recovery_key),)
    assert len(header.keyslots()) == 2
    with pytest.raises(WrongKeyError):
        header.verify(lost)
    assert dump_volume_key(vol, new) == volume_key


def test_a_lost_key_is_replaced(recoverable, key, new_key, recovery_key, volume_key, dump_volume_key):
    new = new_key()
    assert recover(recoverable, recovery_key, new, NEW_REFERENCE) == (0,)
    assert_recovered(recoverable, key, new, recovery_key, volume_key, dump_volume_key)


def test_recovery_calls(recoverable, new_key, recovery_key, monkeypatch):
    counting = CrashingCryptsetup(luks_header.cryptsetup, 0, after=False)
    monkeypatch.setattr(luks_header, "cryptsetup", counting)
    recover(recoverable, recovery_key, new_key(), NEW_REFERENCE)
    assert counting.calls == RECOVERY_CALLS


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, RECOVERY_CALLS + 1))
def test_a_recovery_is_finished_after_a_crash(
    recoverable, key, new_key, recovery_key, volume_key, dump_volume_key, monkeypatch, step, after
):
    new = new_key()
    with monkeypatch.context() as patch:
        patch.setattr(
            luks_header, "cryptsetup", CrashingCryptsetup(luks_header.cryptsetup, step, after=after)
        )
        with pytest.raises(SimulatedCrashError):
            recover(recoverable, recovery_key, new, NEW_REFERENCE)
    LuksHeader(recoverable).verify(recovery_key)
    recover(recoverable, recovery_key, new, NEW_REFERENCE)
    assert_recovered(recoverable, key, new, recovery_key, volume_key, dump_volume_key)


@pytest.mark.parametrize("kind", ["another-key", "the-volume-key", "none-was-made"])
def test_it_is_refused_and_nothing_changes(vol, key, new_key, kind):
    if kind != "none-was-made":
        add_recovery_key(vol, key, new_key())
    before = vol.path.read_bytes()
    with pytest.raises(ConflictError):
        recover(vol, key if kind == "the-volume-key" else new_key(), new_key(), NEW_REFERENCE)
    assert vol.path.read_bytes() == before


def test_erasing_spares_no_recovery_key(recoverable, recovery_key):
    assert crypto_erase(recoverable).destroyed == (0, 1)
    with pytest.raises(ConflictError):
        LuksHeader(recoverable).verify(recovery_key)
