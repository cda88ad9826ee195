"""The node's pool of backing files, and the ways it has to make volumes usable on this host."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.errors import UnsupportedError
from holdfast.node.inventory.records import VolumeRecord
from holdfast.volumes import loop
from holdfast.volumes.backend import (
    Attachment,
    AttachStage,
    AttachState,
    CopyBackend,
    VolumeBackend,
    VolumeFile,
)
from holdfast.volumes.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """What this node can do with volumes.

    Attributes:
        pool: where backing files are.
        encrypted: attaches encrypted volumes; ``None`` if this host lets nothing attach them.
        plain: attaches volumes that are not encrypted; ``None`` likewise.
        copier: copies trees into and out of encrypted volumes, without privileges.
        passed_over: name of each back end that does not work here, and why.
        pool_id: identity of the pool; empty for one that has none.
    """

    pool: Pool
    encrypted: VolumeBackend | None
    plain: VolumeBackend | None
    copier: CopyBackend | None
    passed_over: Sequence[tuple[str, str]] = ()
    pool_id: str = ""

    def file(self, record: VolumeRecord) -> VolumeFile:
        """Return where the bytes of a volume are."""
        kind = {"encrypted": record.encrypted, "integrity": record.integrity}
        return self.pool.volume(record.id, record.size_bytes, record.uuid, **kind)

    def attacher(self, record: VolumeRecord) -> VolumeBackend:
        """Return the back end that attaches a volume.

        Raises:
            UnsupportedError: nothing can, on this host; says why and what to do instead.
        """
        backend = self.encrypted if record.encrypted else self.plain
        if backend is None:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.passed_over)
            raise UnsupportedError(
                f"this node cannot attach volumes ({reasons}); copy trees in and out instead, "
                "with `hfctl volume import` and `hfctl volume export`"
            )
        if record.integrity:
            self.require_integrity()
        return backend

    def require_integrity(self) -> None:
        """Raise ``UnsupportedError`` if this host attaches no volumes whose encryption is authenticated."""
        if self.encrypted is None or not self.encrypted.probe().integrity:
            raise UnsupportedError(
                "integrity: this node cannot have volumes with authenticated encryption; that takes the back "
                "end dm-crypt and a kernel with the module dm-integrity"
            )

    def tree_copier(self, record: VolumeRecord) -> CopyBackend:
        """Return the back end that copies trees.

        Raises:
            UnsupportedError: nothing can, on this host or for this volume.
        """
        if self.copier is None or not record.encrypted:
            raise UnsupportedError("this node copies trees into and out of encrypted volumes only")
        if record.integrity:
            self.require_integrity()
        return self.copier

    def recover(self) -> list[Attachment]:
        """Find every attachment on this host again, and clean up what an interrupted attach left."""
        return [
            attachment
            for backend in (self.encrypted, self.plain)
            if backend is not None
            for attachment in backend.recover()
        ]

    def sequence(self, record: VolumeRecord) -> int:
        """Return what tells the device below a volume from every other; 0 if it is not attached."""
        device = loop.find(record.uuid)
        return 0 if device is None else loop.sequence(device.path)

    def state(self, record: VolumeRecord) -> AttachState:
        """Return how far a volume is attached, as the kernel says."""
        backend = self.encrypted if record.encrypted else self.plain
        if backend is None:
            return AttachState(AttachStage.DETACHED)
        return backend.status(self.file(record))
