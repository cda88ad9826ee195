"""Re-encryptions under way on this node: begun by a request, done by a thread, asked after by others.

Nothing about them is kept but what the volume's header says. One that was cut short, by a crash or by
stopping the node, is gone on with by asking for it again; until then the volume cannot be attached. That of a
volume with integrity is done by a copy, and leaves the volume alone until that is complete.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.errors import ConflictError, HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.cluster.locks import Still, VolumeLocks
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.volumes.integrity import require_detached
from holdfast.volumes.integrity_copy import reencrypt_by_copy
from holdfast.volumes.reencryption import reencrypt, reencryption_state
from holdfast.volumes.whole import require_whole


@dataclass(frozen=True, slots=True)
class Reencryption:
    """How the re-encryption of a volume stands.

    Attributes:
        running: whether this node works on it now.
        unfinished: whether it was begun, here or elsewhere, and is not done.
        done_bytes: what has the new volume key.
        total_bytes: the size of the volume.
        keyslots_destroyed: by the last one that this node finished, besides the one that stays.
        problem: why the last one that this node tried came to nothing; empty otherwise.
    """

    running: bool
    unfinished: bool
    done_bytes: int
    total_bytes: int
    keyslots_destroyed: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    keyslots_destroyed: int = 0
    problem: str = ""


class Reencryptions:
    """Starts them and knows how they stand. The caller has passed the gates."""

    def __init__(
        self, *, devices: Devices, keys: VolumeKeys, rotation: KeyRotation, locks: VolumeLocks
    ) -> None:
        self._devices = devices
        self._keys = keys
        self._rotation = rotation
        self._locks = locks
        self._guard = threading.Lock()
        self._running: set[str] = set()
        self._copied: dict[str, int] = {}
        self._outcomes: dict[str, _Outcome] = {}

    def start(self, record: VolumeRecord, *, still: Still, over: Callable[[str], None]) -> None:
        """Begin, or go on with what was interrupted; returns at once.

        Args:
            record: the volume.
            still: see ``Still``; asked by another thread.
            over: called with what came of it, by another thread.

        Raises:
            ConflictError: it is under way already, or the volume is not encrypted.
            UnsupportedError: its encryption is authenticated, and this host has nothing to attach it by.
            VolumeBusyError: its encryption is authenticated, and it is attached.
            TruncatedVolumeError: its backing file is shorter than it was made.
            ProviderUnavailableError, SecretNotFoundError: the volume's key cannot be had.
        """
        if record.integrity:
            self._devices.require_integrity()
            require_detached(self._devices.file(record), "is re-encrypted")
        reference = self._rotation.reference_of(record)
        require_whole(self._devices.file(record))
        self._keys.fetch(reference).wipe()  # what is missing shows now
        with self._guard:
            if record.id in self._running:
                raise ConflictError("the volume is being re-encrypted already")
            self._running.add(record.id)
            self._outcomes.pop(record.id, None)
            self._copied.pop(record.id, None)
        work = threading.Thread(
            target=self._work, args=(record, still, over), name="reencryption", daemon=True
        )
        work.start()

    def state(self, record: VolumeRecord) -> Reencryption:
        """Return how it stands with a volume.

        Raises:
            ConflictError: the volume is not encrypted.
            DamagedHeaderError: its header cannot be read.
        """
        self._rotation.reference_of(record)
        state = reencryption_state(self._devices.file(record))
        with self._guard:
            running = record.id in self._running
            outcome = self._outcomes.get(record.id, _Outcome())
            copied = min(self._copied.get(record.id, 0), state.total_bytes)
        return Reencryption(
            running=running,
            unfinished=state.under_way,
            done_bytes=copied if running and not state.under_way else state.done_bytes,
            total_bytes=state.total_bytes,
            keyslots_destroyed=outcome.keyslots_destroyed,
            problem=outcome.problem,
        )

    def _work(self, record: VolumeRecord, still: Still, over: Callable[[str], None]) -> None:
        outcome = _Outcome(problem="a defect of the node stopped it; its log says more")
        try:
            outcome = self._outcome_of(record, still)
        finally:
            with self._guard:
                self._outcomes[record.id] = outcome
                self._running.discard(record.id)
        over(f"not re-encrypted: {outcome.problem}" if outcome.problem else "re-encrypted")

    def _outcome_of(self, waiting: VolumeRecord, still: Still) -> _Outcome:
        try:
            with (
                self._locks.turn(waiting.id, still) as record,
                self._keys.fetch(self._rotation.reference_of(record)) as key,
            ):
                return _Outcome(keyslots_destroyed=len(self._reencrypt(record, key)))
        except HoldfastError as error:
            return _Outcome(problem=error.message)
        except OSError as error:
            return _Outcome(problem=f"the backing file cannot be used ({error.strerror or 'input/output'})")

    def _reencrypt(self, record: VolumeRecord, key: SecretBytes) -> tuple[int, ...]:
        vol = self._devices.file(record)
        if not record.integrity:
            return reencrypt(vol, key)

        def advance(done: int) -> None:
            with self._guard:
                self._copied[record.id] = done

        return reencrypt_by_copy(self._devices.pool, vol, key, advance=advance)
