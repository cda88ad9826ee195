"""Giving another volume key to a volume whose encryption is authenticated: by a copy that takes its place.

cryptsetup re-encrypts no such volume. So each block is read through one mapping, which checks its tag, and
written through another into a new file. That becomes the volume in one step; what is cut short before it is
thrown away, and begun anew. A block that was changed in the backing file ends it: the volume stays as it was.

The copy is laid out as the volume is, with a journal of the same size, or it might offer less than the file
system in it takes up.
"""

import mmap
import os
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from holdfast.errors import ConflictError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.device_view import read_guarded
from holdfast.volumes.dm_crypt import NO_JOURNAL, integrity_block_of, mapped_for_work, replay_journal
from holdfast.volumes.errors import PoolFullError
from holdfast.volumes.integrity import require_detached
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.pool import Pool

_CHUNK_BYTES = 1 << 20


def reencrypt_by_copy(
    pool: Pool, vol: VolumeFile, key: SecretBytes, *, advance: Callable[[int], None]
) -> tuple[int, ...]:
    """Give a detached volume another volume key; blocks until it is done.

    Args:
        pool: where it is.
        vol: the volume, with integrity.
        key: what opens its keyslot, before and afterwards.
        advance: told how many bytes are done; what it raises ends it.

    Returns:
        The keyslots that were destroyed with the old volume key, besides the one of ``key``.

    Raises:
        WrongKeyError: the key does not open the volume.
        VolumeBusyError: it is attached.
        PoolFullError: no room for both.
        DamagedFileSystemError: a block cannot be read, as its tag does not fit it.
    """
    with volume_lock(vol):
        require_detached(vol, "is re-encrypted")
        slot = LuksHeader(vol).verify(key)
        others = tuple(number for number in LuksHeader(vol).keyslots() if number != slot)
        with pool.draft(vol) as draft:
            write_anew(pool, vol, draft, key, advance=advance)
            pool.publish(draft, over=True)
    return others


def write_anew(
    pool: Pool, vol: VolumeFile, draft: VolumeFile, key: SecretBytes, *, advance: Callable[[int], None]
) -> None:
    """Fill an empty draft with what a volume holds, under another volume key; only ``key`` opens it.

    Args:
        pool: where both are.
        vol: the volume, which nobody uses; the caller holds its lock.
        draft: what ``Pool.draft`` gave for it.
        key: what opens the volume.
        advance: told how many bytes are done; what it raises ends it.

    Raises:
        as ``reencrypt_by_copy``
    """
    noted = LuksHeader(vol).noted_key()
    if noted is None:
        raise ConflictError("the volume's header does not say which key opens it")
    file_bytes = vol.path.stat().st_size
    if file_bytes > pool.free_bytes():
        raise PoolFullError("the pool has less free space than the volume takes up")
    replay_journal(vol, key)  # the copy gets an empty one, and the volume is only read from here on
    os.truncate(draft.path, file_bytes)
    other = replace(draft, uuid=str(uuid4()))  # two mappings of one name cannot be

    def copy() -> None:
        _copy_layout(vol, other)
        with (
            mapped_for_work(vol, key, readonly=True) as source,
            mapped_for_work(other, key, options=NO_JOURNAL) as target,
        ):
            _copy_blocks(source, target, advance)

    with volume_lock(other):
        LuksHeader(other).format(key, noted.reference, blank=copy)
        LuksHeader(draft).set_identity()


def _copy_layout(vol: VolumeFile, other: VolumeFile) -> None:
    """Copy what dm-integrity goes by: its block, and the journal, in which there is nothing."""
    length = integrity_block_of(vol, HEADER_BYTES).guard_bytes
    with vol.path.open("rb") as source, other.path.open("r+b") as target:
        source.seek(HEADER_BYTES)
        target.seek(HEADER_BYTES)
        target.write(source.read(length))
        target.flush()
        os.fsync(target.fileno())


def _copy_blocks(source: str, target: str, advance: Callable[[int], None]) -> None:
    """Copy a device, past every cache: of the target the kernel would read first what has no tag yet."""
    reading = os.open(source, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    try:
        writing = os.open(target, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        try:
            size = os.lseek(reading, 0, os.SEEK_END)
            with mmap.mmap(-1, _CHUNK_BYTES) as chunk, memoryview(chunk) as view:
                done = 0
                while done < size:
                    count = read_guarded(reading, view[: size - done], done)
                    _write_all(writing, view[:count], done)
                    done += count
                    advance(done)
            os.fsync(writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
