"""The volumes that benchmarks use, encrypted and plain, through the back ends that nodes use."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from holdfast.model import SecretBytes
from holdfast.volumes import filesystem
from holdfast.volumes.backend import VolumeBackend, VolumeFile
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.plain import PlainBackend
from holdfast.volumes.pool import Pool


@dataclass(frozen=True)
class Kind:
    """A volume, and how it is attached.

    Attributes:
        backend: what attaches it.
        vol: the volume.
        key: what opens it, if it is encrypted.
    """

    backend: VolumeBackend
    vol: VolumeFile
    key: SecretBytes | None

    @property
    def name(self) -> str:
        """The name of the back end."""
        return self.backend.name

    def attach(self) -> str:
        """Attach it; returns the device."""
        return self.backend.attach(self.vol, self.key).device

    def detach(self, *, force: bool = False) -> None:
        """Detach it."""
        self.backend.detach(self.vol, force=force)

    def make_file_system(self) -> None:
        """Attach it, make a file system, detach it."""
        try:
            filesystem.make(self.attach())
        finally:
            self.detach(force=True)


class Bed:
    """Where volumes of a benchmark are.

    Args:
        directory: an empty one, on the file system that is to count.

    Raises:
        SystemExit: this host does not let us attach volumes.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.target = directory / "mounted"
        self.target.mkdir()
        self._pool = Pool(directory / "pool")
        self._encrypting = [DmCryptBackend(), LuksFuseBackend(directory / "attach")]
        why_not = PlainBackend().probe().why_not
        if why_not or not self.encrypting():
            raise SystemExit(f"volumes cannot be attached here: {why_not or 'nothing encrypts them'}")

    def encrypting(self) -> list[VolumeBackend]:
        """Return the back ends for encrypted volumes that work here, the most preferred first."""
        return [backend for backend in self._encrypting if backend.probe().usable]

    def encrypted(self, size: int, backend: VolumeBackend | None = None) -> Kind:
        """Make an encrypted volume; without a back end, the most preferred one attaches it."""
        backend = backend or self.encrypting()[0]
        key = SecretBytes(base64.b64encode(os.urandom(32)))
        vol = self._pool.create(f"by-{backend.name}", size)
        LuksHeader(vol).format(key, KeyReference("file", "bench"))
        return Kind(backend, vol, key)

    def plain(self, size: int) -> Kind:
        """Make a volume that is not encrypted."""
        return Kind(PlainBackend(), self._pool.create("plain", size, encrypted=False), None)
