"""What is not the volume that it should be is refused in clear words, and left as it is."""

import base64
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time

import msgspec
import pytest
from tests.support.node_under_test import new_node, release

from holdfast.errors import ConflictError, HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import SecretRef
from holdfast.volumes import loop
from holdfast.volumes.errors import PoolFullError
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader

MIB = 1 << 20
SIZE = 16 * MIB
SECOND_COPY = 16 << 10


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


class Site:
    """A node, and an encrypted volume of alice's with a secret that she named."""

    def __init__(self, directory):
        self.made = new_node(directory)
        self.made.provider.put(SecretRef("named"), random_key())
        self.made.provider.put(SecretRef("other"), random_key())

    def call(self, operation, service, *args, **kwargs):
        return self.made.call(
            self.made.token("alice"), operation, getattr(self.made.node, service), *args, **kwargs
        )

    def create(self, name="vol1"):
        spec = VolumeSpec(name=name, size_bytes=SIZE, encrypted=True, secret_name="named")
        return self.call(VolumeService.create, "volumes", spec)

    def file(self, name="vol1"):
        return self.made.devices.file(self.record(name))

    def record(self, name="vol1"):
        return Catalog(self.made.storage).find(name)

    @property
    def path(self):
        return self.file().path

    def devices(self):
        uuids = {record.uuid for record in Catalog(self.made.storage).enumerate()}
        return [device for device in loop.marked_devices() if device.uuid in uuids]

    def digest(self):
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    release(made.made)


OPERATIONS = {
    "attach": lambda site: site.call(AttachService.attach, "attachments", "vol1"),
    "rotate": lambda site: site.call(VolumeService.rotate_key, "volumes", "vol1", secret_name="other"),
    "resize": lambda site: site.call(VolumeService.update, "volumes", "vol1", size_bytes=2 * SIZE),
    "snapshot": lambda site: site.call(SnapshotService.create, "snapshots", "vol1", "snap1"),
    "recovery-key": lambda site: site.call(VolumeKeyService.add_recovery_key, "volume_keys", "vol1"),
    "re-encrypt": lambda site: site.call(VolumeKeyService.reencrypt, "volume_keys", "vol1"),
}
HEADER_ONLY = frozenset({"rotate", "recovery-key"})  # what a sound header is enough for


def key_file(directory):
    path = directory / "their.key"
    path.write_bytes(b"somebody else's passphrase")
    return str(path)


def cryptsetup(*words):
    subprocess.run(["cryptsetup", "-q", *words], check=True, capture_output=True, timeout=60)


def write_at(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


# --- what may have happened to a backing file ----------------------------------------------------


def another_volume(site, directory):
    site.create("vol2")
    shutil.copyfile(site.file("vol2").path, site.path)


def luks1(site, directory):
    write_at(site.path, 0, bytes(HEADER_BYTES))
    cryptsetup("luksFormat", "--type", "luks1", "--iter-time", "10", str(site.path), key_file(directory))


def luks2_of_somebody_else(site, directory):
    write_at(site.path, 0, bytes(HEADER_BYTES))
    light = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    cryptsetup("luksFormat", "--type", "luks2", *light, str(site.path), key_file(directory))


def detached_header(site, directory):
    """The header lies in a file of its own; what is in the backing file begins with data."""
    header = directory / "their.header"
    header.touch()
    os.truncate(header, HEADER_BYTES + SIZE)
    light = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    site.path.write_bytes(os.urandom(HEADER_BYTES + SIZE))
    cryptsetup("luksFormat", *light, "--header", str(header), str(site.path), key_file(directory))


def file_system(site, directory):
    write_at(site.path, 0, bytes(HEADER_BYTES))
    subprocess.run(["mkfs.ext4", "-q", "-F", str(site.path)], check=True, timeout=60)


def noise(site, directory):
    write_at(site.path, 0, os.urandom(HEADER_BYTES))


def both_copies(site, directory):
    for offset in (300, SECOND_COPY + 300):
        write_at(site.path, offset, b"\xff" * 64)


def erased(site, directory):
    LuksHeader(site.file()).erase()


def no_header_left(site, directory):
    write_at(site.path, 0, bytes(HEADER_BYTES))


def cut_within_header(site, directory):
    os.truncate(site.path, 8 << 10)


def empty(site, directory):
    os.truncate(site.path, 0)


def cut_within_data(site, directory):
    os.truncate(site.path, HEADER_BYTES + SIZE // 2)


def wrong_key(site, directory):
    (version,) = (path for path in (directory / "secrets").rglob("1") if path.read_bytes() == key_of(site))
    version.chmod(0o600)
    version.write_bytes(random_key().reveal())


def key_of(site):
    return site.made.provider.get(SecretRef("named")).value.reveal()


@pytest.mark.parametrize(
    ("harm", "text", "verdict", "works"),
    [
        (another_volume, "another volume", "bad-header", ()),
        (luks1, "LUKS2|LUKS1", "bad-header", ()),
        (luks2_of_somebody_else, "another volume", "bad-header", ()),
        (detached_header, "no intact LUKS2 header", "bad-header", ()),
        (file_system, "no intact LUKS2 header", "bad-header", ()),
        (noise, "no intact LUKS2 header", "bad-header", ()),
        (both_copies, "no intact LUKS2 header", "bad-header", ()),
        (no_header_left, "no intact LUKS2 header", "bad-header", ()),
        (cut_within_header, "LUKS2 header|shorter", "bad-header", ()),
        (empty, "LUKS2 header|shorter", "bad-header", ()),
        (erased, "erased", "erased", ("rotate",)),
        (wrong_key, "no keyslot of the volume opens|key", "wrong", ("snapshot", "resize")),
        (cut_within_data, "shorter", "truncated", HEADER_ONLY),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_backing_file_that_is_not_the_volume(site, tmp_path, harm, text, verdict, works):
    site.create()
    harm(site, tmp_path)
    before = site.digest()
    (finding,) = site.call(VolumeKeyService.examine, "volume_keys", ["vol1"])
    assert finding.verdict == verdict, finding
    said = {}
    for name in OPERATIONS.keys() - set(works):
        with pytest.raises(HoldfastError) as refusal:
            perform(site, name)
        said[name] = refusal.value.message
        assert site.digest() == before, f"{name} changed the file"
    assert {name: words for name, words in said.items() if not re.search(text, words)} == {}
    assert site.record().size_bytes == SIZE
    assert site.record("snap1") is None
    assert site.devices() == []


def perform(site, name):
    """Do it, and wait for the end of what goes on for longer."""
    OPERATIONS[name](site)
    if name != "re-encrypt":
        return
    deadline = time.monotonic() + 60
    while (state := site.call(VolumeKeyService.reencryption_status, "volume_keys", "vol1")).running:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    if state.problem:
        raise ConflictError(state.problem)


@pytest.mark.parametrize("offset", [0, 300, 4200, SECOND_COPY, SECOND_COPY + 300, SECOND_COPY + 4200])
def test_one_damaged_copy_of_the_header_is_no_trouble(site, offset):
    site.create()
    target = site.made.directory("mnt")
    site.call(AttachService.attach, "attachments", "vol1")
    site.call(AttachService.mount, "attachments", "vol1", str(target))
    (target / "letter").write_bytes(b"kept")
    site.call(AttachService.detach, "attachments", "vol1", unmount=True)
    write_at(site.path, offset, b"\xff" * 8)
    (finding,) = site.call(VolumeKeyService.examine, "volume_keys", ["vol1"])
    assert finding.verdict == "good"
    for name in ("rotate", "resize", "recovery-key", "attach"):
        perform(site, name)
    site.call(AttachService.mount, "attachments", "vol1", str(target))
    assert (target / "letter").read_bytes() == b"kept"


@pytest.mark.parametrize(
    "kind", [another_volume, luks1, luks2_of_somebody_else, file_system, noise, cut_within_data]
)
def test_making_a_volume_goes_over_nothing(site, tmp_path, kind):
    """It is begun again where it was cut short, and something else has got into its place."""
    record = site.create()
    Catalog(site.made.storage).update(record.id, prepared)
    kind(site, tmp_path)
    before = site.digest()
    with pytest.raises(HoldfastError, match=r"holds data already|another volume|shorter"):
        site.create()
    assert site.digest() == before
    assert site.record().state is VolumeState.PREPARED


def prepared(record):
    return msgspec.structs.replace(record, state=VolumeState.PREPARED)


@contextlib.contextmanager
def mounted(place, size):
    """A small file system in memory."""
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_pool_that_is_full(tmp_path):
    with mounted(tmp_path / "pool", 2 * (HEADER_BYTES + SIZE)):
        site = Site(tmp_path)
        site.create()
        filler = tmp_path / "pool" / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(MIB))
        before = site.digest()
        for name in ("resize", "snapshot"):
            with pytest.raises(PoolFullError, match="less free space"):
                perform(site, name)
        with pytest.raises(PoolFullError, match="less free space"):
            site.create("vol2")
        assert site.record("vol2") is None
        assert site.digest() == before
        perform(site, "rotate")  # keyslots have their room already
        perform(site, "attach")
        release(site.made)


def test_a_pool_that_can_only_be_read(tmp_path):
    with mounted(tmp_path / "pool", 4 * (HEADER_BYTES + SIZE)):
        site = Site(tmp_path)
        site.create()
        before = site.digest()
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "pool")], check=True)
        for name in OPERATIONS:
            with pytest.raises((HoldfastError, OSError)):
                perform(site, name)
        with pytest.raises((HoldfastError, OSError)):
            site.create("vol2")
        assert site.digest() == before
        assert site.record().size_bytes == SIZE
        assert [record.name for record in Catalog(site.made.storage).enumerate()] == ["vol1"]
        subprocess.run(["mount", "-o", "remount,rw", str(tmp_path / "pool")], check=True)
        for name in ("rotate", "resize", "attach"):
            perform(site, name)
        release(site.made)
