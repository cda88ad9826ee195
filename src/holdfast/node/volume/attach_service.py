"""Service ``MountAttach``: making a volume usable on this node, and taking it away again.

Attach fetches the key that the volume's header refers to, at that moment, and forgets it when the device is
there. If the provider does not give it, nothing has changed. What is attached and mounted is always asked
of the kernel, so a restarted node knows it too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from holdfast.errors import ConflictError, PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.locks import VolumeLocks, by_role_alone
from holdfast.node.errors import HeldElsewhereError, NotAttachedError, OwnershipDeniedError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyOrigin, VolumeRecord, VolumeState
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.volume.copies import require_complete
from holdfast.node.volume.device_figures import DeviceFigures
from holdfast.node.volume.file_systems import FileSystemCare
from holdfast.node.volume.host_paths import HostPaths
from holdfast.policy.ownership import AccessType, is_storage_administrator
from holdfast.policy.secret_scopes import CLUSTER_WIDE
from holdfast.volumes import filesystem
from holdfast.volumes.backend import Attachment, AttachStage, CopyBackend
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.freeze import thaw_device
from holdfast.volumes.mounted_volumes import mounted_around

_NOT_YOURS = (
    "mount_path: expected no directory in or above a mounted volume but one that the caller may write to"
)


class AttachService:
    """Attaching, formatting, mounting, copying; and back."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        devices: Devices,
        keys: VolumeKeys,
        rotation: KeyRotation,
        locks: VolumeLocks,
        host_paths: HostPaths,
        care: FileSystemCare,
        figures: DeviceFigures,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._rotation = rotation
        self._locks = locks
        self._host_paths = host_paths
        self._care = care
        self._figures = figures

    def recover(self) -> list[Attachment]:
        """Find the attachments of the volumes in this node's pool again, and let none stay frozen.

        For a node that starts after a crash. What another node on the same host has attached may be frozen
        at this moment for good reason.
        """
        found = {attachment.uuid: attachment for attachment in self._devices.recover()}
        if not found:
            return []
        ours = [
            (record.id, found[record.uuid])
            for record in self._catalog.enumerate()
            if record.uuid in found and self._devices.file(record).path.exists()
        ]
        for volume_id, attachment in ours:
            thaw_device(attachment.device)
            self._figures.begin(volume_id, attachment.device)
        return [attachment for _, attachment in ours]

    @operation(apis.ATTACH)
    def attach(
        self,
        admission: Admission,
        reference: str,
        *,
        secret_name: str = "",
        secret_namespace: str = "",
        read_only: bool = False,
    ) -> Attachment:
        """Attach a volume; one that is attached already in the way that is wanted stays so.

        Args:
            admission: of the caller.
            reference: id or name.
            secret_name: try this secret's newest value instead of the key that the header refers to;
                ``default`` means that key.
            secret_namespace: the provider's namespace of that secret.
            read_only: refuse writes to the device; a snapshot's always does.

        Raises:
            ProviderUnavailableError: the key cannot be had now; nothing has changed.
            SecretDeniedError: the caller may not name that secret.
            VolumeBusyError: it is attached in the other way.
            WrongKeyError: the key does not open the volume.
            UnsupportedError: this host cannot attach volumes.
        """
        with self._volume(admission, reference) as record:
            self._gate.secret(admission, secret_name, secret_namespace)
            backend = self._devices.attacher(record)
            state = backend.status(self._devices.file(record))
            if state.stage is AttachStage.BROKEN:
                raise VolumeBusyError("the volume's device is broken; detach it with force first")
            read_only = read_only or record.is_snapshot
            if state.attachment is not None:
                if state.attachment.readonly is not read_only:
                    present = "for reading only" if state.attachment.readonly else "for writing"
                    raise VolumeBusyError(f"the volume is attached {present} already; detach it first")
                return state.attachment
            key = self._key(record, secret_name, secret_namespace)
            try:
                attachment = backend.attach(self._devices.file(record), key, readonly=read_only)
            finally:
                if key is not None:
                    key.wipe()
            self._figures.begin(record.id, attachment.device)
            way = " for reading only" if read_only else ""
            self._gate.done(admission, record.id, f"attached at {attachment.device}{way}")
            return attachment

    @operation(apis.DETACH)
    def detach(
        self, admission: Admission, reference: str, *, force: bool = False, unmount: bool = False
    ) -> None:
        """Take a volume's device away; a volume that is not attached is no error.

        Args:
            admission: of the caller.
            reference: id or name.
            force: also when it is in use; what was not synced may be lost.
            unmount: unmount it first, wherever it is mounted.

        Raises:
            VolumeBusyError: it is mounted or in use.
        """
        try:
            with self._volume(admission, reference, to_let_go=True) as record:
                backend = self._devices.attacher(record)
                vol = self._devices.file(record)
                if unmount:
                    for target in reversed(backend.status(vol).mounts):
                        filesystem.unmount(target)
                backend.detach(vol, force=force)
                self._figures.forget(record.id)
                self._gate.done(admission, record.id, "detached")
        except HeldElsewhereError:
            if not force or not is_storage_administrator(admission.principal):
                raise
            self._have_it_released(admission, reference)

    def release(self, volume_id: str) -> None:
        """Take a volume's device away by force, as another node was asked to have us do."""
        with self._locks.turn(volume_id, by_role_alone) as record:
            self._devices.attacher(record).detach(self._devices.file(record), force=True)

    def _have_it_released(self, admission: Admission, reference: str) -> None:
        record = self._gate.resource(admission, self._catalog, reference)
        holder = self._locks.holder(record.id)
        self._locks.ask_release(record.id)
        self._gate.done(admission, record.id, f"detached by force at node {holder}, which confirmed it")

    @operation(apis.FORMAT)
    def format(self, admission: Admission, reference: str) -> None:
        """Make the file system on an attached volume; one that has it already keeps it."""
        with self._volume(admission, reference) as record:
            self._ensure_file_system(admission, record, self._attachment(record))

    @operation(apis.MOUNT)
    def mount(self, admission: Admission, reference: str, target: str) -> Path:
        """Mount an attached volume, after making its file system if this is the first time.

        One that is attached for reading only is mounted as it is.

        Args:
            admission: of the caller.
            reference: id or name.
            target: an existing directory below an allowed root.

        Raises:
            NotAttachedError: it is not attached.
            PermissionDeniedError: the directory is not below an allowed root.
            VolumeBusyError: something else is mounted there.
        """
        with self._volume(admission, reference) as record:
            path = self._host_paths.check(target, field="mount_path")
            self._require_place(admission, path)
            attachment = self._attachment(record)
            device = attachment.device
            self._ensure_file_system(admission, record, attachment)
            if attachment.readonly:
                filesystem.mount(device, path, readonly=True)
            else:
                self._care.before_mount(record, device, path)
                filesystem.mount(device, path)
                self._care.after_mount(record, device)
            self._gate.done(admission, record.id, f"mounted at {path}")
            return path

    @operation(apis.UNMOUNT)
    def unmount(self, admission: Admission, reference: str, target: str) -> None:
        """Unmount a volume from a directory; one that is not mounted there is no error.

        Raises:
            VolumeBusyError: files on it are in use.
        """
        with self._volume(admission, reference, to_let_go=True) as record:
            path = self._host_paths.check(target, field="mount_path")
            # Only what is this volume's: the path alone would let a caller unmount another's.
            if path in self._devices.state(record).mounts:
                filesystem.unmount(path)
                self._gate.done(admission, record.id, f"unmounted from {path}")

    @operation(apis.IMPORT_TREE)
    def import_tree(self, admission: Admission, reference: str, source: str) -> None:
        """Replace a detached volume's content by the tree below a directory of the host.

        Raises:
            TooLargeError: it does not fit.
            VolumeBusyError: the volume is attached.
        """
        with self._volume(admission, reference) as record:
            path = self._host_paths.check(source, field="source_path")
            _refuse_volumes(path, field="source_path")
            if record.is_snapshot:
                raise ConflictError("a snapshot is not changed any more; make a clone of it and import there")
            copier = self._copier(record)
            with self._noted_key(record) as key:
                copier.import_tree(self._devices.file(record), key, path)
            self._set_ready(record)
            self._gate.done(admission, record.id, f"imported {path}")

    @operation(apis.EXPORT_TREE)
    def export_tree(self, admission: Admission, reference: str, destination: str) -> None:
        """Write a detached volume's content into an empty directory of the host.

        Raises:
            VolumeBusyError: the volume is attached.
        """
        with self._volume(admission, reference) as record:
            path = self._host_paths.check(destination, field="destination_path")
            _refuse_volumes(path, field="destination_path")
            copier = self._copier(record)
            with self._noted_key(record) as key:
                copier.export_tree(self._devices.file(record), key, path)
            self._gate.done(admission, record.id, f"exported to {path}")

    @contextmanager
    def _volume(
        self, admission: Admission, reference: str, *, to_let_go: bool = False
    ) -> Iterator[VolumeRecord]:
        """Pass the third gate, then hold the volume's lock with its record read anew.

        A volume whose removal was interrupted may be let go of: it is not removed while it is attached.
        """
        waiting = self._gate.resource(admission, self._catalog, reference)
        with self._locks.turn(waiting.id, self._gate.still(admission, self._catalog)) as record:
            if not (to_let_go and record.state is VolumeState.REMOVING):
                require_complete(record)
            yield record

    def _require_place(self, admission: Admission, path: Path) -> None:
        """Raise unless the caller may write to every volume that a place is in or above.

        Who mounts inside a volume changes what is found in it, and who mounts over it hides it.
        """
        uuids = {mounted.uuid for mounted in mounted_around(path) if mounted.target != path}
        if not uuids:
            return
        records = [record for record in self._catalog.enumerate() if record.uuid in uuids]
        try:
            for record in records:
                self._gate.require(admission, self._catalog, record, access=AccessType.WRITE)
        except OwnershipDeniedError as error:
            raise PermissionDeniedError(_NOT_YOURS, detail=error.detail) from None
        if len(records) < len(uuids):
            raise PermissionDeniedError(_NOT_YOURS, detail="a volume that this node does not know")

    def _key(self, record: VolumeRecord, secret_name: str, namespace: str) -> SecretBytes | None:
        if not record.encrypted:
            return None
        if secret_name not in {"", CLUSTER_WIDE}:
            return self._keys.newest(secret_name, namespace, KeyOrigin.NAMED)[1]
        return self._noted_key(record)

    def _noted_key(self, record: VolumeRecord) -> SecretBytes:
        return self._keys.fetch(self._rotation.reference_of(record))

    def _copier(self, record: VolumeRecord) -> CopyBackend:
        if self._devices.state(record).stage is not AttachStage.DETACHED:
            raise VolumeBusyError("the volume is attached; detach it first")
        return self._devices.tree_copier(record)

    def _attachment(self, record: VolumeRecord) -> Attachment:
        state = self._devices.state(record)
        if state.stage is not AttachStage.ATTACHED or state.attachment is None:
            raise NotAttachedError("the volume is not attached; attach it first")
        return state.attachment

    def _ensure_file_system(self, admission: Admission, record: VolumeRecord, attachment: Attachment) -> None:
        if record.state is VolumeState.READY:
            return
        # A crash may have come between making it and noting that; `make` never writes over one.
        if filesystem.detect(attachment.device) != record.file_system:
            if record.is_snapshot:
                raise ConflictError("the snapshot holds no file system, as its volume had none then")
            if attachment.readonly:
                raise ConflictError(
                    "the volume holds no file system yet, and is attached for reading only; attach it for "
                    "writing first"
                )
            filesystem.make(attachment.device, record.file_system, has_grown=record.grow_pending)
            self._gate.done(admission, record.id, f"formatted as {record.file_system}")
        self._set_ready(record)

    def _set_ready(self, record: VolumeRecord) -> None:
        if record.state is not VolumeState.READY:
            self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, state=VolumeState.READY))


def _refuse_volumes(path: Path, *, field: str) -> None:
    """Raise for a place in or above a mounted volume, whosever it is.

    A tree is copied with root's rights. It may be somebody else's, and whoever writes to a volume could
    exchange directories in it while they are walked.
    """
    if mounted_around(path):
        raise PermissionDeniedError(f"{field}: expected a directory outside of mounted volumes")
