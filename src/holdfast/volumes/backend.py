"""The interface of everything that makes a volume usable, and the choice among them.

There are two ways to use an encrypted volume. A ``VolumeBackend`` attaches it as a block device that can
be formatted and mounted; it needs privileges. A ``CopyBackend`` copies whole directory trees in and
out and needs none. Both work on the same LUKS2 file: a volume remembers its format, not its back end.

Order of calls: ``attach``, then any number of uses of the device, then ``detach``. Nothing about an
attachment is remembered in our memory or on disk; ``status`` and ``recover`` ask the kernel.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.model.secret_bytes import SecretBytes

AUTO = "auto"

_BLOCK_BYTES = 4096
_INTEGRITY_EXTRA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class VolumeFile:
    """Where the bytes of a volume are.

    Attributes:
        id: the name of the volume within its pool.
        path: the backing file.
        size: the size of the volume as requested, in bytes; the header comes on top.
        uuid: its identity, chosen before the file is formatted.
        encrypted: whether the file begins with a LUKS2 header.
        integrity: whether its encryption is authenticated; see ``integrity``.
    """

    id: str
    path: Path
    size: int
    uuid: str
    encrypted: bool = True
    integrity: bool = False

    @property
    def area_bytes(self) -> int:
        """How much of the backing file the data takes up, with all that guards it."""
        if not self.integrity:
            return self.size
        # The kernel keeps 32 bytes beside each 4096, a journal of at most as much, and a block of its own.
        return (self.size + self.size // 64 + _INTEGRITY_EXTRA_BYTES) // _BLOCK_BYTES * _BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a back end can do on this host.

    Attributes:
        usable: whether it works at all.
        why_not: one sentence for the operator where it does not.
        attaches: whether it offers a block device; otherwise it copies trees.
        discard: whether deleting files can give space back to the pool.
        integrity: whether it attaches volumes whose encryption is authenticated.
    """

    usable: bool
    why_not: str = ""
    attaches: bool = True
    discard: bool = False
    integrity: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A volume that is attached.

    Attributes:
        uuid: the volume.
        backend: the name of the back end that serves it.
        device: the path of its block device.
        readonly: whether the device refuses writes.
        details: for the operator; process numbers, devices below.
    """

    uuid: str
    backend: str
    device: str
    readonly: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


class AttachStage(enum.Enum):
    """How far a volume is attached."""

    DETACHED = "detached"
    ATTACHED = "attached"
    BROKEN = "broken"  # the device is there, what serves it is not; only a forced detach helps


@dataclass(frozen=True, slots=True)
class AttachState:
    """What the kernel says about a volume.

    Attributes:
        stage: how far it is attached.
        attachment: the attachment, unless it is detached.
        mounts: where its device is mounted.
    """

    stage: AttachStage
    attachment: Attachment | None = None
    mounts: tuple[Path, ...] = ()


class Backend(Protocol):
    """What every back end answers."""

    @property
    def name(self) -> str:
        """The name operators know it by."""
        ...

    def probe(self) -> Capabilities:
        """Find out what it can do on this host, now."""
        ...


class VolumeBackend(Backend, Protocol):
    """Attaches volumes as block devices."""

    def attach(self, vol: VolumeFile, key: SecretBytes | None, *, readonly: bool = False) -> Attachment:
        """Make the volume a block device.

        Args:
            vol: the volume.
            key: what opens its header; ``None`` exactly for a volume that is not encrypted.
            readonly: refuse writes to the device.

        Raises:
            WrongKeyError: the key does not open it.
            ForeignVolumeError, TruncatedVolumeError, DamagedHeaderError, ErasedVolumeError,
            UnsupportedHeaderError: the file is not what it should be.
            VolumeBusyError: it is attached already, or being changed.
            AttachFailedError: the host refused; nothing is left behind.
        """
        ...

    def detach(self, vol: VolumeFile, *, force: bool = False) -> None:
        """Take the device away; a volume that is not attached is no error.

        Args:
            vol: the volume.
            force: also when it is mounted or hangs; what was not yet synced may be lost.

        Raises:
            VolumeBusyError: it is in use, and ``force`` was not given.
        """
        ...

    def grow(self, vol: VolumeFile) -> None:
        """Make the device of an attached volume as large as its backing file has become. Safe to repeat.

        Args:
            vol: the volume with its new size; see ``Pool.grow``.

        Raises:
            VolumeBusyError: it is not attached, or its device is broken.
            UnsupportedError: it has to be detached and attached again first.
        """
        ...

    def cut_off(self, vol: VolumeFile) -> None:
        """Make the device of an attached volume fail from now on; waits for nobody and takes no lock.

        Raises:
            AttachFailedError: the host refused.
        """
        ...

    def status(self, vol: VolumeFile) -> AttachState:
        """Return what the kernel says about the volume."""
        ...

    def recover(self) -> list[Attachment]:
        """Return every attachment of this back end, and clean up what an interrupted attach left."""
        ...


class CopyBackend(Backend, Protocol):
    """Copies directory trees into and out of volumes."""

    def import_tree(self, vol: VolumeFile, key: SecretBytes, source: Path) -> None:
        """Replace the content of the volume by the tree below ``source``.

        Raises:
            TooLargeError: the tree does not fit.
            InvalidInputError: it holds something that is neither file, directory nor symbolic link.
            WrongKeyError, ForeignVolumeError, TruncatedVolumeError, VolumeBusyError: as for attaching.
        """
        ...

    def export_tree(self, vol: VolumeFile, key: SecretBytes, destination: Path) -> None:
        """Write the content of the volume into ``destination``, an empty directory.

        Raises:
            InvalidInputError: the directory is not empty.
            DamagedFileSystemError: the volume holds no sound file system.
            WrongKeyError, ForeignVolumeError, TruncatedVolumeError, VolumeBusyError: as for attaching.
        """
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """The back end to use, and why not another.

    Attributes:
        backend: the one chosen.
        capabilities: what it can do here.
        passed_over: name and reason of each that was preferred and does not work here.
    """

    backend: VolumeBackend | CopyBackend
    capabilities: Capabilities
    passed_over: tuple[tuple[str, str], ...] = ()


def select(backends: Sequence[VolumeBackend | CopyBackend], requested: str = AUTO) -> Selection:
    """Choose a back end.

    Args:
        backends: the candidates, the most preferred first.
        requested: a name, or ``auto`` for the first that works on this host.

    Raises:
        InvalidInputError: no candidate has the requested name.
        UnsupportedError: the requested one, or every one, does not work here; tells why.
    """
    candidates = [backend for backend in backends if requested in {AUTO, backend.name}]
    if not candidates:
        names = ", ".join(backend.name for backend in backends)
        raise InvalidInputError(f"backend: expected one of {AUTO}, {names}")
    passed_over: list[tuple[str, str]] = []
    for backend in candidates:
        capabilities = backend.probe()
        if capabilities.usable:
            return Selection(backend, capabilities, tuple(passed_over))
        passed_over.append((backend.name, capabilities.why_not))
    reasons = "; ".join(f"{name}: {why}" for name, why in passed_over)
    raise UnsupportedError(f"no volume back end works on this host ({reasons})")
