"""Authenticated encryption: whoever changes the backing file makes reads fail, where XTS alone returns noise.

    LUKS2 file -> loop device -> dm-integrity (a tag and a journal beside the data) -> dm-crypt

Each block of 4096 bytes has a tag, the HMAC-SHA-256 of what is stored and of where it is, by a key that the
header keeps with the volume key. A block whose tag does not fit gives an I/O error. What this does not tell
is that a block together with its tag, or the whole file, is an older one.

Only the device-mapper has it. cryptsetup neither grows nor re-encrypts such volumes, so neither is offered.
Their journal writes everything twice; in return a crash never leaves a block without its tag.

Until the kernel has moved a block out of the journal, it and its tag may be nowhere else. That is what a
crash leaves, what a copy of an attached volume holds, and before Linux 6.3 what is left by detaching, too.
The kernel replays the journal when the volume is mapped; if it cannot write then, because it is mapped for
reading only, it gives up, and every read is an error. So such a volume is mapped for writing first, see
``dm_crypt``. A copy of a volume at rest (``at_rest``) is whole: its journal was written out before, and does
not change while nobody writes; of the blocks in it the copy has one state or the other, and the replay writes
them all again.

A new volume has no tags, so that every read of it would fail. All of it is written once, without the journal:
what a crash cut short then is begun anew. So its backing file is full from the start.
"""

import mmap
import os

from holdfast.errors import UnsupportedError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.dm_crypt import mapped_for_work, unmap_volume
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import LuksHeader

_CHUNK_BYTES = 1 << 20
_NO_JOURNAL = ("--integrity-no-journal",)


def format_volume(vol: VolumeFile, key: SecretBytes, reference: KeyReference) -> None:
    """Write an encrypted volume's header; raises as ``LuksHeader.format``. The caller holds its lock."""
    header = LuksHeader(vol)
    if vol.integrity:
        header.format(key, reference, blank=lambda: _write_tags(vol, key))
    else:
        header.format(key, reference)


def require_reencryptable(vol: VolumeFile) -> None:
    """Raise ``UnsupportedError`` for a volume that cannot be given another volume key."""
    if vol.integrity:
        raise UnsupportedError(
            "a volume with integrity cannot be re-encrypted; make another one and copy the files"
        )


def _write_tags(vol: VolumeFile, key: SecretBytes) -> None:
    """Write zeros everywhere, and so the tag of every block."""
    unmap_volume(vol)  # what an earlier attempt left
    with mapped_for_work(vol, key, options=_NO_JOURNAL) as path:
        # Direct, or the kernel would read each block before it is written, and find no tag.
        device = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        try:
            size = os.lseek(device, 0, os.SEEK_END)
            with mmap.mmap(-1, _CHUNK_BYTES) as zeros, memoryview(zeros) as view:
                done = 0
                while done < size:
                    done += os.pwrite(device, view[: size - done], done)
            os.fsync(device)
        finally:
            os.close(device)
