"""What the kernel goes by in a volume with integrity is looked at before the kernel believes it."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import DamagedHeaderError, UnsupportedHeaderError
from holdfast.volumes.integrity_block import IntegrityBlock, read_integrity_block
from holdfast.volumes.key_reference import growth, growth_token
from holdfast.volumes.luks_read import Luks2Header

OFFSET = 8 << 20
# As Linux 6.1 writes it for 4 MiB: version, sectors between tags, tag, journal, size, flags, block.
SOUND = (b"integrt\0", 4, 15, 32, 1, 9840, 8, 3)


@pytest.fixture
def read(tmp_path):
    def reading(*fields, cut=None):
        path = tmp_path / "volume"
        raw = struct.pack("<8sBBHIQIB", *fields)[:cut]
        path.write_bytes(bytes(OFFSET) + raw)
        with path.open("rb") as file:
            return read_integrity_block(file.fileno(), OFFSET)

    return reading


def test_what_the_kernel_wrote_is_understood(read):
    found = read(*SOUND)
    assert found.guard_bytes == (8 + 264) * 512  # `dmsetup table` says journal_sectors:264
    assert found.offered_bytes(area_of(4 << 20)) == 9840 * 512
    assert found.offered_bytes(area_of(8 << 20)) == 18160 * 512


@given(size=integers(1 << 10, 1 << 38), sections=integers(1, 496))
def test_the_area_always_holds_what_the_volume_is_to_offer(size, sections):
    """With the journal that the kernel makes: of at most one part in 128, and one section."""
    area = area_of(size * 4096)
    journal = min(max(1, area // 128 // (264 * 512)), sections) * 264 * 512
    assert IntegrityBlock(4096 + journal).offered_bytes(area) >= size * 4096


def area_of(size):
    return VolumeFile("vol1", Path("/"), size, "-", integrity=True).area_bytes


def changed(place, value):
    return (*SOUND[:place], value, *SOUND[place + 1 :])


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(changed(2, 14), id="between"),
        pytest.param(changed(3, 16), id="tag"),
        pytest.param(changed(4, 0), id="no-journal"),
        pytest.param(changed(4, 1 << 31), id="journal-that-takes-all-memory"),
        pytest.param(changed(6, 8 | 2), id="flag-recalculating"),
        pytest.param(changed(6, 8 | 1), id="flag-journal-mac"),
        pytest.param(changed(7, 0), id="block-size"),
    ],
)
def test_what_no_volume_of_ours_has_is_refused(read, fields):
    with pytest.raises(UnsupportedHeaderError):
        read(*fields)


def test_none_there_is_damage(read):
    with pytest.raises(DamagedHeaderError, match="lost"):
        read(*changed(0, b"garbage\0"))
    with pytest.raises(DamagedHeaderError, match="lost"):
        read(*SOUND, cut=20)


def header(token):
    sections = {"keyslots": {}, "segments": {}, "digests": {}, "config": {}}
    return Luks2Header("uuid", 1, {**sections, "tokens": {} if token is None else {"2": token}})


def test_the_note_of_a_growth():
    note = {"type": "holdfast-growth", "keyslots": [], "size": "5368709120"}
    assert growth(header(None)) is None
    assert json.loads(growth_token(5 << 30)) == note
    assert growth(header(note)) == 5 << 30
    assert growth(header({**note, "type": "somebody-else's"})) is None
    for size in ("-1", "", "9" * 5000, "\u0665"):
        with pytest.raises(DamagedHeaderError, match="growth"):
            growth(header({**note, "size": size}))
