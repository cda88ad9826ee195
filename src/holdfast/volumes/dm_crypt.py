"""Encrypted volumes on ordinary hosts: the ``dm-crypt`` back end, where the kernel itself encrypts.

    LUKS2 file -> loop device -> cryptsetup open -> /dev/mapper/hf-<uuid> -> file system

No process of ours stands in the data path. The volume key is kept in the mapping's table rather than in
the kernel keyring (``--disable-keyring``): root can read either, and keyrings do not survive the
namespaces of containers.

A mapping that something is done through while the volume's lock is held (``mapped_for_work``) is no
attachment: its loop device is marked otherwise, and what a crash left of one goes before the next.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from holdfast.errors import InvalidInputError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.capabilities import CAP_SYS_ADMIN, has_capability
from holdfast.process.run import ChildFailedError, ProgramMissingError, find_program, run
from holdfast.volumes import loop
from holdfast.volumes.backend import Attachment, AttachStage, AttachState, Capabilities, VolumeFile
from holdfast.volumes.cryptsetup import cryptsetup
from holdfast.volumes.errors import TruncatedVolumeError, VolumeBusyError
from holdfast.volumes.integrity_block import IntegrityBlock, read_integrity_block
from holdfast.volumes.key_strength import require_usable
from holdfast.volumes.lock import backing_file_lock, volume_lock
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.luks_read import data_segment
from holdfast.volumes.mounts import mounts_of
from holdfast.volumes.teardown import refuse_mounted, release_loop, unmount_lazily

NAME = "dm-crypt"
WORK = NAME + loop.WORK_SUFFIX
NO_JOURNAL = ("--integrity-no-journal",)  # for what a crash in the middle of may leave unfinished
MAPPER_CONTROL = Path("/dev/mapper/control")
_PREFIX = "hf-"

# include/uapi/linux/dm-ioctl.h: version; sizes, counts, flags; device; name; uuid and padding
_DM_REQUEST = struct.Struct("=3I7IQ128s136s")
_DM_INTERFACE_VERSION = (4, 0, 0)
_DM_GET_TARGET_VERSION = 0xC138FD11


class DmCryptBackend:
    """Attaches encrypted volumes through the kernel's device-mapper."""

    name = NAME

    def probe(self) -> Capabilities:
        """Find out whether this host has a device-mapper and lets us use it."""
        if not has_capability(CAP_SYS_ADMIN):
            return Capabilities(usable=False, why_not="mapping devices needs root (CAP_SYS_ADMIN)")
        for device in (MAPPER_CONTROL, loop.LOOP_CONTROL):
            try:
                # Opening is the only proof: the node may exist where the kernel lacks the driver.
                os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
            except OSError as error:
                return Capabilities(usable=False, why_not=f"{device} cannot be opened: {error.strerror}")
        if not _has_target("crypt"):
            return Capabilities(usable=False, why_not="this kernel has no module dm_crypt")
        try:
            find_program("cryptsetup")
        except ProgramMissingError as error:
            return Capabilities(usable=False, why_not=error.message)
        return Capabilities(usable=True, integrity=_has_target("integrity"))

    def attach(self, vol: VolumeFile, key: SecretBytes | None, *, readonly: bool = False) -> Attachment:
        """Map the volume. See ``VolumeBackend``."""
        if key is None or not vol.encrypted:
            raise InvalidInputError("key: expected one, and a volume that is encrypted")
        require_usable(key)
        with volume_lock(vol):
            # On a read-only file system it has to be in order already.
            if vol.integrity and readonly and os.access(vol.path, os.W_OK):
                replay_journal(vol, key)
            return _attachment(map_volume(vol, key, readonly=readonly))

    def detach(self, vol: VolumeFile, *, force: bool = False) -> None:
        """Remove the mapping and the loop device below it. See ``VolumeBackend``."""
        with volume_lock(vol):
            if _is_mapped(vol.uuid):
                if force:
                    unmount_lazily(device_path(vol.uuid))
                else:
                    refuse_mounted(device_path(vol.uuid))
                _close(vol.uuid, deferred=force)
            if not release_loop(vol.uuid):
                raise VolumeBusyError("the volume's device is still in use; it goes with its last user")

    def grow(self, vol: VolumeFile) -> None:
        """Let the loop device and the mapping above it see how long the backing file is now.

        No key is needed for that: it is in the mapping's table. See ``VolumeBackend``.
        """
        with volume_lock(vol):
            below = loop.find(vol.uuid)
            if below is None or not _is_mapped(vol.uuid):
                raise VolumeBusyError("the volume is not attached, or its device is broken")
            loop.take_size(below.path)
            cryptsetup("-q", "resize", "--disable-keyring", f"{_PREFIX}{vol.uuid}")

    def cut_off(self, vol: VolumeFile) -> None:
        """Put a table in place that fails every request, and forget the key. See ``VolumeBackend``."""
        if _is_mapped(vol.uuid):
            run(["dmsetup", "wipe_table", "--noflush", "--nolockfs", f"{_PREFIX}{vol.uuid}"])

    def status(self, vol: VolumeFile) -> AttachState:
        """Return what the kernel says about the volume."""
        below, mapped = loop.find(vol.uuid), _is_mapped(vol.uuid)
        if (below is None and not mapped) or (below is not None and below.backend == WORK):
            return AttachState(AttachStage.DETACHED)
        if below is None or not mapped:
            return AttachState(AttachStage.BROKEN, Attachment(vol.uuid, NAME, device_path(vol.uuid)))
        mounts = tuple(mount.target for mount in mounts_of(device_path(vol.uuid)))
        return AttachState(AttachStage.ATTACHED, _attachment(below), mounts)

    def recover(self) -> list[Attachment]:
        """Find every attachment again.

        A loop device that an interrupted attach left without mapping goes, and so does what was mapped for
        work that a crash cut short.
        """
        found = []
        for below in loop.marked_devices():
            if below.backend == WORK:
                _discard_unless_locked(below)
            if below.backend != NAME:
                continue
            if not _is_mapped(below.uuid):
                _discard_unless_locked(below)
            if _is_mapped(below.uuid):
                found.append(_attachment(below))
        return found


@contextlib.contextmanager
def mapped_for_work(
    vol: VolumeFile,
    key: SecretBytes,
    *,
    readonly: bool = False,
    options: tuple[str, ...] = (),
    growing: bool = False,
) -> Iterator[str]:
    """Hold the device of a detached volume for the length of a block; the caller holds the volume's lock.

    Args:
        vol: the volume.
        key: what opens it.
        readonly: refuse writes.
        options: further ones of ``cryptsetup open``.
        growing: see ``data_segment``.

    Yields:
        The path of the device.

    Raises:
        VolumeBusyError: the volume is attached, or somebody still has the device open at the end.
        as ``DmCryptBackend.attach``
    """
    map_volume(vol, key, readonly=readonly, options=options, growing=growing, mark=WORK)
    try:
        yield device_path(vol.uuid)
    finally:
        unmap_volume(vol)


def map_volume(
    vol: VolumeFile,
    key: SecretBytes,
    *,
    readonly: bool = False,
    options: tuple[str, ...] = (),
    growing: bool = False,
    mark: str = NAME,
) -> loop.LoopDevice:
    """Map a volume whose lock the caller holds; raises as ``DmCryptBackend.attach``."""
    present = loop.find(vol.uuid)
    if present is not None and present.backend == WORK:  # nobody is at it: the lock is ours
        unmap_volume(vol)
        present = loop.find(vol.uuid)
    if present is not None or _is_mapped(vol.uuid):
        raise VolumeBusyError("the volume is attached already")
    segment = data_segment(LuksHeader(vol).read(), integrity=vol.integrity, growing=growing)
    if segment.payload_bytes(vol.path.stat().st_size) < vol.area_bytes:
        raise TruncatedVolumeError("the backing file is shorter than the volume was made")
    if vol.integrity:
        integrity_block_of(vol, segment.offset_bytes)
    below = loop.attach(
        str(vol.path), backend=mark, uuid=vol.uuid, readonly=readonly, lock_at=segment.offset_bytes
    )
    try:
        opening = open_arguments(vol.uuid, below.path, len(key), readonly=readonly)
        cryptsetup(*opening, *options, stdin=key)
    except BaseException:
        if _is_mapped(vol.uuid):  # cryptsetup was cut off between the mapping and its end
            _close(vol.uuid, deferred=True)
        loop.detach(below.path)
        raise
    return below


def unmap_volume(vol: VolumeFile) -> None:
    """Undo ``map_volume``, also after a crash; the caller holds the volume's lock."""
    if _is_mapped(vol.uuid):
        _close(vol.uuid, deferred=False)
    if not release_loop(vol.uuid):
        raise VolumeBusyError("the volume's device is still in use; it goes with its last user")


def device_path(uuid: str) -> str:
    """Return the device of an attached volume."""
    return f"/dev/mapper/{_PREFIX}{uuid}"


def mapped_uuid(name: str) -> str:
    """Return the volume that a block device such as ``dm-3`` is the mapping of; empty for other devices."""
    try:
        mapping = Path("/sys/block", name, "dm", "name").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return mapping.removeprefix(_PREFIX) if mapping.startswith(_PREFIX) else ""


def open_arguments(uuid: str, below: str, key_bytes: int, *, readonly: bool) -> tuple[str, ...]:
    """Return the arguments that make cryptsetup map a volume; the key comes on standard input."""
    access = ("--readonly",) if readonly else ()
    key_options = ("--key-file=-", f"--keyfile-size={key_bytes}", "--disable-keyring")
    return ("-q", "open", "--type", "luks2", *key_options, *access, below, f"{_PREFIX}{uuid}")


def integrity_block_of(vol: VolumeFile, offset: int) -> IntegrityBlock:
    """Read what dm-integrity goes by; raises as ``read_integrity_block``."""
    descriptor = os.open(vol.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return read_integrity_block(descriptor, offset)
    finally:
        os.close(descriptor)


def replay_journal(vol: VolumeFile, key: SecretBytes) -> None:
    """Put every block where it belongs that is in a journal only; the caller holds the volume's lock.

    dm-integrity does that whenever it is mapped, and if it cannot write then, every read fails. Mapped
    without its journal, it clears it, too. See ``integrity``.
    """
    with mapped_for_work(vol, key, options=NO_JOURNAL):
        pass


def _has_target(name: str) -> bool:
    """Whether the device-mapper can do something; asking makes the kernel load the module for it."""
    numbers = (_DM_REQUEST.size, 0, 0, 0, 0, 0, 0, 0)
    request = _DM_REQUEST.pack(*_DM_INTERFACE_VERSION, *numbers, name.encode(), b"")
    try:
        with MAPPER_CONTROL.open("rb") as control:
            fcntl.ioctl(control, _DM_GET_TARGET_VERSION, request)
    except OSError:
        return False
    return True


def _discard_unless_locked(below: loop.LoopDevice) -> None:
    """Let go of a loop device that serves no attachment, unless another process is at work on it."""
    file = loop.backing_file(below.path)
    if file is None or not file.parent.is_dir() or (below.backend == WORK and not file.exists()):
        _discard(below)  # deleted: nobody can lock it any more
        return
    with contextlib.suppress(VolumeBusyError), backing_file_lock(file, timeout_seconds=0):
        _discard(below)


def _discard(below: loop.LoopDevice) -> None:
    if _is_mapped(below.uuid):
        if below.backend != WORK:  # it was mapped meanwhile
            return
        _close(below.uuid, deferred=True)
    loop.detach(below.path)


def _is_mapped(uuid: str) -> bool:
    """Whether the kernel lists a mapping of that name over a LUKS2 volume of that UUID."""
    expected = f"CRYPT-LUKS2-{uuid.replace('-', '')}-{_PREFIX}{uuid}"
    for entry in Path("/sys/block").glob("dm-*/dm/uuid"):
        with contextlib.suppress(OSError):  # gone meanwhile
            if entry.read_text(encoding="ascii").strip() == expected:
                return True
    return False


def _close(uuid: str, *, deferred: bool) -> None:
    options = ("--deferred",) if deferred else ()
    try:
        cryptsetup("-q", "close", *options, f"{_PREFIX}{uuid}")
    except ChildFailedError as error:
        if "is not active" not in error.detail:
            raise


def _attachment(below: loop.LoopDevice) -> Attachment:
    return Attachment(below.uuid, NAME, device_path(below.uuid), below.readonly, {"loop": below.path})
