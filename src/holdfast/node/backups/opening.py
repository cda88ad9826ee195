"""The service of cloud backups, put together of its parts."""

from dataclasses import dataclass

from holdfast.clock import Clock
from holdfast.node.access.gate import Gate
from holdfast.node.backups.backup_list_service import CloudBackupListService
from holdfast.node.backups.backup_service import CloudBackupService
from holdfast.node.backups.records import BackupCatalog, TaskCatalog
from holdfast.node.backups.removal import BackupRemoval
from holdfast.node.backups.restores import NewVolumes
from holdfast.node.backups.stores import BackupKeys, Buckets
from holdfast.node.backups.tasks import Tasks
from holdfast.node.backups.ways import Ways
from holdfast.node.backups.work import BackupWork
from holdfast.node.cluster.locks import VolumeLocks
from holdfast.node.credentials.credential_catalog import CredentialCatalog
from holdfast.node.credentials.credential_check import EndpointRules
from holdfast.node.credentials.credential_secrets import CredentialSecrets
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.policies.policy_enforcement import PolicyEnforcement
from holdfast.node.volume.copies import VolumeCopies
from holdfast.storage.interface import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """What backups take from the node's settings.

    Attributes:
        cluster_id: of the node; part of every backup's id.
        node_id: which node it is.
        own_key_prefix: where keys made for single volumes go.
        endpoints: which object stores may be asked.
    """

    cluster_id: str
    node_id: str
    own_key_prefix: str
    endpoints: EndpointRules


def open_cloud_backups(
    storage: Storage,
    *,
    settings: BackupSettings,
    gate: Gate,
    catalog: Catalog,
    devices: Devices,
    keys: VolumeKeys,
    cluster_key: ClusterKeyReference,
    copies: VolumeCopies,
    locks: VolumeLocks,
    policies: PolicyEnforcement,
    credentials: CredentialCatalog,
    credential_secrets: CredentialSecrets,
    clock: Clock,
) -> tuple[CloudBackupService, CloudBackupListService]:
    """Return the two parts of the service."""
    backups, tasks, backup_keys = BackupCatalog(storage), TaskCatalog(storage), BackupKeys(keys)
    work = BackupWork(
        catalog=catalog,
        devices=devices,
        copies=copies,
        locks=locks,
        backups=backups,
        keys=backup_keys,
        clock=clock,
    )
    new_volumes = NewVolumes(
        gate=gate,
        catalog=catalog,
        devices=devices,
        keys=keys,
        cluster_key=cluster_key,
        policies=policies,
        clock=clock,
        own_key_prefix=settings.own_key_prefix,
    )
    task_runner = Tasks(tasks, node_id=settings.node_id, clock=clock)
    buckets = Buckets(credential_secrets, settings.endpoints, clock=clock)
    ways = Ways(gate=gate, catalog=catalog, credentials=credentials)
    removal = BackupRemoval(
        backups=backups,
        task_catalog=tasks,
        buckets=buckets,
        clock=clock,
        cluster_id=settings.cluster_id,
        node_id=settings.node_id,
    )
    lists = CloudBackupListService(
        gate=gate,
        catalog=catalog,
        ways=ways,
        backups=backups,
        task_catalog=tasks,
        tasks=task_runner,
        buckets=buckets,
        cluster_id=settings.cluster_id,
        node_id=settings.node_id,
    )
    service = CloudBackupService(
        gate=gate,
        catalog=catalog,
        ways=ways,
        removal=removal,
        backups=backups,
        task_catalog=tasks,
        tasks=task_runner,
        buckets=buckets,
        backup_keys=backup_keys,
        work=work,
        new_volumes=new_volumes,
        keys=keys,
        cluster_key=cluster_key,
        clock=clock,
        cluster_id=settings.cluster_id,
        node_id=settings.node_id,
    )
    return service, lists
