"""Authenticated encryption: whoever changes the backing file makes reads fail, where XTS alone returns noise.

    LUKS2 file -> loop device -> dm-integrity (a tag and a journal beside the data) -> dm-crypt

Each block of 4096 bytes has a tag, the HMAC-SHA-256 of what is stored and of where it is, by a key that the
header keeps with the volume key. A block whose tag does not fit gives an I/O error. What this does not tell
is that a block together with its tag, or the whole file, is an older one.

Only the device-mapper has it. Its journal writes everything twice; in return a crash never leaves a block
without its tag.

Until the kernel has moved a block out of the journal, it and its tag may be nowhere else. That is what a
crash leaves, what a copy of an attached volume holds, and before Linux 6.3 what is left by detaching, too.
The kernel replays the journal when the volume is mapped; if it cannot write then, because it is mapped for
reading only, it gives up, and every read is an error. So such a volume is mapped for writing first, see
``dm_crypt``. A copy of a volume at rest (``at_rest``) is whole: its journal was written out before, and does
not change while nobody writes; of the blocks in it the copy has one state or the other, and the replay writes
them all again.

A new volume has no tags, so that every read of it would fail. All of it is written once, without the journal:
what a crash cut short then is begun anew. So its backing file is full from the start.

cryptsetup does not make such volumes larger, but the kernel offers as much as the file has room for whenever
it maps it. What it offers in addition has no tags. So what it is to become is noted in the header first, and
nobody is let in until the tags reach its end, and its record says so (``data_segment``). How far they reach
is worked out from the record: whoever can write the file must not be able to have blocks blanked.
"""

import mmap
import os

from holdfast.errors import HoldfastError, UnsupportedError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.volumes import loop
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.dm_crypt import NO_JOURNAL, WORK, integrity_block_of, mapped_for_work, unmap_volume
from holdfast.volumes.errors import UnsupportedHeaderError, VolumeBusyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.pool import Pool

_CHUNK_BYTES = 1 << 20


def format_volume(vol: VolumeFile, key: SecretBytes, reference: KeyReference) -> None:
    """Write an encrypted volume's header; raises as ``LuksHeader.format``. The caller holds its lock."""
    header = LuksHeader(vol)
    if vol.integrity:
        header.format(key, reference, blank=lambda: _write_tags(vol, key))
    else:
        header.format(key, reference)


def grow(pool: Pool, vol: VolumeFile, size_bytes: int, key: SecretBytes) -> VolumeFile:
    """Make a volume larger whose encryption is authenticated; returns the larger one. Safe to repeat.

    Nobody is let in until ``finish_growth``, for which the size that is returned has to be on record.

    Args:
        pool: where it is.
        vol: the volume; the caller holds its lock.
        size_bytes: how large; it becomes no smaller than an interrupted growth was to make it.
        key: what opens it.

    Raises:
        WrongKeyError: the key does not open it; nothing has changed.
        VolumeBusyError: it is attached.
        UnsupportedHeaderError: its tags do not reach as far as the volume was made.
        as ``Pool.grow``
    """
    require_detached(vol, "grows")
    header = LuksHeader(vol)
    header.verify(key)
    noted = header.growth()
    if noted is None and size_bytes <= vol.size:
        return pool.grow(vol, size_bytes)
    tagged = integrity_block_of(vol, HEADER_BYTES).offered_bytes(vol.area_bytes)
    if tagged < vol.size:
        raise UnsupportedHeaderError("the volume's tags do not reach as far as it was made")
    wanted = max(size_bytes, noted or 0)
    header.note_growth(wanted)
    try:
        larger = pool.grow(vol, wanted)
    except HoldfastError:
        if noted is None:
            header.forget_growth()
        else:
            header.note_growth(noted)
        raise
    with mapped_for_work(vol, key, options=NO_JOURNAL, growing=True):
        pass  # the kernel notes what the file has room for; it offers that from the next time on
    _write_tags(vol, key, begin=tagged, growing=True)
    return larger


def finish_growth(vol: VolumeFile) -> None:
    """Let others in again after ``grow``; one that did not grow is no error. The caller holds the lock."""
    LuksHeader(vol).forget_growth()


def require_detached(vol: VolumeFile, what: str) -> None:
    """Raise ``VolumeBusyError`` for a volume that is attached, saying what it does only while it is not."""
    below = loop.find(vol.uuid)
    if below is not None and below.backend != WORK:
        raise VolumeBusyError(f"a volume with integrity {what} only while it is detached; detach it first")


def require_reencryptable(vol: VolumeFile) -> None:
    """Raise ``UnsupportedError`` for a volume that cannot be given another volume key where it lies."""
    if vol.integrity:
        raise UnsupportedError("a volume with integrity is re-encrypted by copying it, not where it lies")


def _write_tags(vol: VolumeFile, key: SecretBytes, *, begin: int = 0, growing: bool = False) -> None:
    """Write zeros everywhere from a place on, and so the tag of every block."""
    unmap_volume(vol)  # what an earlier attempt left
    with mapped_for_work(vol, key, options=NO_JOURNAL, growing=growing) as path:
        # Direct, or the kernel would read each block before it is written, and find no tag.
        device = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        try:
            size = os.lseek(device, 0, os.SEEK_END)
            with mmap.mmap(-1, _CHUNK_BYTES) as zeros, memoryview(zeros) as view:
                done = begin
                while done < size:
                    done += os.pwrite(device, view[: size - done], done)
            os.fsync(device)
        finally:
            os.close(device)
