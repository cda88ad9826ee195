"""Changing and destroying the keys of a volume, in an order that survives a crash between any two steps.

Rotation: add a keyslot for the new key; prove that it opens; note the new key's place in the header;
remove the keyslots of the old key. Whoever calls has stored the new key first, and destroys the old
one last. A rotation that was cut short is finished by calling it again with the same arguments; until
then both keys open the volume, and the note names one that does.

Both procedures hold the volume's lock. Rotation works while the volume is attached.
"""

import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.errors import InvalidInputError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.volumes import loop
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import DamagedHeaderError, VolumeBusyError, WrongKeyError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader

COPY_CAVEAT = (
    "Snapshots, clones and backups of the backing file hold keyslots of their own; only destroying "
    "the key itself, or erasing each of them, makes them unreadable."
)
MEDIUM_CAVEAT = (
    "On solid-state disks and copy-on-write file systems, overwriting a keyslot does not prove that "
    "its old content is gone; destroying the key does."
)


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation left behind.

    Attributes:
        slot: the keyslot that the new key opens.
        removed: the keyslots of the old key that this call destroyed; empty if none was left.
    """

    slot: int
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EraseReport:
    """What an erasure did, and what it cannot promise.

    Attributes:
        destroyed: the keyslots that this call destroyed; empty if none was left.
        header_overwritten: whether the header was beyond reading, and was overwritten as a whole.
        caveats: sentences for whoever relies on the erasure.
    """

    destroyed: tuple[int, ...]
    header_overwritten: bool
    caveats: tuple[str, ...] = (COPY_CAVEAT, MEDIUM_CAVEAT)


def rotate_key(
    vol: VolumeFile, old_key: SecretBytes, new_key: SecretBytes, new_reference: KeyReference
) -> RotationReport:
    """Replace the key of a volume; other keys that an operator added stay.

    Args:
        vol: the volume, attached or not.
        old_key: the key so far.
        new_key: the key from now on; stored by the caller already.
        new_reference: where it is stored.

    Raises:
        InvalidInputError: both keys are the same.
        WrongKeyError: neither key opens the volume.
        VolumeBusyError: somebody else is changing it.
    """
    if hmac.compare_digest(old_key.view(), new_key.view()):
        raise InvalidInputError("new key: expected one that differs from the old")
    with volume_lock(vol):
        header = LuksHeader(vol)
        slot = _slot_of_earlier_attempt(header, new_key, new_reference)
        if slot is None:
            slot = header.add_key(old_key, new_key)
            header.verify(new_key, slot)
        header.set_reference(new_reference, slot)
        return RotationReport(slot, tuple(_remove_everywhere(header, old_key, proven_slot=slot)))


def note_place(vol: VolumeFile, key: SecretBytes, reference: KeyReference) -> int:
    """Note that the key of a volume is kept somewhere else by now; returns its keyslot.

    Raises:
        WrongKeyError: it does not open the volume.
        VolumeBusyError: somebody else is changing the volume.
    """
    with volume_lock(vol):
        header = LuksHeader(vol)
        slot = header.verify(key)
        header.set_reference(reference, slot)
        return slot


def shut_out(vol: VolumeFile, former: SecretBytes, *, key: SecretBytes) -> tuple[int, ...]:
    """Destroy the keyslots of a key that is not to open a volume any more; returns which.

    Args:
        vol: the volume, attached or not.
        former: the key to shut out; that it opens nothing is no error.
        key: another one, which is proven to open the volume first.

    Raises:
        WrongKeyError: it does not.
        VolumeBusyError: somebody else is changing the volume.
    """
    if hmac.compare_digest(former.view(), key.view()):
        return ()
    with volume_lock(vol):
        header = LuksHeader(vol)
        return tuple(_remove_everywhere(header, former, proven_slot=header.verify(key)))


def crypto_erase(vol: VolumeFile) -> EraseReport:
    """Destroy every keyslot of a volume, so that no key ever opens it again. Safe to repeat.

    Raises:
        VolumeBusyError: the volume is attached: what is open would stay readable.
        ForeignVolumeError: the file holds another volume.
    """
    with volume_lock(vol):
        if loop.find(vol.uuid):
            raise VolumeBusyError("the volume is attached; detach it first")
        header = LuksHeader(vol)
        try:
            destroyed = header.keyslots()
        except DamagedHeaderError:
            # The metadata is lost, but a keyslot may still be there for whoever rebuilds it.
            _overwrite_header(vol)
            return EraseReport((), header_overwritten=True)
        header.erase()
        _sync(vol)
    return EraseReport(destroyed, header_overwritten=False)


def _slot_of_earlier_attempt(
    header: LuksHeader, new_key: SecretBytes, new_reference: KeyReference
) -> int | None:
    """Return the keyslot that a rotation which was cut short gave the new key, ``None`` if there is none."""
    noted = header.noted_key()
    if noted is not None and noted.reference != new_reference and noted.slots == header.keyslots():
        return None  # every keyslot is the old key's: the usual case, which needs no try
    return header.find(new_key)


def _remove_everywhere(header: LuksHeader, key: SecretBytes, *, proven_slot: int) -> Iterator[int]:
    """Destroy every keyslot that a key opens; yields their numbers."""
    while header.keyslots() != (proven_slot,):
        try:
            yield header.remove_key(key, proven_slot=proven_slot)
        except WrongKeyError:
            return


def _overwrite_header(vol: VolumeFile) -> None:
    with vol.path.open("r+b") as file:
        file.write(bytes(min(HEADER_BYTES, vol.path.stat().st_size)))
    _sync(vol)


def _sync(vol: VolumeFile) -> None:
    descriptor = os.open(vol.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
