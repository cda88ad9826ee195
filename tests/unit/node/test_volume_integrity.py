"""A volume is never made with less than was asked for: integrity is refused where no kernel part has it.

What it does where there is one is in ``tests/vm/test_integrity.py``.
"""

import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import UnsupportedError
from holdfast.node.errors import VolumeExistsError
from holdfast.node.keys.secrets_service import SecretsService
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
