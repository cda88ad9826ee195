"""A second way into a volume, for the day on which its key is lost: a recovery key in a keyslot of its own.

The recovery key lies with a person and not with the provider. It opens the volume like any other key, and
nothing that happens to the volume's key touches it. Its keyslot is noted in the header, so that everybody can
see that there is one.

Every procedure holds the volume's lock, and works while the volume is attached. Taking the recovery key away
and recovering are finished by calling them again after they were cut short; adding one begins anew. The
keyslot that it makes is noted first, so that one for a key that nobody was given is destroyed then.
"""

from holdfast.errors import ConflictError
from holdfast.model import SecretBytes
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import LuksHeader


def add_recovery_key(vol: VolumeFile, key: SecretBytes, recovery_key: SecretBytes) -> int:
    """Have a recovery key open a volume, too; returns its keyslot.

    Args:
        vol: the volume.
        key: what opens it so far.
        recovery_key: the new key; nobody knows it but whoever is given it by the caller.

    Raises:
        WrongKeyError: the key so far does not open the volume.
        ConflictError: there is a recovery key already, or no keyslot is free.
    """
    with volume_lock(vol):
        header = LuksHeader(vol)
        if header.recovery_slots():
            raise ConflictError("the volume has a recovery key already; remove that one first")
        header.verify(key)  # nothing is written for whoever cannot open the volume
        _clear_attempt(header, key)
        header.note_recovery(header.free_slot(), planned=True)
        slot = header.add_key(key, recovery_key)
        header.verify(recovery_key, slot)
        header.note_recovery(slot)
        return slot


def remove_recovery_key(vol: VolumeFile, key: SecretBytes) -> tuple[int, ...]:
    """Destroy the keyslot of the recovery key; returns which were destroyed, none if there was none.

    Args:
        vol: the volume.
        key: what opens it otherwise, which is proven first.

    Raises:
        WrongKeyError: no other keyslot opens with that key.
    """
    with volume_lock(vol):
        header = LuksHeader(vol)
        slots = header.recovery_slots()
        for slot in slots:
            header.kill_slot(slot, surviving_key=key)
        _clear_attempt(header, key)
        header.forget_recovery()
        return slots


def recover(
    vol: VolumeFile, recovery_key: SecretBytes, new_key: SecretBytes, new_reference: KeyReference
) -> tuple[int, ...]:
    """Give a volume whose key is lost a new one, by means of its recovery key, which stays.

    The keyslots of the lost key are destroyed: those that the header says it opens.

    Args:
        vol: the volume.
        recovery_key: opens it.
        new_key: the key from now on; stored by the caller already.
        new_reference: where it is stored.

    Returns:
        The keyslots that were destroyed.

    Raises:
        WrongKeyError: the recovery key does not open the keyslot that is noted for it.
        ConflictError: no recovery key is noted, or no keyslot is free.
    """
    with volume_lock(vol):
        header = LuksHeader(vol)
        recovery = header.recovery_slots()
        if not recovery:
            raise ConflictError("the volume has no recovery key")
        header.verify(recovery_key, recovery[0])
        slot = header.find(new_key)  # found where an earlier attempt was cut short
        if slot is None:
            slot = header.add_key(recovery_key, new_key)
            header.verify(new_key, slot)
        noted = header.noted_key()
        lost = tuple(
            number
            for number in (noted.slots if noted else ())
            if number in header.keyslots() and number != slot
        )
        for number in lost:
            header.kill_slot(number, surviving_key=recovery_key)
        header.set_reference(new_reference, slot)
        return lost


def _clear_attempt(header: LuksHeader, key: SecretBytes) -> None:
    """Destroy the keyslot of a recovery key whose making was cut short."""
    for slot in header.planned_recovery_slots():
        header.kill_slot(slot, surviving_key=key)
