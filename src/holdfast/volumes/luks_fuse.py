"""Encrypted volumes on hosts without device-mapper: the ``luks-fuse`` back end.

    LUKS2 file -> daemon (decrypts) -> /dev/fuse -> one plain file -> loop device -> file system

Once the loop device holds the plain file, the file's mount is taken away: from then on no path leads
to the plain text but the block device. Detaching the loop device ends the daemon.

If the daemon dies, users of the volume get I/O errors at once, everything synced before is safe, and
the volume is ``BROKEN`` until it is detached by force. Space freed by deleting files is not given
back to the pool: this path refuses discards.
"""

import contextlib
import os
import signal
import stat
import sys
from pathlib import Path

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.capabilities import CAP_SYS_ADMIN, has_capability
from holdfast.process.run import ChildFailedError, ProgramMissingError, find_program, run
from holdfast.volumes import errors, loop, syscalls
from holdfast.volumes.backend import Attachment, AttachStage, AttachState, Capabilities, VolumeFile
from holdfast.volumes.fuse_daemon import GROW_SIGNAL
from holdfast.volumes.key_strength import require_usable
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.mounts import all_mounts, mounts_of
from holdfast.volumes.plain_view import is_open
from holdfast.volumes.teardown import refuse_mounted, release_loop, unmount_lazily, wait_until

NAME = "luks-fuse"
DEFAULT_RUNTIME_DIRECTORY = Path("/run/holdfast/attach")
_DAEMON = "holdfast.volumes.fuse_daemon"
_ATTACH_TIMEOUT_SECONDS = 60.0  # argon2id on a small node is slow; a random key takes a tenth of a second


class LuksFuseBackend:
    """Attaches encrypted volumes through a daemon of our own.

    Args:
        runtime_directory: where the plain file is mounted while an attach is under way; made with mode 0700.
    """

    name = NAME

    def __init__(self, runtime_directory: Path = DEFAULT_RUNTIME_DIRECTORY) -> None:
        self._runtime_directory = runtime_directory

    def probe(self) -> Capabilities:
        """Find out whether this host lets us."""
        if not has_capability(CAP_SYS_ADMIN):
            return Capabilities(usable=False, why_not="mounting needs root (CAP_SYS_ADMIN)")
        for device in ("/dev/fuse", str(loop.LOOP_CONTROL)):
            try:
                os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
            except OSError as error:
                return Capabilities(usable=False, why_not=f"{device} cannot be opened: {error.strerror}")
        try:
            find_program("cryptsetup")
        except ProgramMissingError as error:
            return Capabilities(usable=False, why_not=error.message)
        return Capabilities(usable=True)

    def attach(self, vol: VolumeFile, key: SecretBytes | None, *, readonly: bool = False) -> Attachment:
        """Start a daemon for the volume and put a loop device on what it serves. See ``VolumeBackend``."""
        if key is None or not vol.encrypted:
            raise InvalidInputError("key: expected one, and a volume that is encrypted")
        require_usable(key)
        with volume_lock(vol):
            if loop.find(vol.uuid):
                raise errors.VolumeBusyError("the volume is attached already")
            file = self._make_mount_point(vol.uuid)
            try:
                _start_daemon(vol, key, file, readonly=readonly)
                device = loop.attach(str(file), backend=NAME, uuid=vol.uuid, readonly=readonly)
            finally:
                # With the loop device open this hides the plain file; without one it ends the daemon.
                _take_away(file)
        return _attachment(device)

    def detach(self, vol: VolumeFile, *, force: bool = False) -> None:
        """Take the loop device away, upon which the daemon ends. See ``VolumeBackend``."""
        with volume_lock(vol):
            if force:
                # A hung daemon blocks everybody below it, the unmount too; killed, its requests fail.
                _kill(_daemons(vol.uuid))
            device = loop.find(vol.uuid)
            if device is not None:
                if force:
                    unmount_lazily(device.path)
                else:
                    refuse_mounted(device.path)
            # A process that ends loses its name before its files: only the lock tells that it is done.
            if not release_loop(vol.uuid) or not wait_until(
                lambda: not _daemons(vol.uuid) and not is_open(str(vol.path))
            ):
                raise errors.VolumeBusyError(
                    "the volume's device is still in use; it goes with its last user"
                )

    def grow(self, vol: VolumeFile) -> None:
        """Have the daemon announce how long the backing file is now. See ``VolumeBackend``."""
        with volume_lock(vol):
            device = loop.find(vol.uuid)
            daemons = _daemons(vol.uuid)
            if device is None or not daemons:
                raise errors.VolumeBusyError("the volume is not attached, or its device is broken")
            if not all(_handles(process, GROW_SIGNAL) for process in daemons):
                raise UnsupportedError(
                    "the volume was attached by an older version, which cannot grow it; detach it first"
                )
            os.kill(daemons[0], GROW_SIGNAL)
            if not wait_until(lambda: loop.take_size(device.path) >= vol.size):
                raise errors.AttachFailedError("the volume's daemon did not announce the new size")

    def cut_off(self, vol: VolumeFile) -> None:
        """End the daemon: its requests fail, and so do all that follow. See ``VolumeBackend``."""
        _kill(_daemons(vol.uuid))

    def status(self, vol: VolumeFile) -> AttachState:
        """Return what the kernel says about the volume."""
        device = loop.find(vol.uuid)
        if device is None:
            return AttachState(AttachStage.DETACHED)
        attachment = _attachment(device)
        stage = AttachStage.ATTACHED if attachment.details["daemons"] else AttachStage.BROKEN
        return AttachState(stage, attachment, tuple(mount.target for mount in mounts_of(device.path)))

    def recover(self) -> list[Attachment]:
        """Find every attachment again; a plain file still in sight, and its daemon if unused, go."""
        for mount in all_mounts():
            if mount.target.parent == self._runtime_directory and mount.kind == "fuse":
                _take_away(mount.target)
        self._remove_mount_points()
        return [_attachment(device) for device in loop.marked_devices() if device.backend == NAME]

    def _remove_mount_points(self) -> None:
        """Remove the empty files of attaches that were cut short before anything was mounted there."""
        entries = self._runtime_directory.iterdir() if self._runtime_directory.is_dir() else ()
        for entry in entries:
            with contextlib.suppress(OSError):
                if stat.S_ISREG(entry.lstat().st_mode):
                    entry.unlink()

    def _make_mount_point(self, uuid: str) -> Path:
        self._runtime_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._runtime_directory / uuid
        _take_away(file)  # what an interrupted attach left
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        return file


def _start_daemon(vol: VolumeFile, key: SecretBytes, file: Path, *, readonly: bool) -> None:
    arguments = [vol.uuid, str(vol.path), str(file), str(vol.size), "ro" if readonly else "rw"]
    try:
        run(
            [sys.executable, "-I", "-m", _DAEMON, *arguments],
            stdin=key,
            timeout_seconds=_ATTACH_TIMEOUT_SECONDS,
        )
    except ChildFailedError as error:
        kind, separator, message = error.completed.stderr.strip().partition(": ")
        known = getattr(errors, kind, None) if separator and kind in errors.__all__ else None
        if known is None:
            raise errors.AttachFailedError("the volume's daemon did not start", detail=error.detail) from None
        raise known(message) from None


def _take_away(file: Path) -> None:
    with contextlib.suppress(OSError):
        syscalls.unmount(str(file), syscalls.MNT_DETACH)
    file.unlink(missing_ok=True)


def _attachment(device: loop.LoopDevice) -> Attachment:
    daemons = " ".join(str(process) for process in _daemons(device.uuid))
    return Attachment(device.uuid, NAME, device.path, device.readonly, {"daemons": daemons})


def _daemons(uuid: str) -> list[int]:
    """Return the processes that serve a volume, by their command lines."""
    wanted = f"{_DAEMON}\0{uuid}\0".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "cmdline").read_bytes() and entry.stat().st_uid == os.geteuid():
                found.append(int(entry.name))
    return sorted(found)


def _kill(processes: list[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _handles(process: int, number: int) -> bool:
    """Whether a process has a handler for a signal; without one it would end."""
    with contextlib.suppress(OSError):
        for line in (
            Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
        ):
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False
