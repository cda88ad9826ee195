"""One user's calls to a node that is under test, and what they do to its volumes."""

import os

from holdfast.node.inventory.catalog import Catalog
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import SecretRef
from holdfast.volumes.luks_header import LuksHeader

MIB = 1 << 20


class Caller:
    """One user's calls to a node that has a cluster-wide key."""

    def __init__(self, t, name="alice"):
        self.t, self.name = t, name
        t.call(t.admin, SecretsService.set_cluster_key, t.node.secrets, "cluster-key", generate=True)

    def _call(self, operation, service, *args, **kwargs):
        return self.t.call(self.t.token(self.name), operation, service, *args, **kwargs)

    def volume(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.volumes, *args, **kwargs)

    def copy(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.snapshots, *args, **kwargs)

    def host(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.attachments, *args, **kwargs)

    def figures(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.usage, *args, **kwargs)

    def create(self, name="vol1", **fields):
        fields = {"size_bytes": 16 * MIB, "encrypted": True, **fields}
        return self.volume(VolumeService.create, VolumeSpec(name=name, **fields))

    def snapshot(self, name="snap1", of="vol1", **labels):
        return self.copy(SnapshotService.create, of, name, labels=labels)

    def clone(self, name="copy1", of="vol1", **fields):
        return self.copy(SnapshotService.clone, CloneSpec(name=name, parent=of, **fields))

    def mounted(self, name):
        target = self.t.host_root / name
        target.mkdir(exist_ok=True)
        self.host(AttachService.attach, name)
        self.host(AttachService.mount, name, str(target))
        return target

    def detach(self, name):
        self.host(AttachService.detach, name, unmount=True)

    def read(self, name):
        """Return what a volume holds, by file name, and leave it detached."""
        target = self.mounted(name)
        found = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
        self.detach(name)
        return found

    def header(self, volume):
        """Return the header of a volume, named or as it was recorded, be it there still or not."""
        record = self.record(volume) if isinstance(volume, str) else volume
        return LuksHeader(self.t.devices.file(record))

    def key(self, name="cluster-key", version=None):
        return self.t.provider.get(SecretRef(name, version=version)).value

    def record(self, name):
        return Catalog(self.t.storage).find(name)

    def names(self):
        return {record.name for record in Catalog(self.t.storage).enumerate()}

    def pool_files(self):
        return {path.name for path in self.t.devices.pool.directory.iterdir() if path.suffix != ".lock"}


def size_of(target):
    """Return how large the file system is that is mounted there."""
    found = os.statvfs(target)
    return found.f_blocks * found.f_frsize


def written(target, **files):
    """Write files into a volume that is mounted there."""
    for name, data in files.items():
        (target / name).write_bytes(data)
