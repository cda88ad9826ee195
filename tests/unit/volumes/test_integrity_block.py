"""What the kernel goes by in a volume with integrity is looked at before the kernel believes it."""

import struct

import pytest

from holdfast.volumes.errors import DamagedHeaderError, UnsupportedHeaderError
from holdfast.volumes.integrity_block import read_integrity_block
from holdfast.volumes.key_reference import growth_token, tagged_bytes
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
    assert found.offered_bytes == 9840 * 512
    assert found.guard_bytes == (8 + 264) * 512  # `dmsetup table` says journal_sectors:264


def changed(place, value):
    return (*SOUND[:place], value, *SOUND[place + 1 :])


@pytest.mark.parametrize(
    "fields",
    [
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
    assert tagged_bytes(header(None)) is None
    assert growth_token(5 << 30) == b'{"type": "holdfast-growth", "keyslots": [], "tagged": "5368709120"}'
    assert (
        tagged_bytes(header({"type": "holdfast-growth", "keyslots": [], "tagged": "5368709120"})) == 5 << 30
    )
    assert tagged_bytes(header({"type": "somebody-else's", "tagged": "1"})) is None
    with pytest.raises(DamagedHeaderError, match="growth"):
        tagged_bytes(header({"type": "holdfast-growth", "keyslots": [], "tagged": "-1"}))
