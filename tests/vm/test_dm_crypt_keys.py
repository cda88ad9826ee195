"""Keys of volumes that are in use by way of dm-crypt change below their users. Needs a device-mapper.

Hosts without one run this in a guest: see ``test_guest``.
"""

import os
import threading

import pytest

from holdfast.process.run import run
from holdfast.providers.generate import random_key
from holdfast.volumes import filesystem, loop
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.errors import WrongKeyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.pool import Pool
from holdfast.volumes.recovery import add_recovery_key, recover, remove_recovery_key
from holdfast.volumes.reencryption import reencrypt, reencryption_state

SIZE = 24 << 20
REFERENCE = KeyReference("file", "vol1", 1)

pytestmark = pytest.mark.skipif(
    not DmCryptBackend().probe().usable, reason=f"no dm-crypt here: {DmCryptBackend().probe().why_not}"
)


@pytest.fixture
def key():
    return random_key()


@pytest.fixture
def vol(tmp_path, key):
    volume = Pool(tmp_path / "pool").create("vol1", SIZE)
    LuksHeader(volume).format(key, REFERENCE)
    return volume


@pytest.fixture
def backend(vol):
    made = DmCryptBackend()
    yield made
    made.detach(vol, force=True)
    assert loop.find(vol.uuid) is None
    assert vol.uuid not in run(["dmsetup", "ls"]).stdout.decode()


@pytest.fixture
def mounted(vol, key, backend, tmp_path):
    target = tmp_path / "mnt"
    target.mkdir()
    device = backend.attach(vol, key).device
    filesystem.make(device)
    filesystem.mount(device, target)
    yield target
    filesystem.unmount(target, lazy=True)


def volume_key_digest(vol):
    return LuksHeader(vol).read().metadata["digests"]


def test_reencryption_below_its_users(vol, key, backend, mounted):
    """Files are written and read meanwhile; afterwards the volume key is another one."""
    content = os.urandom(1 << 20)
    (mounted / "before").write_bytes(content)
    os.sync()
    digest, stop, rounds = volume_key_digest(vol), threading.Event(), []

    def use():
        while not stop.is_set():
            data = os.urandom(100_000)
            with (mounted / f"during-{len(rounds) % 5}").open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            assert (mounted / f"during-{len(rounds) % 5}").read_bytes() == data
            rounds.append(data)

    user = threading.Thread(target=use)
    user.start()
    try:
        assert reencrypt(vol, key) == ()
    finally:
        stop.set()
        user.join()
    assert rounds
    assert not reencryption_state(vol).under_way
    assert volume_key_digest(vol) != digest
    filesystem.unmount(mounted)
    device = backend.status(vol).attachment.device
    filesystem.check(device)
    backend.detach(vol)
    filesystem.mount(backend.attach(vol, key).device, mounted)
    assert (mounted / "before").read_bytes() == content
    assert (mounted / f"during-{(len(rounds) - 1) % 5}").read_bytes() == rounds[-1]


def test_recovery_key_of_a_mounted_volume(vol, key, backend, mounted):
    (mounted / "letter").write_text("kept")
    recovery, fresh = random_key(), random_key()
    slot = add_recovery_key(vol, key, recovery)
    assert LuksHeader(vol).recovery_slots() == (slot,)
    assert recover(vol, recovery, fresh, KeyReference("file", "vol1", 2))
    filesystem.unmount(mounted)
    backend.detach(vol)
    with pytest.raises(WrongKeyError):
        backend.attach(vol, key)
    filesystem.mount(backend.attach(vol, fresh).device, mounted)
    assert (mounted / "letter").read_text() == "kept"
    assert remove_recovery_key(vol, fresh) == (slot,)
    with pytest.raises(WrongKeyError):
        LuksHeader(vol).verify(recovery)
