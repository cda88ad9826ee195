"""Service ``Volume``, the part about copies: snapshots, going back to one, and clones.

A snapshot is a volume that is only ever read. It belongs to whom its parent belongs, whoever takes it; a
clone belongs to whoever makes it. Either stands on its own: deleting the parent leaves it alone.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.locks import VolumeLocks
from holdfast.node.errors import OwnershipDeniedError, VolumeExistsError
from holdfast.node.inventory.catalog import Catalog, new_volume_id
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState, check_volume_name
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.volume.copies import VolumeCopies, require_complete
from holdfast.node.volume.volume_service import check_labels
from holdfast.policy.ownership import AccessType
from holdfast.policy.ownership_change import ownership_on_clone, ownership_on_snapshot
from holdfast.policy.secret_scopes import CLUSTER_WIDE

# What the original's clones do not inherit: they say which claim of Kubernetes a volume is for.
LABELS_OF_ONE_VOLUME = ("pvc", "namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSpec:
    """What a clone is to be; the rest is as in its parent.

    Attributes:
        name: unique within the cluster.
        parent: id or name of the volume or snapshot.
        labels: beside those of the parent; an empty value leaves out one of them.
        secret_name: the secret whose value opens it from now on; ``default`` for the cluster-wide key.
        secret_namespace: the provider's namespace of that secret.
        own_key: make a key for this clone alone; also done where the parent has a key of its own.
        reencrypt: write all of it anew under another volume key, so that no header of the parent, and no
            old key, ever opens it. Takes time, and the space of the whole volume.
    """

    name: str
    parent: str
    labels: Mapping[str, str] = field(default_factory=dict)
    secret_name: str = ""
    secret_namespace: str = ""
    own_key: bool = False
    reencrypt: bool = False

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be, naming the field."""
        check_volume_name(self.name)
        check_labels(self.labels)
        if self.own_key and self.secret_name:
            raise InvalidInputError("secret_name: expected none together with a key of the volume's own")


class SnapshotService:
    """Snapshots and clones."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        copies: VolumeCopies,
        locks: VolumeLocks,
        clock: Clock,
        own_key_prefix: str,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._keys = keys
        self._cluster_key = cluster_key
        self._copies = copies
        self._locks = locks
        self._clock = clock
        self._own_key_prefix = own_key_prefix

    @operation(apis.SNAPSHOT_CREATE)
    def create(
        self, admission: Admission, reference: str, name: str, *, labels: Mapping[str, str] | None = None
    ) -> VolumeRecord:
        """Take a snapshot; a mounted volume is frozen for that. The same request again returns the same one.

        Args:
            admission: of the caller.
            reference: id or name of the volume.
            name: of the snapshot, unique among all volumes.
            labels: of the snapshot.

        Raises:
            VolumeExistsError: the name is taken.
            RoleDeniedError: with these labels it would be open to more than what it is made of.
            VolumeBusyError: the volume cannot be kept still long enough.
            PoolFullError: no room.
        """
        waiting = self._gate.resource(admission, self._catalog, reference)
        check_volume_name(name)
        check_labels(labels or {})
        still = self._gate.still(admission, self._catalog)
        with self._locks.turn(waiting.id, still) as source:
            if source.is_snapshot:
                raise ConflictError("a snapshot is not changed any more, so none is taken of it; clone it")
            self._gate.labels.require_new(admission, labels or {}, copy_of=source.labels)
            record = existing = self._existing(admission, name, source, is_snapshot=True)
            if record is None:
                record = msgspec.structs.replace(
                    self._copy_of(source, new_volume_id(), name),
                    stored_ownership=note_of(ownership_on_snapshot(source.ownership)),
                    labels=dict(labels or {}),
                    is_snapshot=True,
                )
            snapshot = self._finish(admission, source, record, is_there=existing is not None)
        self._gate.done(admission, snapshot.id, f"snapshot {name} of {source.id}")
        return snapshot

    def take_due(
        self, admission: Admission, volume_id: str, name: str, *, schedule: str, due: int
    ) -> VolumeRecord:
        """Take a snapshot for a schedule, unless it has one since it was due: then that one is returned.

        Args:
            admission: to ``apis.SNAPSHOT_CREATE``, of who planned it; he needs Write on the volume.
            volume_id: of the volume, whose labels the snapshot gets.
            name: of the snapshot.
            schedule: by which the schedule finds its snapshots again.
            due: Unix seconds.

        Raises:
            OwnershipDeniedError: he has that no more.
            VolumeBusyError: the volume cannot be kept still long enough.
            PoolFullError: no room.
        """
        write = AccessType.WRITE
        self._gate.resource(admission, self._catalog, volume_id, access=write)
        with self._locks.turn(volume_id, self._gate.still(admission, self._catalog, access=write)) as source:
            now = int(self._clock.now())
            for record in self._catalog.copies_of(source.id):
                if record.taken_by == schedule and due <= record.created_at <= now:
                    if record.state is VolumeState.REMOVING:
                        return record  # it was taken; that somebody has it removed is another matter
                    return self._finish(admission, source, record, is_there=True)
            record = msgspec.structs.replace(
                self._copy_of(source, new_volume_id(), name),
                stored_ownership=note_of(ownership_on_snapshot(source.ownership)),
                is_snapshot=True,
                taken_by=schedule,
            )
            snapshot = self._finish(admission, source, record, is_there=False)
        self._gate.done(admission, snapshot.id, f"snapshot {name} of {source.id} by schedule {schedule}")
        return snapshot

    @operation(apis.SNAPSHOT_ENUMERATE)
    def enumerate(self, admission: Admission, reference: str) -> list[str]:
        """Return the ids of those snapshots of a volume that the caller may read."""
        source = self._gate.resource(admission, self._catalog, reference)
        return [record.id for record in self._visible(admission, source.id)]

    @operation(apis.SNAPSHOT_ENUMERATE_WITH_FILTERS)
    def enumerate_with_filters(
        self, admission: Admission, reference: str = "", *, labels: Mapping[str, str] | None = None
    ) -> list[str]:
        """Return the ids of the snapshots that the caller may read.

        Args:
            admission: of the caller.
            reference: only of this volume, if given.
            labels: only snapshots that have all of these.
        """
        parent = self._gate.resource(admission, self._catalog, reference).id if reference else ""
        wanted = dict(labels or {}).items()
        return [record.id for record in self._visible(admission, parent) if wanted <= record.labels.items()]

    @operation(apis.SNAPSHOT_RESTORE)
    def restore(self, admission: Admission, reference: str, snapshot: str) -> VolumeRecord:
        """Make a detached volume what it was when a snapshot of it was taken. What it is now is lost.

        Args:
            admission: of the caller.
            reference: id or name of the volume.
            snapshot: id or name of a snapshot of it, which the caller may read.

        Raises:
            ConflictError: it is no snapshot of this volume.
            RoleDeniedError: by the labels that the volume has now, what is in the snapshot would be open to
                the caller further than it is in the snapshot.
            VolumeBusyError: the volume is attached.
        """
        volume = self._gate.resource(admission, self._catalog, reference)
        source = self._gate.resource(admission, self._catalog, snapshot, access=AccessType.READ)
        if not source.is_snapshot or source.parent != volume.id:
            raise ConflictError("snapshot_id: expected a snapshot of this volume; of others, make a clone")
        still = self._gate.still(admission, self._catalog)
        readable = self._gate.still(admission, self._catalog, access=AccessType.READ)
        with self._locks.turns((volume.id, still), (source.id, readable)) as (volume, source):
            self._gate.labels.require_content(admission, volume.labels, of=source.labels)
            restored = self._copies.restore(volume, source)
        self._gate.done(admission, volume.id, f"restored from snapshot {source.id}")
        return restored

    @operation(apis.VOLUME_CLONE)
    def clone(self, admission: Admission, spec: CloneSpec) -> VolumeRecord:
        """Make a volume of its own out of a volume or snapshot. The same request again returns the same one.

        Raises:
            VolumeExistsError: the name is taken.
            RoleDeniedError: with these labels it would be open to more than what it is made of.
            SecretDeniedError: the caller may not name that secret.
            ConflictError: a key was asked for, and the parent is not encrypted.
            VolumeBusyError: the parent cannot be kept still long enough.
            ProviderUnavailableError: a key that is needed cannot be had.
            PoolFullError: no room.
        """
        spec.check()
        waiting = self._gate.resource(admission, self._catalog, spec.parent)
        self._gate.secret(admission, spec.secret_name, spec.secret_namespace)
        still = self._gate.still(admission, self._catalog)
        with self._locks.turn(waiting.id, still) as parent:
            self._gate.labels.require_new(admission, self._labels(parent, spec), copy_of=parent.labels)
            record = existing = self._existing(admission, spec.name, parent, is_snapshot=False)
            if record is None:
                identity = new_volume_id()
                record = msgspec.structs.replace(
                    self._copy_of(parent, identity, spec.name),
                    stored_ownership=note_of(ownership_on_clone(admission.principal, parent.ownership)),
                    labels=self._labels(parent, spec),
                    key=self._key_of_clone(parent, spec, identity),
                )
            is_there = existing is not None
            clone = self._finish(admission, parent, record, is_there=is_there, reencrypt=spec.reencrypt)
        self._gate.done(admission, clone.id, f"clone {spec.name} of {parent.id}")
        return clone

    def _existing(
        self, admission: Admission, name: str, parent: VolumeRecord, *, is_snapshot: bool
    ) -> VolumeRecord | None:
        record = self._catalog.find(name)
        if record is None:
            return None
        try:
            access = _access_to_copy(is_snapshot=is_snapshot)
            self._gate.require(admission, self._catalog, record, access=access)
        except OwnershipDeniedError as error:
            raise VolumeExistsError(
                f"Volume {name} already exists and is owned by another user", detail=error.detail
            ) from None
        if (record.parent, record.is_snapshot) != (parent.id, is_snapshot):
            raise VolumeExistsError(f"Volume {name} already exists and is no such copy of that volume")
        return record

    def _copy_of(self, parent: VolumeRecord, identity: str, name: str) -> VolumeRecord:
        """Return the record of a copy; as it is, that of a clone that is in everything as its parent."""
        return VolumeRecord(
            id=identity,
            name=name,
            uuid=str(uuid.uuid4()),
            size_bytes=parent.size_bytes,
            file_system=parent.file_system,
            state=VolumeState.PREPARED,
            created_at=int(self._clock.now()),
            stored_ownership=parent.stored_ownership,
            labels=dict(parent.labels),
            key=self._copies.key_of(parent),
            parent=parent.id,
            grow_pending=parent.grow_pending,
            pool=parent.pool,
            storage_policy=parent.storage_policy,
            integrity=parent.integrity,
        )

    def _key_of_clone(self, parent: VolumeRecord, spec: CloneSpec, identity: str) -> KeyNote | None:
        present = self._copies.key_of(parent)
        if present is None:
            if spec.own_key or spec.secret_name or spec.reencrypt:
                raise ConflictError("the volume is not encrypted and has no key, and so has a clone of it")
            return None
        if spec.secret_name == CLUSTER_WIDE:
            return self._cluster_key.current()
        if spec.secret_name:
            return self._keys.note(spec.secret_name, spec.secret_namespace, KeyOrigin.NAMED)
        if spec.own_key or present.origin is KeyOrigin.OWN:
            return self._keys.note(f"{self._own_key_prefix}/{identity}", spec.secret_namespace, KeyOrigin.OWN)
        return present

    @staticmethod
    def _labels(parent: VolumeRecord, spec: CloneSpec) -> dict[str, str]:
        kept = {name: text for name, text in parent.labels.items() if name not in LABELS_OF_ONE_VOLUME}
        return {name: text for name, text in {**kept, **spec.labels}.items() if text}

    def _finish(
        self,
        admission: Admission,
        parent: VolumeRecord,
        record: VolumeRecord,
        *,
        is_there: bool,
        reencrypt: bool = False,
    ) -> VolumeRecord:
        if record.state is not VolumeState.PREPARED:
            require_complete(record)
            return record
        if not is_there:
            with self._locks.making(record.id):
                return self._copies.make(parent, record, reencrypt=reencrypt)
        still_parent = self._gate.still(admission, self._catalog)
        access = _access_to_copy(is_snapshot=record.is_snapshot)
        still_copy = self._gate.still(admission, self._catalog, access=access)

        def both(now: VolumeRecord) -> VolumeRecord:
            still_parent(self._catalog.get(parent.id))  # whose turn came before this one was waited for
            return still_copy(now)

        with self._locks.turn(record.id, both) as copy:
            return self._copies.make(parent, copy, reencrypt=reencrypt)

    def _visible(self, admission: Admission, parent: str) -> list[VolumeRecord]:
        return [
            record
            for record in self._gate.readable(admission, self._catalog)
            if record.is_snapshot
            and parent in {"", record.parent}
            and record.state in {VolumeState.FORMATTED, VolumeState.READY}
        ]


def _access_to_copy(*, is_snapshot: bool) -> AccessType:
    """Return what a copy that is there has to give who asks for it again.

    A snapshot is its parent's owner's; who may take one may be told that it is there.
    """
    return AccessType.READ if is_snapshot else AccessType.ADMIN
