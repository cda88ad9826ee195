"""Authenticated encryption: whoever changes the backing file makes reads fail, where XTS alone returns noise.

    LUKS2 file -> loop device -> dm-integrity (a tag and a journal beside the data) -> dm-crypt

Each block of 4096 bytes has a tag, the HMAC-SHA-256 of what is stored and of where it is, by a key that the
header keeps with the volume key. A block whose tag does not fit gives an I/O error. What this does not tell
is that a block together with its tag, or the whole file, is an older one.

Only the device-mapper has it. cryptsetup neither grows nor re-encrypts such volumes, so neither is offered.
They are copied only while they are detached: a file system that is frozen does not keep what is below it from
moving blocks out of the journal, and a copy of that moment has blocks whose tags do not fit.
Their journal writes everything twice; in return a crash never leaves a block without its tag.

A new volume has no tags, so that every read of it would fail. All of it is written once, without the journal:
what a crash cut short then is begun anew. So its backing file is full from the start.
"""

import mmap
import os

from holdfast.errors import UnsupportedError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.volumes.backend import AttachStage, AttachState, VolumeFile
from holdfast.volumes.dm_crypt import device_path, map_volume, unmap_volume
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import LuksHeader

_CHUNK_BYTES = 1 << 20


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


def require_still(vol: VolumeFile, state: AttachState) -> None:
    """Raise ``VolumeBusyError`` for a volume whose backing file changes although nobody writes to it."""
    if vol.integrity and state.stage is not AttachStage.DETACHED:
        raise VolumeBusyError("a volume with integrity is copied only while it is detached; detach it first")


def _write_tags(vol: VolumeFile, key: SecretBytes) -> None:
    """Write zeros everywhere, and so the tag of every block."""
    unmap_volume(vol)  # what an earlier attempt left
    map_volume(vol, key, options=("--integrity-no-journal",))
    try:
        # Direct, or the kernel would read each block before it is written, and find no tag.
        device = os.open(device_path(vol.uuid), os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        try:
            size = os.lseek(device, 0, os.SEEK_END)
            with mmap.mmap(-1, _CHUNK_BYTES) as zeros, memoryview(zeros) as view:
                done = 0
                while done < size:
                    done += os.pwrite(device, view[: size - done], done)
            os.fsync(device)
        finally:
            os.close(device)
    finally:
        unmap_volume(vol)
