"""A volume is never made with less than was asked for: integrity is refused where no kernel part has it.

What it does where there is one is in ``tests/vm/test_integrity.py``.
"""

import msgspec
import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import UnsupportedError
from holdfast.node.backups.backup_service import CloudBackupService
from holdfast.node.backups.format import Manifest
from holdfast.node.backups.restores import RestoreSpec
from holdfast.node.errors import VolumeExistsError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers.generate import random_key
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import UnsupportedHeaderError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.luks_read import Luks2Header, data_segment
from holdfast.volumes.pool import Pool

SIZE = 4 << 20


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path, attaching=False)
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, "key", generate=True)
    return made


def create(under_test, **spec):
    wanted = VolumeSpec(name="vol1", size_bytes=SIZE, **spec)
    return under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, wanted)


def test_refused_where_nothing_has_it(under_test):
    with pytest.raises(UnsupportedError, match="dm-integrity"):
        create(under_test, integrity=True)
    assert create(under_test, encrypted=True).integrity is False  # and nothing is left of the first


def test_a_volume_without_it_is_not_taken_for_one_with(under_test, monkeypatch):
    create(under_test, encrypted=True)
    monkeypatch.setattr(type(under_test.devices), "require_integrity", lambda _: None)
    with pytest.raises(VolumeExistsError):
        create(under_test, integrity=True)


@pytest.fixture
def brought_along(under_test):
    """A volume with integrity, as its record says; more than that this host does not look at."""
    volume = create(under_test, encrypted=True)
    return Catalog(under_test.storage).update(
        volume.id, lambda now: msgspec.structs.replace(now, integrity=True)
    )


def resize(under_test, token):
    under_test.call(token, VolumeService.update, under_test.node.volumes, "vol1", size_bytes=2 * SIZE)


def reencrypt(under_test, token):
    under_test.call(token, VolumeKeyService.reencrypt, under_test.node.volume_keys, "vol1")


def clone_with_another_volume_key(under_test, token):
    spec = CloneSpec(name="copy", parent="vol1", reencrypt=True)
    under_test.call(token, SnapshotService.clone, under_test.node.snapshots, spec)


def import_a_tree(under_test, token):
    source = str(under_test.directory("tree"))
    under_test.call(token, AttachService.import_tree, under_test.node.attachments, "vol1", source)


def export_a_tree(under_test, token):
    destination = str(under_test.directory("tree"))
    under_test.call(token, AttachService.export_tree, under_test.node.attachments, "vol1", destination)


@pytest.mark.parametrize(
    "change", [resize, reencrypt, clone_with_another_volume_key, import_a_tree, export_a_tree]
)
def test_what_takes_the_kernel_is_refused_before_anything_is_touched(under_test, brought_along, change):
    path = under_test.devices.file(brought_along).path
    before = (path.read_bytes(), Catalog(under_test.storage).get(brought_along.id))
    with pytest.raises(UnsupportedError, match="dm-integrity"):
        change(under_test, under_test.token("alice"))
    assert (path.read_bytes(), Catalog(under_test.storage).get(brought_along.id)) == before
    assert [record.name for record in Catalog(under_test.storage).enumerate()] == ["vol1"]


def test_no_backup_of_such_a_volume_is_restored_here(under_test):
    token = under_test.token("alice")
    manifest = Manifest(
        backup_id="c/1-0123456789abcdef-0001",
        volume_id="1",
        volume_name="vol1",
        size_bytes=SIZE,
        file_system="ext4",
        encrypted=True,
        file_bytes=2 * SIZE,
        header_key="k",
        grow_pending=False,
        created_at=0,
        volume_labels={},
        labels={},
        pages=[],
        stored_bytes=0,
        uploaded_bytes=0,
    )
    spec = RestoreSpec(backup_id=manifest.backup_id, name="back")
    admission = under_test.node.admit(token, CloudBackupService.restore, peer="test")
    new_volumes = under_test.node.cloud_backups._new_volumes
    assert new_volumes.plan(admission, spec, manifest).integrity is False
    with pytest.raises(UnsupportedError, match="dm-integrity"):
        new_volumes.plan(admission, spec, msgspec.structs.replace(manifest, integrity=True))


def test_a_volume_whose_growth_was_cut_short_is_not_served(tmp_path):
    vol = Pool(tmp_path / "pool").create("vol1", SIZE)
    LuksHeader(vol).format(random_key(), KeyReference("file", "key", 1))
    header = LuksHeader(vol)
    header.note_growth(SIZE)
    assert header.growth() == SIZE
    guarded = header.read()
    guarded.metadata["segments"]["0"]["integrity"] = {"type": "hmac(sha256)"}
    with pytest.raises(UnsupportedHeaderError, match="resize it again"):
        data_segment(guarded, integrity=True)
    assert data_segment(guarded, integrity=True, growing=True).offset_bytes
    header.forget_growth()
    header.forget_growth()
    assert header.growth() is None
    assert header.noted_key().reference == KeyReference("file", "key", 1)


def test_header_and_record_have_to_agree(tmp_path):
    vol = Pool(tmp_path / "pool").create("vol1", SIZE)
    LuksHeader(vol).format(random_key(), KeyReference("file", "key", 1))
    header = LuksHeader(vol).read()
    assert data_segment(header).offset_bytes
    with pytest.raises(UnsupportedHeaderError, match="has it no more"):
        data_segment(header, integrity=True)
    header.metadata["segments"]["0"]["integrity"] = {"type": "hmac(sha256)"}
    guarded = Luks2Header(header.uuid, header.sequence, header.metadata)
    assert data_segment(guarded, integrity=True).offset_bytes
    with pytest.raises(UnsupportedHeaderError, match="only dm-crypt"):
        data_segment(guarded)
    header.metadata["segments"]["0"]["integrity"] = {"type": "crc32c"}
    with pytest.raises(UnsupportedHeaderError, match="not authenticated"):
        data_segment(guarded, integrity=True)


def test_the_backing_file_has_room_for_tags_and_journal(tmp_path):
    plain = VolumeFile("vol1", tmp_path / "vol1.img", 1 << 30, "-")
    guarded = VolumeFile("vol1", tmp_path / "vol1.img", 1 << 30, "-", integrity=True)
    assert plain.area_bytes == 1 << 30
    assert guarded.area_bytes >= (1 << 30) * (1 + 2 / 128)
    assert guarded.area_bytes % 4096 == 0
