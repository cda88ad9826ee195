"""The exact commands of the dm-crypt back end, and its clean failure on a host without device-mapper."""

import os
import shutil

import pytest

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.volumes import dm_crypt, loop
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.dm_crypt import DmCryptBackend, open_arguments
from holdfast.volumes.errors import ErasedVolumeError, TruncatedVolumeError, VolumeBusyError
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import LuksHeader

UUID = "7b0a2a5e-6a5c-4f0e-9c1f-1f6d4d1f0a11"


def has_device_mapper():
    try:
        os.close(os.open("/dev/mapper/control", os.O_RDWR))
    except OSError:
        return False
    return True


def test_open_command():
    assert open_arguments(UUID, "/dev/loop7", 44, readonly=False) == (
        "-q", "open", "--type", "luks2", "--key-file=-", "--keyfile-size=44", "--disable-keyring",
        "/dev/loop7", f"hf-{UUID}",
    )  # fmt: skip


def test_open_command_readonly():
    assert "--readonly" in open_arguments(UUID, "/dev/loop7", 44, readonly=True)


def test_probe_tells_the_truth():
    capabilities = DmCryptBackend().probe()
    assert capabilities.usable == has_device_mapper()
    assert bool(capabilities.why_not) != capabilities.usable


def test_attach(vol, key, attachable):
    backend = attachable(DmCryptBackend(), vol)
    if has_device_mapper():
        attachment = backend.attach(vol, key)
        assert attachment.device == f"/dev/mapper/hf-{vol.uuid}"
        assert backend.status(vol).stage is AttachStage.ATTACHED
        assert attachment in backend.recover()
    else:
        with pytest.raises(UnsupportedError, match="device-mapper"):
            backend.attach(vol, key)
        assert loop.find(vol.uuid) is None
        assert backend.status(vol).stage is AttachStage.DETACHED
    backend.detach(vol)
    backend.detach(vol)
    assert backend.status(vol).stage is AttachStage.DETACHED


def test_loop_device_without_mapping_is_broken_and_recovered(vol):
    device = loop.attach(str(vol.path), backend="dm-crypt", uuid=vol.uuid)
    assert DmCryptBackend().status(vol).stage is AttachStage.BROKEN
    with pytest.raises(VolumeBusyError):
        DmCryptBackend().attach(vol, SecretBytes(b"any"))
    assert vol.uuid not in [attachment.uuid for attachment in DmCryptBackend().recover()]
    assert device not in loop.marked_devices()


def test_attach_under_way_is_left_alone_by_another_node_that_starts(vol):
    with volume_lock(vol):
        device = loop.attach(str(vol.path), backend="dm-crypt", uuid=vol.uuid)
        try:
            assert vol.uuid not in [attachment.uuid for attachment in DmCryptBackend().recover()]
            assert loop.find(vol.uuid) == device
        finally:
            loop.detach(device.path)


def test_loop_device_whose_pool_was_deleted_is_recovered(vol):
    loop.attach(str(vol.path), backend="dm-crypt", uuid=vol.uuid)
    shutil.rmtree(vol.path.parent)
    DmCryptBackend().recover()
    assert loop.find(vol.uuid) is None


def test_what_cryptsetup_lets_pass_is_refused_before(vol, key):
    with vol.path.open("r+b") as file:
        file.truncate(vol.path.stat().st_size - 4096)
    with pytest.raises(TruncatedVolumeError):
        DmCryptBackend().attach(vol, key)
    LuksHeader(vol).erase()
    with pytest.raises(ErasedVolumeError):
        DmCryptBackend().attach(vol, key)
    assert loop.find(vol.uuid) is None


def test_volume_without_encryption_is_not_for_it(pool, key):
    with pytest.raises(InvalidInputError):
        DmCryptBackend().attach(pool.create("p", 4 << 20, encrypted=False), key)
    with pytest.raises(InvalidInputError):
        DmCryptBackend().attach(pool.create("e", 4 << 20), None)


class MapperSimulator:
    """cryptsetup on a host with device-mapper, as far as its statuses and words go."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def __call__(self, *arguments, stdin=b"", pass_fds=()):
        self.calls.append((arguments, stdin))
        answer = self.answers.get(arguments[1])
        if answer:
            raise answer


@pytest.mark.parametrize("force", [False, True])
def test_close_command(vol, monkeypatch, force):
    simulator = MapperSimulator({})
    monkeypatch.setattr(dm_crypt, "cryptsetup", simulator)
    monkeypatch.setattr(dm_crypt, "_is_mapped", lambda uuid: True)
    DmCryptBackend().detach(vol, force=force)
    deferred = ("--deferred",) if force else ()
    assert simulator.calls == [(("-q", "close", *deferred, f"hf-{vol.uuid}"), b"")]


def test_busy_mapping_stays(vol, monkeypatch):
    monkeypatch.setattr(dm_crypt, "cryptsetup", MapperSimulator({"close": VolumeBusyError("in use")}))
    monkeypatch.setattr(dm_crypt, "_is_mapped", lambda uuid: True)
    device = loop.attach(str(vol.path), backend="dm-crypt", uuid=vol.uuid)
    try:
        with pytest.raises(VolumeBusyError):
            DmCryptBackend().detach(vol)
        assert loop.find(vol.uuid) == device
    finally:
        loop.detach(device.path)


def test_key_goes_over_standard_input_and_nowhere_else(vol, key, monkeypatch, attachable):
    simulator = MapperSimulator({})
    monkeypatch.setattr(dm_crypt, "cryptsetup", simulator)
    attachable(DmCryptBackend(), vol).attach(vol, key)
    (arguments, stdin), = simulator.calls  # fmt: skip
    assert stdin is key
    assert not any(key.reveal().decode() in argument for argument in arguments)
