"""What the volume is to be that a backup becomes: its caller's, under a key of his choice."""

import uuid
from dataclasses import dataclass

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission
from holdfast.node.backups.format import DamagedBackupError, Manifest
from holdfast.node.errors import PolicyViolationError, VolumeExistsError
from holdfast.node.inventory.catalog import Catalog, new_volume_id
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState, check_volume_name
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.policies.policy_enforcement import PolicyEnforcement
from holdfast.node.policies.volume_rules import Wish
from holdfast.node.volume.volume_service import FILE_SYSTEMS, check_labels
from holdfast.policy.ownership_change import ownership_on_create
from holdfast.policy.secret_scopes import CLUSTER_WIDE

MAX_STEM_CHARACTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSpec:
    """Which backup is to become which volume.

    Attributes:
        backup_id: which backup.
        name: of the volume; empty for one made of the old name.
        credential: id or name; empty for the only one that the caller may read.
        task_id: by which the task is asked after.
        secret_name: the secret whose value opens the volume; empty or ``default`` for the cluster-wide key.
        secret_namespace: the provider's namespace of that secret.
        own_key: make a key for this volume alone.
    """

    backup_id: str
    name: str = ""
    credential: str = ""
    task_id: str = ""
    secret_name: str = ""
    secret_namespace: str = ""
    own_key: bool = False

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be, naming the field."""
        if self.name:
            check_volume_name(self.name)
        if self.own_key and self.secret_name:
            raise InvalidInputError("secret_name: expected none together with a key of the volume's own")


class NewVolumes:
    """Plans volumes that backups become."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        devices: Devices,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        policies: PolicyEnforcement,
        clock: Clock,
        own_key_prefix: str,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._cluster_key = cluster_key
        self._policies = policies
        self._clock = clock
        self._own_key_prefix = own_key_prefix

    def plan(self, admission: Admission, spec: RestoreSpec, manifest: Manifest) -> VolumeRecord:
        """Return the record of the volume to be; nothing is stored yet.

        Raises:
            SecretDeniedError: the caller may not name that secret.
            UnsupportedError: the volume's encryption is authenticated, and this node has no such volumes.
            VolumeExistsError: the name is taken.
            PolicyViolationError: the storage policy that counts for new volumes does not allow it.
            ConflictError: a key was asked for, and the backup is not encrypted.
            NoClusterKeyError: the cluster-wide key is needed, and none is set.
        """
        spec.check()
        self._gate.secret(admission, spec.secret_name, spec.secret_namespace)
        check_labels(manifest.volume_labels)
        if manifest.file_system not in FILE_SYSTEMS:
            raise DamagedBackupError("the backup has a file system that no volume has")
        identity = new_volume_id()
        name = spec.name or f"{manifest.volume_name[:MAX_STEM_CHARACTERS]}-restored-{identity[:6]}"
        check_volume_name(name)
        if self._catalog.find(name) is not None:
            raise VolumeExistsError("restore_volume_name: another volume has it already")
        if not manifest.encrypted and (spec.secret_name or spec.own_key):
            raise ConflictError("the volume was not encrypted and has no key, and so has what is made of it")
        if manifest.integrity:
            self._devices.require_integrity()
        policy, wish = self._as_the_policy_allows(admission, spec, manifest)
        record = VolumeRecord(
            id=identity,
            name=name,
            uuid=str(uuid.uuid4()),
            size_bytes=manifest.size_bytes,
            file_system=manifest.file_system,
            state=VolumeState.PREPARED,
            created_at=int(self._clock.now()),
            stored_ownership=note_of(ownership_on_create(admission.principal, None)),
            labels=dict(wish.labels),
            key=self._key_note(spec, wish, identity) if manifest.encrypted else None,
            grow_pending=manifest.grow_pending,
            pool=self._devices.pool_id,
            storage_policy=policy,
            integrity=manifest.integrity,
        )
        self._devices.file(record)
        return record

    def _as_the_policy_allows(
        self, admission: Admission, spec: RestoreSpec, manifest: Manifest
    ) -> tuple[str, Wish]:
        asked = Wish(
            size_bytes=manifest.size_bytes,
            encrypted=manifest.encrypted,
            secret_name=spec.secret_name,
            own_key=spec.own_key,
            file_system=manifest.file_system,
            labels=dict(manifest.volume_labels),
        )
        policy, wish = self._policies.on_create(admission, "", asked)
        fixed = (asked.size_bytes, asked.encrypted, asked.file_system)
        if (wish.size_bytes, wish.encrypted, wish.file_system) != fixed:
            raise PolicyViolationError(
                f"storage policy {policy}: the volume of the backup is not as the policy wants volumes"
            )
        return policy, wish

    def _key_note(self, spec: RestoreSpec, wish: Wish, identity: str) -> KeyNote:
        if wish.own_key:
            return self._keys.note(f"{self._own_key_prefix}/{identity}", spec.secret_namespace, KeyOrigin.OWN)
        if wish.secret_name and wish.secret_name != CLUSTER_WIDE:
            return self._keys.note(wish.secret_name, spec.secret_namespace, KeyOrigin.NAMED)
        return self._cluster_key.current()
