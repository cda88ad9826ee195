"""Volumes out of volumes: snapshots, clones, and the way back from a snapshot.

A copy is made in a file that is no volume yet, and becomes one in a single step. Order when making one: the
empty file, the record, the content, identity and key of its own, the step, the record again. Where that was
cut short, the file tells a starting node which record to finish or to forget (``tidy``).

A copy has every keyslot of its parent, and shares its volume key: whoever could read the header of both,
and had the key of one, could read both. Only a copy that was re-encrypted does not.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import msgspec

from holdfast.errors import ConflictError, HoldfastError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node.errors import VolumeIncompleteError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.providers.generate import random_key
from holdfast.volumes import loop
from holdfast.volumes.at_rest import at_rest
from holdfast.volumes.backend import AttachStage, AttachState, VolumeFile
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.freeze import FREEZE_SECONDS
from holdfast.volumes.integrity import finish_growth, grow
from holdfast.volumes.integrity_copy import write_anew
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import rotate_key
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.luks_read import data_segment


class VolumeCopies:
    """Copies volumes. The caller has passed the gates, and holds the locks of both volumes."""

    def __init__(
        self, *, catalog: Catalog, devices: Devices, keys: VolumeKeys, rotation: KeyRotation
    ) -> None:
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._rotation = rotation
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the copies that are being made; for a node that stops."""
        self._stopping.set()

    def key_of(self, record: VolumeRecord) -> KeyNote | None:
        """Return which key opens a volume, as its header says."""
        if record.key is None:
            return None
        reference = self._rotation.reference_of(record)
        if reference == record.key.reference():
            return record.key
        note = KeyNote(
            reference.provider, reference.path, reference.namespace, reference.version, KeyOrigin.NAMED
        )
        return (
            msgspec.structs.replace(note, origin=record.key.origin) if note.same_secret(record.key) else note
        )

    def make(self, parent: VolumeRecord, record: VolumeRecord, *, reencrypt: bool = False) -> VolumeRecord:
        """Make a copy, or finish one that is recorded as prepared.

        Args:
            parent: the volume or snapshot to copy.
            record: what the copy is to be, in the catalog already or not. If its key is another secret than
                the parent's, it gets that key instead.
            reencrypt: give it another volume key, too.

        Raises:
            VolumeIncompleteError: the parent was never finished.
            VolumeBusyError: the parent cannot be kept still.
            UnsupportedHeaderError: the parent is being re-encrypted.
            UnsupportedError: its encryption is authenticated, and another volume key takes a host that can
                attach it.
            PoolFullError: no room.
            ProviderUnavailableError: a key that is needed cannot be had.
        """
        require_complete(parent)
        if reencrypt and record.integrity:
            self._devices.require_integrity()
        with self._devices.pool.draft(self._devices.file(record)) as draft:
            if self._catalog.find(record.id) is None:
                self._catalog.insert(record)
            try:
                if not self._devices.file(record).path.exists():
                    with self._new_key(parent, record) as new_key:
                        self._fill(draft, parent)
                        _give_identity(draft, new_key)
                    if reencrypt and record.encrypted:
                        self._reencrypt(draft)
                    self._devices.pool.publish(draft)
                return self._catalog.update(record.id, _made)
            except Exception:
                self._take_back(record)
                raise

    def restore(self, volume: VolumeRecord, snapshot: VolumeRecord) -> VolumeRecord:
        """Replace what a detached volume holds by what a snapshot of it holds; the volume stays itself.

        Raises:
            VolumeBusyError: the volume is attached.
            ProviderUnavailableError, SecretNotFoundError: the snapshot's key cannot be had.
            WrongKeyError: it does not open the snapshot.
            PoolFullError: no room for both.
        """
        require_complete(volume)
        require_complete(snapshot)
        vol = self._devices.file(volume)
        key = self.key_of(snapshot)
        if key is not None:
            # Nobody is to lose a volume that can be read for one that cannot.
            with self._keys.fetch(key.reference()) as opens:
                LuksHeader(self._devices.file(snapshot)).verify(opens)
        larger = volume.integrity and snapshot.size_bytes < volume.size_bytes
        if larger:
            self._devices.require_integrity()
        with volume_lock(vol):
            if self._state(volume).stage is not AttachStage.DETACHED:
                raise VolumeBusyError("the volume is attached; detach it first")
            with self._devices.pool.draft(vol) as draft:
                self._fill(draft, snapshot)
                if volume.encrypted:
                    LuksHeader(draft).set_identity()
                as_it_was = replace(draft, size=snapshot.size_bytes)
                if larger and key is not None:
                    with self._keys.fetch(key.reference()) as opens, volume_lock(draft):
                        grow(self._devices.pool, as_it_was, volume.size_bytes, opens)
                        finish_growth(draft)
                else:
                    self._devices.pool.grow(as_it_was, volume.size_bytes)
                grow_pending = snapshot.grow_pending or snapshot.size_bytes < volume.size_bytes

                def before(now: VolumeRecord) -> VolumeRecord:
                    # True of either content: what is there is looked at when it is mounted.
                    return msgspec.structs.replace(
                        now,
                        state=VolumeState.FORMATTED,
                        key=key,
                        grow_pending=now.grow_pending or grow_pending,
                    )

                self._catalog.update(volume.id, before)
                self._devices.pool.publish(draft, over=True)
        return self._catalog.update(
            volume.id, lambda now: msgspec.structs.replace(now, grow_pending=grow_pending)
        )

    @contextmanager
    def image(
        self, parent: VolumeRecord, reference: KeyReference
    ) -> Iterator[tuple[VolumeFile, SecretBytes]]:
        """Hold, for the length of a block, a copy of a volume that no key of the volume opens.

        It never becomes a volume. What opens it is made for it alone, so that whoever gets the copy and its
        key learns no other key, and is stopped by no rotation of one. The volume's lock is needed only until
        the block begins.

        Args:
            parent: the volume or snapshot.
            reference: what the copy's header is to say about its key.

        Yields:
            The copy, and its key; an empty one of a volume that is not encrypted.

        Raises:
            as ``make``
        """
        require_complete(parent)
        present = self.key_of(parent)
        with self._devices.pool.draft(self._devices.file(parent)) as draft, random_key() as key:
            own = replace(draft, uuid=str(uuid4()))
            if present is None:
                self._fill(own, parent)
                yield own, SecretBytes(b"")
                return
            with self._keys.fetch(present.reference()) as old:
                self._fill(own, parent)
                _give_identity(own, _NewKey(old, key, reference))
            yield own, key

    def adopt(
        self, record: VolumeRecord, opens: SecretBytes, fill: Callable[[VolumeFile], None]
    ) -> VolumeRecord:
        """Make a volume of what comes from elsewhere; if that fails, nothing of it remains.

        Args:
            record: what the volume is to be.
            opens: the key of what comes; empty if that is not encrypted.
            fill: puts it into an empty file.

        Raises:
            WrongKeyError: that key does not open it.
            PoolFullError: no room.
            ProviderUnavailableError: the key that the volume is to have cannot be had.
        """
        with self._devices.pool.draft(self._devices.file(record)) as draft:
            self._catalog.insert(record)
            try:
                fill(draft)
                if record.key is not None:
                    own = record.key.origin is KeyOrigin.OWN
                    note, new = self._keys.make_first(record.key) if own else self._keys.at(record.key)
                    with new:
                        self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, key=note))
                        _give_identity(draft, _NewKey(opens, new, note.reference()))
                self._devices.pool.publish(draft)
                return self._catalog.update(record.id, _made)
            except Exception:
                self._take_back(record)
                raise

    def tidy(self) -> list[str]:
        """Finish or forget what a crash cut short; returns what was done. For a node that starts."""
        done = []
        for identity in self._devices.pool.abandoned():
            record = self._catalog.find(identity)
            if record is None or record.state is not VolumeState.PREPARED:
                continue
            if self._devices.file(record).path.exists():
                self._catalog.update(record.id, _made)
                done.append(f"the copy {record.name} was finished")
            elif self._take_back(record):
                done.append(f"the copy {record.name} was never finished and is forgotten")
        return done

    def _fill(self, draft: VolumeFile, parent: VolumeRecord) -> None:
        origin = self._devices.file(parent)
        if not origin.path.exists():
            raise ConflictError("the volume's backing file is gone; restore it or delete the volume")
        with volume_lock(origin):
            if origin.encrypted:
                header = LuksHeader(origin).read()
                data_segment(header, integrity=origin.integrity)  # refuses one erased, or half re-encrypted
            self._copy(draft, origin, parent)

    def _copy(self, draft: VolumeFile, origin: VolumeFile, parent: VolumeRecord) -> None:
        state, pool = self._state(parent), self._devices.pool
        if state.mounts:
            # Most of it while users of the volume go on; they wait for the rest of it only.
            pool.fill(draft, origin, keep_going=self._unless_stopping())
        with at_rest(state, seconds=FREEZE_SECONDS) as still:
            pool.fill(draft, origin, keep_going=self._unless_stopping(still))

    @contextmanager
    def _new_key(self, parent: VolumeRecord, record: VolumeRecord) -> Iterator["_NewKey | None"]:
        """Have at hand, before anything is copied, what a copy with a key of its own needs."""
        present, wanted = self.key_of(parent), record.key
        if present is None or wanted is None or present.same_secret(wanted):
            yield None
            return
        with self._keys.fetch(present.reference()) as old:
            own = wanted.origin is KeyOrigin.OWN
            note, new = self._keys.make_first(wanted) if own else self._keys.at(wanted)
            with new:
                self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, key=note))
                yield _NewKey(old, new, note.reference())

    def _reencrypt(self, draft: VolumeFile) -> None:
        header = LuksHeader(draft)
        noted = header.noted_key()
        if noted is None:
            raise ConflictError("the volume's header does not say which key opens it")
        with self._keys.fetch(noted.reference) as key:
            if not draft.integrity:
                header.reencrypt(key)
                return
            pool, keep_going = self._devices.pool, self._unless_stopping()
            with volume_lock(draft), pool.draft(draft) as other:
                write_anew(pool, draft, other, key, advance=lambda _: keep_going())
                other.path.replace(draft.path)

    def _state(self, record: VolumeRecord) -> AttachState:
        state = self._devices.state(record)
        if state.stage is AttachStage.DETACHED and loop.find(record.uuid):
            raise VolumeBusyError("the volume is attached by another back end than this node uses; detach it")
        return state

    def _unless_stopping(self, still: Callable[[], None] | None = None) -> Callable[[], None]:
        def keep_going() -> None:
            if still is not None:
                still()
            if self._stopping.is_set():
                raise UnavailableError("the node is stopping")

        return keep_going

    def _take_back(self, record: VolumeRecord) -> bool:
        """Forget a copy that was not made; returns whether nothing is left of it."""
        key = record.key
        made_for_it = key is not None and key.origin is KeyOrigin.OWN and not record.is_snapshot
        if self._devices.file(record).path.exists():
            return False
        if key is not None and made_for_it:
            try:
                self._keys.destroy(key)
            except HoldfastError:
                return False  # it stays recorded as prepared: made again or deleted, the key comes up again
        self._catalog.remove(record)
        return True


@dataclass(frozen=True, slots=True)
class _NewKey:
    """What replaces the key that a copy has from its parent."""

    old: SecretBytes
    new: SecretBytes
    reference: KeyReference


def require_complete(record: VolumeRecord) -> None:
    """Raise ``VolumeIncompleteError`` for a volume that was never finished, or is being removed."""
    if record.state is VolumeState.REMOVING:
        raise VolumeIncompleteError("the volume's removal was interrupted; delete it again to finish that")
    if record.state is VolumeState.PREPARED:
        raise VolumeIncompleteError(
            "the volume's creation was interrupted; create it again to finish it, or delete it"
        )


def _give_identity(draft: VolumeFile, new_key: _NewKey | None) -> None:
    if draft.encrypted:
        LuksHeader(draft).set_identity()
        if new_key is not None:
            own = rotate_key(draft, new_key.old, new_key.new, new_key.reference).slot
            for slot in LuksHeader(draft).keyslots():
                if slot != own:  # a recovery key of the parent's owner, for one, is not for this copy
                    LuksHeader(draft).kill_slot(slot, surviving_key=new_key.new)


def _made(record: VolumeRecord) -> VolumeRecord:
    # Whether there is a file system in it is looked at when it is mounted.
    return msgspec.structs.replace(record, state=VolumeState.FORMATTED)
