"""Volumes that are not encrypted: the ``plain`` back end, a loop device on the backing file."""

import os

from holdfast.errors import InvalidInputError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.capabilities import CAP_SYS_ADMIN, has_capability
from holdfast.volumes import loop
from holdfast.volumes.backend import Attachment, AttachStage, AttachState, Capabilities, VolumeFile
from holdfast.volumes.errors import AttachFailedError, TruncatedVolumeError, VolumeBusyError
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.mounts import mounts_of
from holdfast.volumes.teardown import refuse_mounted, release_loop, unmount_lazily

NAME = "plain"


class PlainBackend:
    """Attaches volumes that are not encrypted."""

    name = NAME

    def probe(self) -> Capabilities:
        """Find out whether this host lets us."""
        if not has_capability(CAP_SYS_ADMIN):
            return Capabilities(usable=False, why_not="mounting needs root (CAP_SYS_ADMIN)")
        if not os.access(loop.LOOP_CONTROL, os.R_OK | os.W_OK):
            return Capabilities(usable=False, why_not=f"{loop.LOOP_CONTROL} cannot be opened")
        return Capabilities(usable=True, discard=True)

    def attach(self, vol: VolumeFile, key: SecretBytes | None, *, readonly: bool = False) -> Attachment:
        """Put a loop device on the backing file. See ``VolumeBackend``."""
        if key is not None or vol.encrypted:
            raise InvalidInputError("key: expected none, and a volume that is not encrypted")
        with volume_lock(vol):
            if loop.find(vol.uuid):
                raise VolumeBusyError("the volume is attached already")
            if vol.path.stat().st_size < vol.size:
                raise TruncatedVolumeError("the backing file is shorter than the volume was made")
            device = loop.attach(str(vol.path), backend=NAME, uuid=vol.uuid, readonly=readonly, lock_at=0)
        return _attachment(device)

    def detach(self, vol: VolumeFile, *, force: bool = False) -> None:
        """Take the loop device away. See ``VolumeBackend``."""
        with volume_lock(vol):
            device = loop.find(vol.uuid)
            if device is not None:
                if force:
                    unmount_lazily(device.path)
                else:
                    refuse_mounted(device.path)
            if not release_loop(vol.uuid):
                raise VolumeBusyError("the volume's device is still in use; it goes with its last user")

    def grow(self, vol: VolumeFile) -> None:
        """Let the loop device see how long the backing file is now. See ``VolumeBackend``."""
        with volume_lock(vol):
            device = loop.find(vol.uuid)
            if device is None:
                raise VolumeBusyError("the volume is not attached")
            loop.take_size(device.path)

    def cut_off(self, vol: VolumeFile) -> None:
        """Leave nothing of the device to read or write. See ``VolumeBackend``."""
        device = loop.find(vol.uuid)
        if device is not None:
            try:
                loop.cut_off(device.path)
            except OSError as error:
                raise AttachFailedError(f"the device could not be cut off: {error.strerror}") from error

    def status(self, vol: VolumeFile) -> AttachState:
        """Return what the kernel says about the volume."""
        device = loop.find(vol.uuid)
        if device is None:
            return AttachState(AttachStage.DETACHED)
        mounts = tuple(mount.target for mount in mounts_of(device.path))
        return AttachState(AttachStage.ATTACHED, _attachment(device), mounts)

    def recover(self) -> list[Attachment]:
        """Find every attachment again."""
        return [_attachment(device) for device in loop.marked_devices() if device.backend == NAME]


def _attachment(device: loop.LoopDevice) -> Attachment:
    return Attachment(device.uuid, NAME, device.path, device.readonly)
