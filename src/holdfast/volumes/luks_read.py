r"""Reading a LUKS2 header without help from another program (LUKS2 On-Disk Format 1.1, sections 2 and 3).

A header has two copies, each a 4096-byte binary part and a JSON part, guarded together by a checksum.
All integers of the binary part are big-endian:

      0  magic "LUKS\xba\xbe" (first copy) or "SKUL\xba\xbe" (second)
      6  version = 2          8  size of this copy       16  sequence number
     24  label, 48 bytes     72  checksum algorithm, 32  104  salt, 64
    168  uuid, 40 bytes     208  subsystem, 48          256  offset of this copy
    448  checksum, 64 bytes, itself counted as zeros

The intact copy with the highest sequence number is the truth; one damaged copy is survived. The file
is not trusted: every field that is used is checked for type and range first.

This module is loaded by the daemon of an attached volume, so it imports little.
"""

import hashlib
import json
import os
import struct
import time

from holdfast.volumes.errors import DamagedHeaderError, ErasedVolumeError, UnsupportedHeaderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECTOR_SIZES = (512, 1024, 2048, 4096)
CIPHER = "aes-xts-plain64"
INTEGRITY = "hmac(sha256)"
GROWTH_TOKEN_TYPE = "holdfast-growth"  # noqa: S105 (a type, not a credential)

_BINARY = struct.Struct(">6sHQQ48s32s64s40s48sQ184s64s")
_VERSION = 2
_SECTIONS = ("keyslots", "tokens", "segments", "digests", "config")
_BINARY_BYTES = 4096
_CHECKSUM_AT = 448
_COPY_SIZES = tuple(1 << power for power in range(14, 23))  # 16 KiB to 4 MiB, section 2.1
_FIRST_MAGIC, _SECOND_MAGIC = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
_ANNOUNCEMENT_BYTES = _CHECKSUM_AT + 64
_PAUSES_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
_SLOT_NUMBERS = frozenset(str(number) for number in range(32))


class Luks2Header:
    """An intact header.

    Attributes:
        uuid: the identity of the volume, as text.
        sequence: how often the header was written.
        metadata: the JSON part; its sections ``keyslots``, ``tokens``, ``segments``, ``digests`` and
            ``config`` are objects, anything below is unchecked.
    """

    __slots__ = ("metadata", "sequence", "uuid")

    def __init__(self, uuid: str, sequence: int, metadata: "dict[str, dict[str, Any]]") -> None:
        self.uuid = uuid
        self.sequence = sequence
        self.metadata = metadata

    @property
    def keyslots(self) -> tuple[int, ...]:
        """The numbers of the keyslots in use, in order."""
        return tuple(sorted(int(number) for number in self.metadata["keyslots"]))


class DataSegment:
    """Where the encrypted data lies.

    Attributes:
        offset_bytes: where it begins in the file; it ends where the file ends.
        sector_bytes: the size of a sector.
    """

    __slots__ = ("offset_bytes", "sector_bytes")

    def __init__(self, offset_bytes: int, sector_bytes: int) -> None:
        self.offset_bytes = offset_bytes
        self.sector_bytes = sector_bytes

    def payload_bytes(self, file_bytes: int) -> int:
        """Return the size of the device inside a file of that length: whole 4096-byte blocks."""
        return max(0, file_bytes - self.offset_bytes) // 4096 * 4096


def read_header(descriptor: int) -> Luks2Header:
    """Return the newest intact copy of the header.

    Whoever writes a header writes one copy after the other, and a re-encryption does so all the time. So the
    first may be found half written and the second, looked at a moment later, as well: where both look damaged
    they are looked at again, for a third of a second at most.

    Args:
        descriptor: an open file or block device.

    Raises:
        DamagedHeaderError: there is none.
    """
    for pause in _PAUSES_SECONDS:
        copies = _intact_copies(descriptor)
        if copies or not os.pread(descriptor, len(_FIRST_MAGIC), 0).startswith(_FIRST_MAGIC):
            break
        time.sleep(pause)
    else:
        copies = _intact_copies(descriptor)
    if not copies:
        raise DamagedHeaderError("the volume has no intact LUKS2 header")
    return max(copies, key=lambda header: header.sequence)


def _intact_copies(descriptor: int) -> list[Luks2Header]:
    copies = [_read_copy(descriptor, 0, _FIRST_MAGIC)]
    # The second copy follows the first at once, so its place tells the size of both.
    copies += [_read_copy(descriptor, size, _SECOND_MAGIC) for size in _COPY_SIZES]
    return [copy for copy in copies if copy is not None]


def data_segment(header: Luks2Header, *, integrity: bool = False, growing: bool = False) -> DataSegment:
    """Return where the data lies, if it may be served.

    Args:
        header: as it was read.
        integrity: whether the volume was made with authenticated encryption. A header that says otherwise is
            refused either way: whoever can write the file must not be able to switch it off.
        growing: for whoever is making it larger: blocks at its end may have no tags yet.

    Raises:
        ErasedVolumeError: no keyslot is left.
        UnsupportedHeaderError: a re-encryption or growth is under way, or layout or cipher are others.
        DamagedHeaderError: fields are missing or of the wrong type.
    """
    try:
        # A half-done re-encryption still opens with its key; serving it would mix two volume keys.
        if header.metadata["config"].get("requirements", {}).get("mandatory"):
            raise UnsupportedHeaderError("the volume is being re-encrypted; finish that first")
        if not header.metadata["keyslots"]:
            raise ErasedVolumeError("the volume was erased: no key can open it any more")
        notes = header.metadata["tokens"].values()
        if integrity and not growing and any(note["type"] == GROWTH_TOKEN_TYPE for note in notes):
            raise UnsupportedHeaderError(
                "the volume's growth was interrupted; resize it again to finish that"
            )
        if list(header.metadata["segments"]) != ["0"]:
            raise UnsupportedHeaderError("the volume has more than one data segment")
        segment = header.metadata["segments"]["0"]
        offset, sector_bytes = int(segment["offset"]), int(segment["sector_size"])
        plain = (segment["type"], segment["encryption"], segment["size"], int(segment["iv_tweak"]))
        _require_integrity(segment.get("integrity"), wanted=integrity)
        if plain != ("crypt", CIPHER, "dynamic", 0):
            raise UnsupportedHeaderError(f"the volume is not encrypted as {CIPHER} in one piece")
        if sector_bytes not in SECTOR_SIZES or offset <= 0 or offset % 4096:
            raise UnsupportedHeaderError("the volume has an unusual sector size or data offset")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DamagedHeaderError("the volume's header lacks a field or has one of the wrong type") from None
    return DataSegment(offset, sector_bytes)


def _require_integrity(found: "dict[str, Any] | None", *, wanted: bool) -> None:
    if found is None and wanted:
        raise UnsupportedHeaderError("the volume was made with authenticated encryption, and has it no more")
    if found is not None and not wanted:
        raise UnsupportedHeaderError("the volume's encryption is authenticated, which only dm-crypt can read")
    if found is not None and found["type"] != INTEGRITY:
        raise UnsupportedHeaderError(f"the volume's encryption is not authenticated by {INTEGRITY}")


def _read_copy(descriptor: int, offset: int, magic: bytes) -> Luks2Header | None:
    try:
        return _parse_copy(descriptor, offset, magic)
    except (KeyError, TypeError, ValueError, RecursionError, struct.error):
        return None


def _parse_copy(descriptor: int, offset: int, magic: bytes) -> Luks2Header:
    announcement = os.pread(descriptor, _ANNOUNCEMENT_BYTES, offset)
    found, version, size, sequence, _, algorithm, _, uuid, _, place, _, checksum = _BINARY.unpack(
        announcement
    )
    if (found, version, place) != (magic, _VERSION, offset) or size not in _COPY_SIZES:
        raise ValueError("no copy of a LUKS2 header is here")
    raw = bytearray(os.pread(descriptor, size, offset))
    raw[_CHECKSUM_AT:_ANNOUNCEMENT_BYTES] = bytes(64)
    digest = hashlib.new(_text(algorithm), raw).digest()
    if len(raw) != size or checksum[: len(digest)] != digest:
        raise ValueError("the copy is damaged")
    metadata = json.loads(bytes(raw[_BINARY_BYTES:]).split(b"\0", 1)[0])
    if not all(isinstance(metadata[name], dict) for name in _SECTIONS):
        raise TypeError("a section is not an object")
    if not _SLOT_NUMBERS.issuperset(metadata["keyslots"]):
        raise ValueError("a keyslot has no number")
    return Luks2Header(_text(uuid), sequence, metadata)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii")
