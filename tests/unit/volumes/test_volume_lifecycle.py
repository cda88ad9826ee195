"""Rotation survives a crash between any two steps; erasing leaves no way in."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.volumes import luks_header
from holdfast.volumes.errors import ErasedVolumeError, WrongKeyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import crypto_erase, rotate_key
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader

NEW_REFERENCE = KeyReference("vault", "secret/hf/vol1", 4)
ROTATION_CALLS = 4  # of cryptsetup, in a rotation that nothing disturbs; see the test of that name


class SimulatedCrashError(BaseException):
    """Not an Exception: nothing in the code under test may handle it."""


class CrashingCryptsetup:
    """The real program, with a crash of ours before or after one of its calls."""

    def __init__(self, real, crash_at, *, after):
        self.real, self.crash_at, self.after, self.calls = real, crash_at, after, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls == self.crash_at and not self.after:
            raise SimulatedCrashError
        try:
            return self.real(*arguments, **options)
        finally:
            if self.calls == self.crash_at and self.after:
                raise SimulatedCrashError


def assert_rotated(vol, old, new, volume_key, dump_volume_key):
    header = LuksHeader(vol)
    with pytest.raises(WrongKeyError):
        header.verify(old)
    slot = header.verify(new)
    assert header.keyslots() == (slot,)
    assert (header.noted_key().reference, header.noted_key().slots) == (NEW_REFERENCE, (slot,))
    assert dump_volume_key(vol, new) == volume_key


def test_rotation(vol, key, new_key, volume_key, dump_volume_key):
    fresh = new_key()
    report = rotate_key(vol, key, fresh, NEW_REFERENCE)
    assert (report.slot, report.removed) == (1, (0,))
    assert_rotated(vol, key, fresh, volume_key, dump_volume_key)


def test_rotation_calls(vol, key, new_key, monkeypatch):
    counting = CrashingCryptsetup(luks_header.cryptsetup, 0, after=False)
    monkeypatch.setattr(luks_header, "cryptsetup", counting)
    rotate_key(vol, key, new_key(), NEW_REFERENCE)
    assert counting.calls == ROTATION_CALLS


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, ROTATION_CALLS + 1))
def test_rotation_is_finished_after_a_crash(
    vol, key, new_key, volume_key, dump_volume_key, monkeypatch, step, after
):
    fresh = new_key()
    with monkeypatch.context() as patch:
        patch.setattr(
            luks_header, "cryptsetup", CrashingCryptsetup(luks_header.cryptsetup, step, after=after)
        )
        try:
            rotate_key(vol, key, fresh, NEW_REFERENCE)
        except SimulatedCrashError:
            # Whatever the note in the header says at this moment, the key it names opens the volume.
            noted = LuksHeader(vol).noted_key()
            named = fresh if noted.reference == NEW_REFERENCE else key
            assert LuksHeader(vol).verify(named) in noted.slots
    rotate_key(vol, key, fresh, NEW_REFERENCE)
    assert_rotated(vol, key, fresh, volume_key, dump_volume_key)


def test_rotation_again_is_harmless(vol, key, new_key, volume_key, dump_volume_key):
    fresh = new_key()
    rotate_key(vol, key, fresh, NEW_REFERENCE)
    assert rotate_key(vol, key, fresh, NEW_REFERENCE).removed == ()
    assert_rotated(vol, key, fresh, volume_key, dump_volume_key)


def test_rotation_leaves_other_keys_alone(vol, key, new_key):
    recovery, fresh = new_key(), new_key()
    LuksHeader(vol).add_key(key, recovery)
    rotate_key(vol, key, fresh, NEW_REFERENCE)
    assert LuksHeader(vol).verify(recovery) == 1
    assert LuksHeader(vol).verify(fresh) == 2


def test_rotation_with_keys_that_do_not_open_changes_nothing(vol, key, new_key):
    before = vol.path.read_bytes()
    with pytest.raises(WrongKeyError):
        rotate_key(vol, new_key(), new_key(), NEW_REFERENCE)
    assert vol.path.read_bytes() == before


def test_rotation_to_the_same_key_is_refused(vol, key):
    with pytest.raises(InvalidInputError):
        rotate_key(vol, key, SecretBytes(key.reveal()), NEW_REFERENCE)


def test_crypto_erase_ends_every_key_ever_held(vol, key, new_key):
    second, third = new_key(), new_key()
    rotate_key(vol, key, second, NEW_REFERENCE)
    LuksHeader(vol).add_key(second, third)
    report = crypto_erase(vol)
    assert report.destroyed == (0, 1)
    assert report.caveats
    for held in (key, second, third):
        with pytest.raises(ErasedVolumeError):
            LuksHeader(vol).verify(held)


def test_crypto_erase_destroys_the_material_not_only_the_metadata(vol, key):
    with vol.path.open("rb") as file:
        file.seek(32768)
        material = file.read(4000 * 64)
    crypto_erase(vol)
    assert material[1000:1064] not in vol.path.read_bytes()[:HEADER_BYTES]


def test_crypto_erase_again_reports_that_nothing_was_left(vol):
    crypto_erase(vol)
    assert crypto_erase(vol).destroyed == ()


def test_crypto_erase_of_a_damaged_header_overwrites_it(vol):
    with vol.path.open("r+b") as file:
        file.write(bytes(32768))
    report = crypto_erase(vol)
    assert report.header_overwritten
    assert not vol.path.read_bytes()[:HEADER_BYTES].strip(b"\0")


def test_restored_header_backup_is_why_the_caveat_is_there(vol, key):
    backup = vol.path.read_bytes()[:HEADER_BYTES]
    report = crypto_erase(vol)
    with vol.path.open("r+b") as file:
        file.write(backup)
    assert LuksHeader(vol).verify(key) == 0
    assert any("backup" in caveat for caveat in report.caveats)
