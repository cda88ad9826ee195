"""Service ``Volume``: create, inspect, enumerate, update, delete, and a volume's own key rotation."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.access_changes import change_access, ownership_words
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.locks import Still, VolumeLocks, by_role_alone
from holdfast.node.errors import OwnershipDeniedError, VolumeExistsError
from holdfast.node.inventory.catalog import Catalog, new_volume_id
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import (
    KeyNote,
    KeyOrigin,
    VolumeRecord,
    VolumeState,
    check_volume_name,
)
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.next_key import next_key
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.policies.policy_enforcement import PolicyEnforcement
from holdfast.node.policies.volume_rules import Wish
from holdfast.node.volume.copies import require_complete
from holdfast.node.volume.resizing import VolumeResizer
from holdfast.node.volume.volume_maker import RemovalReport, VolumeMaker
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.ownership_change import AccessChange, ownership_on_create, ownership_on_update
from holdfast.policy.secret_scopes import CLUSTER_WIDE
from holdfast.storage.interface import Transaction
from holdfast.volumes.backend import AttachState
from holdfast.volumes.errors import ForeignVolumeError, TruncatedVolumeError, WrongKeyError

FILE_SYSTEMS = ("ext4", "xfs")
MIN_XFS_BYTES = 300 << 20  # mkfs.xfs makes none that is smaller
MAX_LABELS = 64
MAX_LABEL_CHARACTERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpec:
    """What a new volume is to be.

    Attributes:
        name: unique within the cluster.
        size_bytes: what it is to offer.
        file_system: ``ext4`` or ``xfs``.
        encrypted: whether it gets a LUKS2 header; implied by the others about keys, and by ``integrity``.
        secret_name: the secret whose value opens it; empty or ``default`` for the cluster-wide key.
        secret_namespace: the provider's namespace of that secret.
        own_key: make a key for this volume alone.
        labels: free text by name.
        acls: who else may use it.
        storage_policy: the rules that it follows; empty for the default ones, if there are any.
        integrity: authenticate the encryption, so that a changed backing file gives I/O errors.
    """

    name: str
    size_bytes: int
    file_system: str = "ext4"
    encrypted: bool = False
    secret_name: str = ""
    secret_namespace: str = ""
    own_key: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    acls: AccessControl | None = None
    storage_policy: str = ""
    integrity: bool = False

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be, naming the field."""
        check_volume_name(self.name)
        if self.file_system not in FILE_SYSTEMS:
            raise InvalidInputError(f"format: expected one of {', '.join(FILE_SYSTEMS)}")
        if self.file_system == "xfs" and 0 < self.size_bytes < MIN_XFS_BYTES:
            raise InvalidInputError("size: expected at least 300M with xfs; ext4 may be smaller")
        if self.own_key and self.secret_name:
            raise InvalidInputError("secret_key: expected none together with a key of the volume's own")
        check_labels(self.labels)


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """A volume and what the kernel says about it.

    Attributes:
        record: the volume.
        state: what this node's kernel says.
        attached_on: which node of a cluster has it, if that was looked up and one does.
    """

    record: VolumeRecord
    state: AttachState
    attached_on: str = ""


class PlanToSet(Protocol):
    """When snapshots are to be taken of the volume that a request makes; see ``schedules``."""

    def require(self, volume: VolumeRecord) -> None:
        """Raise unless the caller may have it for this volume, as that is or would be."""
        ...

    def at_birth(self, volume: VolumeRecord) -> tuple[VolumeRecord, Callable[[Transaction], None]]:
        """Return a new volume with it, and what is to be stored in the same transaction."""
        ...

    def change(self, volume: VolumeRecord) -> VolumeRecord:
        """Set it for a volume that was there before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a schedule takes.

    Attributes:
        parent: id of the volume that it takes snapshots of.
        schedule: by which it is known.
        since: Unix seconds since which it does so for who planned it.
    """

    parent: str
    schedule: str
    since: int


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise ``InvalidInputError`` for too many labels, or one that is too long or has no name."""
    if len(labels) > MAX_LABELS:
        raise InvalidInputError(f"labels: expected at most {MAX_LABELS}")
    for name, value in labels.items():
        if not name or max(len(name), len(value)) > MAX_LABEL_CHARACTERS:
            raise InvalidInputError(f"labels: expected 1 to {MAX_LABEL_CHARACTERS} characters in each")


class VolumeService:
    """Volumes and their records."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        devices: Devices,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        rotation: KeyRotation,
        resizer: VolumeResizer,
        locks: VolumeLocks,
        policies: PolicyEnforcement,
        clock: Clock,
        own_key_prefix: str,
    ) -> None:
        self._gate = gate
        self._policies = policies
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._cluster_key = cluster_key
        self._rotation = rotation
        self._resizer = resizer
        self._locks = locks
        self._clock = clock
        self._own_key_prefix = own_key_prefix
        self._maker = VolumeMaker(catalog=catalog, devices=devices, keys=keys)

    @operation(apis.VOLUME_CREATE)
    def create(
        self, admission: Admission, spec: VolumeSpec, *, plan: PlanToSet | None = None
    ) -> VolumeRecord:
        """Create a volume that belongs to the caller. The same request again returns the same volume.

        Args:
            admission: of the caller.
            spec: what it is to be; its storage policy may change that, and what counts is what it becomes.
            plan: when snapshots of it are to be taken by themselves, if they are. What the caller may not
                have makes no volume, and there is no volume without it.

        Raises:
            VolumeExistsError: the name is taken, by another's volume or by one that differs.
            RoleDeniedError: the labels are in no scope in which the caller may make volumes, or plan.
            PolicyViolationError: the storage policy that counts for it refuses it.
            SecretDeniedError: the caller may not name that secret.
            NoClusterKeyError, SecretNotFoundError, SecretDataError: there is no key to encrypt it with.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
            UnsupportedError: it is to have integrity, and this node cannot have such volumes.
            PoolFullError: no room.
        """
        spec.check()
        if spec.integrity:
            self._devices.require_integrity()
        spec = self._as_its_policy_allows(admission, spec)
        self._gate.labels.require_new(admission, spec.labels)
        self._gate.secret(admission, spec.secret_name, spec.secret_namespace)
        existing = self._existing(admission, spec)
        record = existing or self._new_record(admission, spec)
        if plan is not None:
            plan.require(record)
        if existing is not None:
            still = self._gate.still(admission, self._catalog, access=AccessType.ADMIN)
            record = self._made(admission, record, still)
            return record if plan is None else plan.change(record)
        if plan is None:
            self._catalog.insert(record)
            return self._made(admission, record, by_role_alone)
        record, also = plan.at_birth(record)
        self._catalog.insert(record, also=also)
        record = self._made(admission, record, by_role_alone)
        self._gate.done(admission, record.id, f"snapshots are taken: {record.snapshot_plan}")
        return record

    @operation(apis.VOLUME_INSPECT)
    def inspect(self, admission: Admission, reference: str) -> VolumeStatus:
        """Return one volume."""
        record = self._gate.resource(admission, self._catalog, reference)
        return VolumeStatus(record, self._devices.state(record), self._locks.holder(record.id))

    @operation(apis.VOLUME_UPDATE)
    def update(
        self,
        admission: Admission,
        reference: str,
        *,
        labels: Mapping[str, str] | None = None,
        owner: str | None = None,
        acls: AccessControl | None = None,
        size_bytes: int | None = None,
    ) -> VolumeRecord:
        """Change labels, ownership and size.

        Args:
            admission: of the caller.
            reference: id or name.
            labels: merged into the present ones; an empty value removes a label.
            owner: the new owner; only the storage administrator may name one.
            acls: replaces the access control list.
            size_bytes: make it that large; never smaller. ``grow_pending`` of what is returned tells that
                the file system follows at the next mount.

        Raises:
            InvalidInputError: the size is smaller than the present one.
            RoleDeniedError: the labels would move it into a scope of the caller's roles, or out of one.
            PolicyViolationError: the volume's storage policy does not allow it.
            PoolFullError: no room to grow.
        """
        record = self._gate.resource(admission, self._catalog, reference)
        check_labels(labels or {})
        ownership_on_update(admission.principal, record.ownership, owner=owner, acls=acls)
        self._policies.on_update(
            admission,
            record.storage_policy,
            size_bytes=size_bytes,
            labels={**record.labels, **labels} if labels else None,
        )
        # What is refused in the end is refused before the volume grows.
        self._gate.labels.relabelling(admission)(record.labels, _relabelled(record.labels, labels))
        if size_bytes is not None:
            still = self._gate.still(admission, self._catalog)
            self._resizer.resize(record.id, size_bytes, still=still)
            self._gate.done(admission, record.id, f"resized to {size_bytes} bytes")

        earlier = [record.ownership]
        may_relabel = self._gate.labels.relabelling(admission)

        def edit(now: VolumeRecord) -> VolumeRecord:
            earlier[:] = [now.ownership]  # the last time counts: storage may repeat a change
            ownership = ownership_on_update(admission.principal, now.ownership, owner=owner, acls=acls)
            merged = _relabelled(now.labels, labels)
            check_labels(merged)
            may_relabel(now.labels, merged)
            return msgspec.structs.replace(now, labels=merged, stored_ownership=note_of(ownership))

        updated = self._catalog.update(record.id, edit)
        if owner is None and acls is None:
            self._gate.done(admission, record.id, "updated")
        else:
            before, after = ownership_words(earlier[0]), ownership_words(updated.ownership)
            self._gate.done(admission, record.id, "updated", before=before, after=after)
        return updated

    @operation(apis.VOLUME_ACCESS_UPDATE)
    def update_access(self, admission: Admission, reference: str, change: AccessChange) -> VolumeRecord:
        """Change whom a volume belongs to and who may use it, entry by entry or as a whole."""
        return change_access(self._gate, admission, self._catalog, reference, change)

    @operation(apis.VOLUME_DELETE)
    def delete(self, admission: Admission, reference: str) -> RemovalReport:
        """Crypto-erase and remove a detached volume, with its key if it has one of its own.

        Who removed a volume may say so again, by its id, in case that the answer was lost.

        Raises:
            VolumeBusyError: it is attached.
        """
        user = admission.principal.name
        if self._catalog.was_removed_by(user, reference):
            self._gate.done(admission, reference, "was removed by this user before")
            return RemovalReport.of_before(reference)
        waiting = self._gate.resource(admission, self._catalog, reference)
        still = self._gate.still(admission, self._catalog)
        with self._locks.turn(waiting.id, still, to_delete=True) as record:
            report = self._maker.remove(record, by=user)
        self._gate.done(admission, record.id, "crypto-erased and removed" if report.erased else "removed")
        return report

    def may_remove_taken(self, admission: Admission, snapshot: VolumeRecord, taken: Taken) -> bool:
        """Whether a schedule removes a snapshot: one that it took, and that is its planner's to remove.

        What it took before he planned, or what was given away since, is so if he has Admin on it, as for
        removing it by hand.

        Args:
            admission: of who planned it.
            snapshot: the snapshot.
            taken: what the schedule takes.
        """
        if not snapshot.is_snapshot or (snapshot.parent, snapshot.taken_by) != (taken.parent, taken.schedule):
            return False
        parent = self._catalog.get(taken.parent)
        is_given_away = snapshot.ownership.owner != parent.ownership.owner
        if snapshot.created_at > taken.since and not is_given_away:
            return True
        return self._gate.may(admission, snapshot, AccessType.ADMIN)

    def remove_taken(self, admission: Admission, snapshot: str, taken: Taken) -> None:
        """Remove a snapshot that a schedule took and keeps no longer, and no other.

        Args:
            admission: of who planned it.
            snapshot: its id.
            taken: what the schedule takes.

        Raises:
            ConflictError: it is something else.
            VolumeBusyError: it is attached.
        """

        def still(record: VolumeRecord) -> VolumeRecord:
            if not self.may_remove_taken(admission, record, taken):
                raise ConflictError("this is not that schedule's to remove")
            return record

        with self._locks.turn(snapshot, still, to_delete=True) as record:
            self._maker.remove(record)
        self._gate.done(admission, record.id, f"removed, as schedule {taken.schedule} keeps newer ones")

    @operation(apis.VOLUME_ROTATE_KEY)
    def rotate_key(
        self, admission: Admission, reference: str, *, secret_name: str = "", secret_namespace: str = ""
    ) -> VolumeRecord:
        """Give one volume another key.

        Args:
            admission: of the caller.
            reference: id or name.
            secret_name: the secret to use from now on, in its newest version; ``default`` for the
                cluster-wide key. Empty: a new version of the volume's own key, or else the newest
                version of the secret that it uses.
            secret_namespace: the provider's namespace of that secret.

        Raises:
            SecretDeniedError: the caller may not name that secret.
        """
        record = self._gate.resource(admission, self._catalog, reference)
        self._gate.secret(admission, secret_name, secret_namespace)
        if record.key is None:
            raise ConflictError("the volume is not encrypted and has no key")
        self._policies.on_rotate(admission, record.storage_policy, secret_name=secret_name)
        note, key = self._next_key(record.key, secret_name, secret_namespace)
        with key:
            still = self._gate.still(admission, self._catalog)
            rotated = self._rotation.rotate(record.id, note, key, still=still)
        self._gate.done(admission, record.id, f"key is now {note.name} version {note.version}")
        return rotated

    def _as_its_policy_allows(self, admission: Admission, spec: VolumeSpec) -> VolumeSpec:
        """Return what a new volume is to be, once the storage policy that counts for it had its say."""
        name, allowed = self._policies.on_create(
            admission,
            spec.storage_policy,
            Wish(
                size_bytes=spec.size_bytes,
                encrypted=self._wants_encryption(spec),
                secret_name=spec.secret_name,
                own_key=spec.own_key,
                file_system=spec.file_system,
                labels=dict(spec.labels),
            ),
        )
        allowed_spec = replace(
            spec,
            storage_policy=name,
            size_bytes=allowed.size_bytes,
            encrypted=allowed.encrypted,
            secret_name=allowed.secret_name,
            own_key=allowed.own_key,
            file_system=allowed.file_system,
            labels=allowed.labels,
        )
        allowed_spec.check()
        return allowed_spec

    def _existing(self, admission: Admission, spec: VolumeSpec) -> VolumeRecord | None:
        record = self._catalog.find(spec.name)
        if record is None:
            return None
        try:
            self._gate.require(admission, self._catalog, record, access=AccessType.ADMIN)
        except OwnershipDeniedError as error:
            raise VolumeExistsError(
                f"Volume {spec.name} already exists and is owned by another user", detail=error.detail
            ) from None
        wanted = (spec.size_bytes, spec.file_system, self._wants_encryption(spec), spec.integrity)
        if (record.size_bytes, record.file_system, record.encrypted, record.integrity) != wanted:
            raise VolumeExistsError(f"Volume {spec.name} already exists with another size or format")
        if not _has_wanted_key(record, spec):
            raise VolumeExistsError(f"Volume {spec.name} already exists with another key")
        return record

    def _made(self, admission: Admission, record: VolumeRecord, still: Still) -> VolumeRecord:
        """Make a volume that is recorded, unless it is made; and tell."""
        if record.state is not VolumeState.PREPARED:
            require_complete(record)
            return record
        with self._locks.turn(record.id, still) as waiting:
            record = waiting
            if record.state is not VolumeState.PREPARED:  # the same request, sent again, was made meanwhile
                require_complete(record)
                return record
            try:
                record = self._maker.make(record)
            except (ForeignVolumeError, TruncatedVolumeError, WrongKeyError):
                raise  # what lies there is not what this request made: nothing of it is taken away
            except Exception:
                self._maker.discard(record)
                raise
        made = f"created {record.name}"
        self._gate.done(admission, record.id, made, after=ownership_words(record.ownership))
        return record

    def _new_record(self, admission: Admission, spec: VolumeSpec) -> VolumeRecord:
        """Return what is to be stored of a volume; nothing is yet."""
        identity = new_volume_id()
        record = VolumeRecord(
            id=identity,
            name=spec.name,
            uuid=str(uuid.uuid4()),
            size_bytes=spec.size_bytes,
            file_system=spec.file_system,
            state=VolumeState.PREPARED,
            created_at=int(self._clock.now()),
            stored_ownership=note_of(ownership_on_create(admission.principal, spec.acls)),
            labels=dict(spec.labels),
            key=self._key_note(spec, identity),
            pool=self._devices.pool_id,
            storage_policy=spec.storage_policy,
            integrity=spec.integrity,
        )
        self._devices.file(record)  # refuses what the pool could not hold, before anything is stored
        return record

    def _key_note(self, spec: VolumeSpec, identity: str) -> KeyNote | None:
        if not self._wants_encryption(spec):
            return None
        if spec.own_key:
            return self._keys.note(f"{self._own_key_prefix}/{identity}", spec.secret_namespace, KeyOrigin.OWN)
        if spec.secret_name and spec.secret_name != CLUSTER_WIDE:
            return self._keys.note(spec.secret_name, spec.secret_namespace, KeyOrigin.NAMED)
        return self._cluster_key.current()

    def _next_key(self, key: KeyNote, secret_name: str, namespace: str) -> tuple[KeyNote, SecretBytes]:
        if not secret_name:
            return next_key(self._keys, self._cluster_key, key)
        if secret_name == CLUSTER_WIDE:
            return self._keys.at(self._cluster_key.current())
        return self._keys.newest(secret_name, namespace, KeyOrigin.NAMED)

    @staticmethod
    def _wants_encryption(spec: VolumeSpec) -> bool:
        return spec.encrypted or spec.own_key or spec.integrity or bool(spec.secret_name)


def _relabelled(present: Mapping[str, str], changes: Mapping[str, str] | None) -> dict[str, str]:
    """Return labels after a change: an empty value removes one, and what the change does not name stays."""
    changes = changes or {}
    return {name: text for name, text in {**present, **changes}.items() if text or name not in changes}


def _has_wanted_key(record: VolumeRecord, spec: VolumeSpec) -> bool:
    """Whether a volume that is there has the key that is wanted: who asks for its own gets no other."""
    note = record.key
    if note is None:
        return True  # and none was wanted
    if spec.own_key:
        return note.origin is KeyOrigin.OWN
    if spec.secret_name and spec.secret_name != CLUSTER_WIDE:
        return (note.name, note.namespace) == (spec.secret_name, spec.secret_namespace)
    return note.origin is KeyOrigin.CLUSTER
