r"""The block in which dm-integrity keeps what it knows of a device, behind the LUKS2 header.

All integers are little-endian:

      0  magic "integrt\0"        8  version                9  log2 of how many sectors lie between tags
     10  bytes of a tag, 16 bit   12  journal sections, 32   16  sectors that the device offers, 64
     24  flags, 32                28  log2 of the sectors of a block

The kernel believes it, and takes as much memory as it says the journal has. So it is looked at first: whoever
can write the backing file, or hands in a backup, may have written anything there.
"""

import os
import struct
from dataclasses import dataclass
from typing import Final

from holdfast.volumes.errors import DamagedHeaderError, UnsupportedHeaderError

_BLOCK = struct.Struct("<8sBBHIQIB")
_MAGIC = b"integrt\0"
_TAG_BYTES, _LOG2_SECTORS, _LOG2_BETWEEN = 32, 3, 15
_FIXED_PADDING = 8  # the only flag that a volume of ours has
# 4096 bytes of entries, of which 4 fit into 504 bytes, and a block for each of these 32.
_SECTION_BYTES = 4096 + 32 * 4096
# So many tags, for so much data, follow each other in turn.
_TAGS_BYTES, _TAGGED_BYTES = 4096 * _TAG_BYTES, 4096 * 4096
_MOST_JOURNAL_BYTES: Final = 64 << 20  # the kernel makes none larger unless it is told to


@dataclass(frozen=True, slots=True)
class IntegrityBlock:
    """What it says.

    Attributes:
        guard_bytes: how far the block itself and the journal reach; then come tags and data.
    """

    guard_bytes: int

    def offered_bytes(self, area_bytes: int) -> int:
        """Return the size of the device above an area of that size, as the kernel works it out."""
        turns, rest = divmod(area_bytes - self.guard_bytes, _TAGS_BYTES + _TAGGED_BYTES)
        return turns * _TAGGED_BYTES + max(0, rest - _TAGS_BYTES) // 4096 * 4096


def read_integrity_block(descriptor: int, offset: int) -> IntegrityBlock:
    """Read it.

    Args:
        descriptor: the open backing file.
        offset: where the data begins in it.

    Raises:
        DamagedHeaderError: there is none.
        UnsupportedHeaderError: it says something that no volume of ours has.
    """
    raw = os.pread(descriptor, _BLOCK.size, offset)
    if len(raw) != _BLOCK.size or not raw.startswith(_MAGIC):
        raise DamagedHeaderError("the volume has lost what its tags are found by")
    _, _, between, tag_bytes, sections, _, flags, sectors = _BLOCK.unpack(raw)
    journal_bytes = sections * _SECTION_BYTES
    if (between, tag_bytes, sectors, flags) != (_LOG2_BETWEEN, _TAG_BYTES, _LOG2_SECTORS, _FIXED_PADDING):
        raise UnsupportedHeaderError("the volume's blocks or tags have another form than expected")
    if not 0 < journal_bytes <= _MOST_JOURNAL_BYTES:
        raise UnsupportedHeaderError("the volume's journal has a size that no volume of ours has")
    return IntegrityBlock(4096 + journal_bytes)
