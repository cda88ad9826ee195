"""Giving a volume another key, in an order that a crash cannot turn into a loss.

The new key is stored in the provider and read back first, and noted in the node's record as the one to come.
Then the header changes (add, prove, note, remove the old one), and last the record again. The old key stays
in the provider: backups of the volume still need it.

A rotation that was cut short leaves two keys that open the volume. Header and record together say which they
are, so the next one takes away both, whatever key it is about.

Many volumes are moved a few at a time. Each is finished before it counts, so a run that was cut short is
gone on with by starting it again: what has moved by then is left alone.
"""

import hmac
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

import msgspec

from holdfast.errors import ConflictError, HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.cluster.locks import Still, VolumeLocks, by_role_alone
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, VolumeRecord
from holdfast.node.keys.volume_keys import FetchedKeys, VolumeKeys
from holdfast.providers import SecretDataError, SecretNotFoundError
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import note_place, rotate_key, shut_out
from holdfast.volumes.luks_header import LuksHeader

NewKey = tuple[KeyNote, SecretBytes]  # where it is stored by now, and the key
Choice = Callable[[VolumeRecord], NewKey]
PARALLEL = 4  # half of the time goes into waiting for programs to start and for the disk


@dataclass(frozen=True, slots=True)
class RotationOutcome:
    """What became of one volume when its key was to change.

    Attributes:
        volume_id: which volume.
        name: its name.
        rotated: whether the new key opens it and the old one does not.
        problem: if not, why; the old key opens it still.
    """

    volume_id: str
    name: str
    rotated: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RotationProgress:
    """How far a run over many volumes has come.

    Attributes:
        running: whether it goes on.
        total: volumes whose key is to change.
        moved: volumes that have the new key.
        left: volumes that keep the old one, because of some trouble.
    """

    running: bool = False
    total: int = 0
    moved: int = 0
    left: int = 0


class KeyRotation:
    """Changes keys of volumes. The caller has passed the gates.

    Attributes:
        progress: of the last run over many volumes since this node started.
    """

    def __init__(self, *, catalog: Catalog, devices: Devices, keys: VolumeKeys, locks: VolumeLocks) -> None:
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._locks = locks
        self._run = threading.Lock()
        self._counting = threading.Lock()
        self.progress = RotationProgress()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who changes the keys of many volumes, for the length of a block.

        Raises:
            ConflictError: another run is under way.
        """
        if not self._run.acquire(blocking=False):
            raise ConflictError("keys of many volumes are being changed already; wait until that is done")
        try:
            yield
        finally:
            self._run.release()

    def rotate_all(
        self, records: Sequence[VolumeRecord], note: KeyNote, new_key: SecretBytes
    ) -> tuple[RotationOutcome, ...]:
        """Make ``new_key`` the key of several volumes, a few at a time; the trouble of one stops no other."""
        return self.move_all(records, lambda _: (note, new_key))

    def move_all(self, records: Sequence[VolumeRecord], choose: Choice) -> tuple[RotationOutcome, ...]:
        """Give each of several volumes the key that is chosen for it; otherwise as ``rotate_all``."""
        self.progress = RotationProgress(running=True, total=len(records))
        try:
            with FetchedKeys(self._keys) as fetched, ThreadPoolExecutor(PARALLEL, "rotation") as pool:
                moves = [pool.submit(self._counted, record, choose, fetched) for record in records]
                return tuple(move.result() for move in moves)
        finally:
            self.progress = replace(self.progress, running=False)

    def rotate(
        self,
        volume_id: str,
        note: KeyNote,
        new_key: SecretBytes,
        *,
        still: Still,
        fetched: FetchedKeys | None = None,
    ) -> VolumeRecord:
        """Make ``new_key``, which ``note`` says where to find, the key of a volume.

        Args:
            volume_id: which volume.
            note: where the key is stored by now.
            new_key: the key.
            still: see ``Still``.
            fetched: keys that this run has fetched already, if it is about many volumes.

        Raises:
            ProviderUnavailableError, SecretNotFoundError: the key so far cannot be had.
            WrongKeyError: the key so far does not open the volume.
            ConflictError: the volume is not encrypted.
        """
        with self._locks.turn(volume_id, still) as record:
            reference = self.reference_of(record)
            if reference != note.reference():
                old_keys = nullcontext(fetched.get(reference)) if fetched else self._keys.fetch(reference)
                with old_keys as old_key:
                    self._shut_out(record, old_key, reference)
                    self._catalog.update(volume_id, lambda now: msgspec.structs.replace(now, next_key=note))
                    self._replace(self._devices.file(record), old_key, new_key, note.reference())
            else:
                self._shut_out(record, new_key, reference)
            return self._catalog.update(
                volume_id, lambda now: msgspec.structs.replace(now, key=note, next_key=None)
            )

    def _replace(
        self, vol: VolumeFile, old_key: SecretBytes, new_key: SecretBytes, reference: KeyReference
    ) -> None:
        if hmac.compare_digest(old_key.view(), new_key.view()):
            note_place(vol, new_key, reference)  # somebody has copied the secret to where it is from now on
        else:
            rotate_key(vol, old_key, new_key, reference)

    def _shut_out(self, record: VolumeRecord, key: SecretBytes, reference: KeyReference) -> None:
        """Take away the keyslots of keys other than the one noted, which a rotation cut short has left."""
        for note in (record.key, record.next_key):
            if note is None or note.reference() == reference or not self._keys.serves(note.provider):
                continue
            with suppress(SecretNotFoundError, SecretDataError), self._keys.fetch(note.reference()) as left:
                shut_out(self._devices.file(record), left, key=key)

    def _counted(self, record: VolumeRecord, choose: Choice, fetched: FetchedKeys) -> RotationOutcome:
        outcome = self._try_rotate(record, choose, fetched)
        with self._counting:
            now = self.progress
            moved, left = now.moved + outcome.rotated, now.left + (not outcome.rotated)
            self.progress = replace(now, moved=moved, left=left)
        return outcome

    def _try_rotate(self, record: VolumeRecord, choose: Choice, fetched: FetchedKeys) -> RotationOutcome:
        try:
            note, new_key = choose(record)
            self.rotate(record.id, note, new_key, still=by_role_alone, fetched=fetched)
        except HoldfastError as error:
            return RotationOutcome(record.id, record.name, rotated=False, problem=error.message)
        except OSError as error:
            problem = f"its backing file cannot be used ({error.strerror or type(error).__name__})"
            return RotationOutcome(record.id, record.name, rotated=False, problem=problem)
        return RotationOutcome(record.id, record.name, rotated=True)

    def reference_of(self, record: VolumeRecord) -> KeyReference:
        """Return where a volume's key is: as its header says, for the header changes with the key.

        Raises:
            ConflictError: the volume is not encrypted, or its backing file is gone.
        """
        if record.key is None:
            raise ConflictError("the volume is not encrypted and has no key")
        try:
            noted = LuksHeader(self._devices.file(record)).noted_key()
        except FileNotFoundError:
            raise ConflictError(
                "the volume's backing file is gone; restore it or delete the volume"
            ) from None
        return noted.reference if noted is not None else record.key.reference()
