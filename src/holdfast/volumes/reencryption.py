"""Giving a volume another volume key: every block is read, decrypted, encrypted anew and written.

That is what it takes to shut out somebody who may have seen the volume key itself, and to part a clone from
what it was copied from. A rotation is not enough for that: it only changes who opens the keyslot.

cryptsetup does the work, with checksums of what it is about to overwrite in the header, so that it can be
interrupted at any moment and goes on by being started again. A detached volume is re-encrypted where it lies.
One that is attached by way of dm-crypt goes on being used meanwhile; the other back ends cannot do that.

Only the keyslot of the key that is given survives. Others, such as that of a recovery key, are for the old
volume key, and go with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from holdfast.model import SecretBytes
from holdfast.volumes import dm_crypt, loop
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.cryptsetup import cryptsetup
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.integrity import require_reencryptable
from holdfast.volumes.key_strength import kdf_options
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.luks_read import Luks2Header

_SLOWEST_BYTES_PER_SECOND = 1 << 20  # a limit against hanging for ever, not an estimate
_LEAST_SECONDS = 600.0
_HOTZONE = "64M"  # what is done again after an interruption, at most
_UNDER_WAY = "online-reencrypt"


@dataclass(frozen=True, slots=True)
class ReencryptionState:
    """How far a re-encryption has come.

    Attributes:
        under_way: whether it was begun and is not finished; the volume cannot be attached then.
        done_bytes: what has the new key.
        total_bytes: the size of the volume.
    """

    under_way: bool
    done_bytes: int
    total_bytes: int


def reencrypt(vol: VolumeFile, key: SecretBytes) -> tuple[int, ...]:
    """Give a volume another volume key, or go on with what was interrupted; blocks until it is done.

    Args:
        vol: the volume.
        key: what opens its keyslot, before and afterwards.

    Returns:
        The keyslots that were destroyed with the old volume key, besides the one of ``key``.

    Raises:
        WrongKeyError: the key does not open the volume.
        VolumeBusyError: it is attached by a back end that cannot do this meanwhile.
        UnsupportedError: its encryption is authenticated.
    """
    require_reencryptable(vol)
    with volume_lock(vol):
        header = LuksHeader(vol)
        target = _target(vol)
        limit = max(_LEAST_SECONDS, vol.size / _SLOWEST_BYTES_PER_SECOND)
        if _is_under_way(header.read()):
            cryptsetup(
                *("-q", "reencrypt", "--resume-only", *_key_options(key), *target),
                stdin=key,
                timeout_seconds=limit,
            )
            return ()
        slot = header.verify(key)
        others = tuple(number for number in header.keyslots() if number != slot)
        cryptsetup(
            *(
                "-q",
                "reencrypt",
                "--resilience",
                "checksum",
                "--hotzone-size",
                _HOTZONE,
                "--key-slot",
                str(slot),
            ),
            *(*kdf_options(key), *_key_options(key), *target),
            stdin=key,
            timeout_seconds=limit,
        )
        return others


def reencryption_state(vol: VolumeFile) -> ReencryptionState:
    """Return how far a volume's re-encryption has come, as its header says.

    Raises:
        DamagedHeaderError: it has no intact header.
    """
    header = LuksHeader(vol).read()
    if not _is_under_way(header):
        return ReencryptionState(under_way=False, done_bytes=vol.size, total_bytes=vol.size)
    left_at = [int(segment["offset"]) for segment in _old_segments(header)]
    done = min(left_at) - HEADER_BYTES if left_at else vol.size
    return ReencryptionState(under_way=True, done_bytes=max(0, min(done, vol.size)), total_bytes=vol.size)


def _is_under_way(header: Luks2Header) -> bool:
    requirements = header.metadata["config"].get("requirements", {}).get("mandatory", [])
    return any(str(requirement).startswith(_UNDER_WAY) for requirement in requirements)


def _old_segments(header: Luks2Header) -> Iterator[dict[str, Any]]:
    """Yield the parts of the volume that still have the old volume key."""
    segments, digests = header.metadata["segments"], header.metadata["digests"]
    before = {number for number, segment in segments.items() if "backup-previous" in segment.get("flags", ())}
    for digest in digests.values():
        if before & set(digest["segments"]):
            yield from (
                segments[number]
                for number in digest["segments"]
                if number in segments and not segments[number].get("flags")
            )


def _target(vol: VolumeFile) -> tuple[str, ...]:
    """Return the last arguments: on what to work."""
    below = loop.find(vol.uuid)
    if below is None:
        return ("--force-offline-reencrypt", str(vol.path))
    if below.backend != dm_crypt.NAME:
        raise VolumeBusyError(
            "the volume is attached, and only dm-crypt re-encrypts under its users; detach it first"
        )
    return (below.path,)


def _key_options(key: SecretBytes) -> tuple[str, ...]:
    return ("--key-file=-", f"--keyfile-size={len(key)}")
