"""Re-encryption changes every block and loses none, however often it is interrupted."""

import subprocess

import pytest
from tests.support.store_talk import eventually
from tests.unit.volumes.conftest import REFERENCE
from tests.unit.volumes.test_volume_lifecycle import SimulatedCrashError

from holdfast.volumes import reencryption
from holdfast.volumes.errors import UnsupportedHeaderError, VolumeBusyError, WrongKeyError
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.luks_read import data_segment
from holdfast.volumes.plain_view import open_plain_view
from holdfast.volumes.recovery import add_recovery_key
from holdfast.volumes.reencryption import reencrypt, reencryption_state

MIB = 1 << 20
CANARIES = (0, 3 * MIB, 15 * MIB)
BLOCK = 4096


def content(offset):
    return (b"canary at %012d;" % offset).ljust(BLOCK, b".")


def write(vol, key):
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view())
    for offset in CANARIES:
        view.write(offset, memoryview(bytearray(content(offset))))
    view.sync()
    view.close()


def assert_whole(vol, key):
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view())
    for offset in CANARIES:
        assert view.read(offset, BLOCK) == content(offset)
    view.close()


def test_the_content_stays_and_nothing_else(vol, key, volume_key, dump_volume_key):
    write(vol, key)
    before = vol.path.read_bytes()[HEADER_BYTES:]
    noted = LuksHeader(vol).noted_key().reference
    assert reencrypt(vol, key) == ()
    assert_whole(vol, key)
    assert dump_volume_key(vol, key) != volume_key
    after = vol.path.read_bytes()[HEADER_BYTES:]
    same = [at for at in range(0, vol.size, BLOCK) if before[at : at + BLOCK] == after[at : at + BLOCK]]
    assert same == []
    header = LuksHeader(vol)
    assert header.noted_key().reference == noted
    assert header.noted_key().slots == header.keyslots() == (header.verify(key),)
    state = reencryption_state(vol)
    assert (state.under_way, state.done_bytes) == (False, vol.size)


def test_a_recovery_key_goes_with_the_old_volume_key_and_that_is_told(vol, key, new_key):
    recovery = new_key()
    slot = add_recovery_key(vol, key, recovery)
    assert reencrypt(vol, key) == (slot,)
    assert LuksHeader(vol).recovery_slots() == ()
    with pytest.raises(WrongKeyError):
        LuksHeader(vol).verify(recovery)


def test_a_wrong_key_changes_nothing(vol, new_key):
    before = vol.path.read_bytes()
    with pytest.raises(WrongKeyError):
        reencrypt(vol, new_key())
    assert vol.path.read_bytes() == before


def test_nobody_else_touches_the_volume_meanwhile(vol, key, monkeypatch):
    monkeypatch.setattr(
        "holdfast.volumes.reencryption.volume_lock", lambda vol: volume_lock(vol, timeout_seconds=0.1)
    )
    with volume_lock(vol), pytest.raises(VolumeBusyError):
        reencrypt(vol, key)


class KilledCryptsetup:
    """The real program, killed as soon as the header says that the work was begun, or when it is done."""

    def __init__(self, vol):
        self.vol = vol

    def __call__(self, *arguments, stdin, **_):
        # It takes its time: whoever is to kill it amid its work must come to see that.
        with subprocess.Popen(
            ["nice", "-n", "19", "cryptsetup", *arguments], stdin=subprocess.PIPE
        ) as process:
            process.stdin.write(stdin.reveal())
            process.stdin.close()
            eventually(lambda: process.poll() is not None or reencryption_state(self.vol).under_way)
            process.kill()
        raise SimulatedCrashError


def test_it_goes_on_after_kills(pool, key, monkeypatch):
    vol = pool.create("large", 192 * MIB)
    LuksHeader(vol).format(key, REFERENCE)
    write(vol, key)
    with monkeypatch.context() as patch:
        patch.setattr(reencryption, "cryptsetup", KilledCryptsetup(vol))
        with pytest.raises(SimulatedCrashError):
            reencrypt(vol, key)
        assert reencryption_state(vol).under_way
        with pytest.raises(UnsupportedHeaderError, match="re-encrypted"):
            data_segment(LuksHeader(vol).read())
        with pytest.raises(SimulatedCrashError):
            reencrypt(vol, key)
    reencrypt(vol, key)
    assert not reencryption_state(vol).under_way
    assert_whole(vol, key)
