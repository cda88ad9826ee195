"""A storage node: its services, and the one way a request enters.

    admission = node.admit(token, VolumeService.inspect, peer=...)      gates 1 and 2
    status = node.volumes.inspect(admission, "vol1")                     gate 3, then the work

A wire dialect calls ``admit`` before it reads the request's arguments, so that nobody who may not call an
API learns anything from how its arguments are answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from holdfast.clock import Clock
from holdfast.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError
from holdfast.node.access.decision_log import DecisionLog, new_request_id
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, Api, Operation
from holdfast.node.backups.opening import BackupSettings, open_cloud_backups
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.cluster_service import ClusterService
from holdfast.node.cluster.locks import VolumeLocks
from holdfast.node.cluster.node_cluster import NodeCluster, alone
from holdfast.node.cluster.open_gate import OpenGate
from holdfast.node.cluster.status_service import NodeIdentity, StatusService
from holdfast.node.credentials.credential_catalog import CredentialCatalog
from holdfast.node.credentials.credential_check import CredentialCheck, EndpointRules
from holdfast.node.credentials.credential_secrets import CredentialSecrets
from holdfast.node.credentials.credentials_service import CredentialsService
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.key_doctor import KeyDoctor
from holdfast.node.keys.key_moves import KeyMoves
from holdfast.node.keys.key_recovery import KeyRecovery
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.leftover_keys import LeftoverKeys
from holdfast.node.keys.provider_service import ProviderService
from holdfast.node.keys.reencryptions import Reencryptions
from holdfast.node.keys.scope_service import ScopeService
from holdfast.node.keys.secret_scopes import ScopeBook
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.pairing.pair_service import PairService
from holdfast.node.pairing.pair_tokens import PairingVerifier, PairTokens
from holdfast.node.policies.policy_catalog import PolicyCatalog
from holdfast.node.policies.policy_enforcement import PolicyEnforcement
from holdfast.node.policies.policy_service import PolicyService
from holdfast.node.roles.role_book import RoleBook
from holdfast.node.roles.role_service import RoleService
from holdfast.node.schedules.plan_runner import PlanRunner
from holdfast.node.schedules.schedule_policies import SchedulePolicies
from holdfast.node.schedules.schedule_policy_service import SchedulePolicyService
from holdfast.node.schedules.snapshot_plan_service import SnapshotPlanService
from holdfast.node.schedules.volume_plans import VolumePlans
from holdfast.node.tokens.revocation_book import RevocationBook
from holdfast.node.tokens.token_service import TokenLimits, TokenService
from holdfast.node.tokens.token_watch import TrustingVerifier, WatchedTokens
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.copies import VolumeCopies
from holdfast.node.volume.file_list_service import FileListService
from holdfast.node.volume.file_systems import FileSystemCare
from holdfast.node.volume.host_paths import DEFAULT_ROOTS, HostPaths
from holdfast.node.volume.resizing import VolumeResizer
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.usage_service import UsageService
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.node.volume.watch_service import WatchService
from holdfast.providers import SecretsProvider
from holdfast.storage.freshness import Freshness
from holdfast.storage.interface import Storage

OWN_KEY_PREFIX = "holdfast/volumes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What an operator decides about a node.

    Attributes:
        identity: which node of which cluster it is.
        configured_cluster_key: ``cluster_secret_key`` of the configuration; one set later wins.
        guest_access: let calls without a token use what the guest role allows.
        ownerless_is_public: let everybody do everything with volumes that belong to nobody, while they are
            being given owners.
        host_roots: directories below which volumes may be mounted and trees copied.
        own_key_prefix: where in the provider the keys made for single volumes go.
        pair_ca_file: authorities that certify clusters to pair with; empty for the system's.
        cloud_endpoints: which hosts the node asks whether cloud credentials are good.
        token_limits: how long tokens may live and be renewed.
    """

    identity: NodeIdentity
    configured_cluster_key: str = ""
    guest_access: bool = False
    ownerless_is_public: bool = False
    host_roots: Sequence[str | Path] = DEFAULT_ROOTS
    own_key_prefix: str = OWN_KEY_PREFIX
    pair_ca_file: str = ""
    cloud_endpoints: EndpointRules = field(default_factory=EndpointRules)
    token_limits: TokenLimits = field(default_factory=TokenLimits)


class Node:
    """The services of one node.

    Args:
        settings: what the operator decided.
        storage: where the node keeps its records.
        devices: what it can do with volumes.
        provider: where keys come from; ``None`` for a node without encrypted volumes.
        former_provider: where they came from before, to be moved; of another type.
        verifier: checks tokens.
        decisions: the audit log.
        clock: the time.
        cluster: the node's part in it; one that is alone unless told.
    """

    def __init__(
        self,
        settings: NodeSettings,
        *,
        storage: Storage,
        devices: Devices,
        provider: SecretsProvider | None,
        former_provider: SecretsProvider | None = None,
        verifier: TrustingVerifier,
        decisions: DecisionLog,
        clock: Clock,
        cluster: NodeCluster | None = None,
    ) -> None:
        self._freshness = Freshness(storage)
        self.cluster = cluster or alone(storage, settings.identity.node_id, clock=clock)
        catalog, keys = Catalog(storage), VolumeKeys(provider, former_provider)
        locks = VolumeLocks(catalog, self.cluster.lock)
        catalog.index_ownership()
        security = self.cluster.security
        looks_at_tokens = security.own is not SecurityStatus.UNSECURED
        # Beside secured nodes, one without security serves guests: what has no owner has to stay usable.
        book = RoleBook(storage, guest_access=settings.guest_access or not looks_at_tokens)
        cluster_key = ClusterKeyReference(catalog, keys, configured_name=settings.configured_cluster_key)
        scopes = ScopeBook(storage, cluster_key=cluster_key.place)
        revocations = RevocationBook(storage)
        tokens = WatchedTokens(verifier, revocations, clock=clock)
        pair_tokens = PairTokens(storage, clock)
        if looks_at_tokens:
            gate = Gate(
                verifier=PairingVerifier(tokens, pair_tokens),
                roles=book,
                log=decisions,
                secret_rules=scopes,
                ownerless_is_public=settings.ownerless_is_public,
            )
        else:
            gate = OpenGate(standing=security.standing, roles=book, log=decisions, secret_rules=scopes)
        self._gate = gate
        rotation = KeyRotation(catalog=catalog, devices=devices, keys=keys, locks=locks)
        care = FileSystemCare(catalog=catalog, devices=devices)
        policies = PolicyCatalog(storage)
        enforcement = PolicyEnforcement(gate=gate, catalog=policies)
        self.policies = PolicyService(gate=gate, catalog=policies, clock=clock)
        self.volumes = VolumeService(
            gate=gate,
            catalog=catalog,
            devices=devices,
            keys=keys,
            cluster_key=cluster_key,
            rotation=rotation,
            resizer=VolumeResizer(
                catalog=catalog, devices=devices, keys=keys, rotation=rotation, care=care, locks=locks
            ),
            locks=locks,
            policies=enforcement,
            clock=clock,
            own_key_prefix=settings.own_key_prefix,
        )
        self.volume_lists = VolumeListService(gate=gate, catalog=catalog, devices=devices)
        self.copies = VolumeCopies(catalog=catalog, devices=devices, keys=keys, rotation=rotation)
        self.snapshots = SnapshotService(
            gate=gate,
            catalog=catalog,
            keys=keys,
            cluster_key=cluster_key,
            copies=self.copies,
            locks=locks,
            clock=clock,
            own_key_prefix=settings.own_key_prefix,
        )
        self.tokens = TokenService(
            gate=gate, book=revocations, tokens=tokens, clock=clock, limits=settings.token_limits
        )
        schedule_policies, plans = SchedulePolicies(storage), VolumePlans(storage)
        self.schedule_policies = SchedulePolicyService(gate=gate, policies=schedule_policies, clock=clock)
        self.snapshot_plans = SnapshotPlanService(
            gate=gate, catalog=catalog, policies=schedule_policies, plans=plans, clock=clock
        )
        self._plan_runner = PlanRunner(
            gate=gate,
            catalog=catalog,
            policies=schedule_policies,
            plans=plans,
            snapshots=self.snapshots,
            volumes=self.volumes,
            revocations=revocations,
            clock=clock,
        )
        self.files = FileListService(gate=gate, catalog=catalog, devices=devices, locks=locks)
        self.usage = UsageService(gate=gate, catalog=catalog, devices=devices)
        self.attachments = AttachService(
            gate=gate,
            catalog=catalog,
            devices=devices,
            keys=keys,
            rotation=rotation,
            locks=locks,
            host_paths=HostPaths(settings.host_roots),
            care=care,
            figures=self.usage.figures,
        )
        self._leftover_keys = LeftoverKeys(catalog=catalog, keys=keys)
        self.secrets = SecretsService(
            gate=gate,
            catalog=catalog,
            keys=keys,
            cluster_key=cluster_key,
            rotation=rotation,
            moves=KeyMoves(catalog=catalog, keys=keys, cluster_key=cluster_key, rotation=rotation),
        )
        self.provider = ProviderService(gate=gate, provider=provider)
        self.secret_scopes = ScopeService(gate=gate, book=scopes)
        recovery = KeyRecovery(
            catalog=catalog,
            devices=devices,
            keys=keys,
            cluster_key=cluster_key,
            rotation=rotation,
            locks=locks,
        )
        self.volume_keys = VolumeKeyService(
            gate=gate,
            catalog=catalog,
            doctor=KeyDoctor(devices=devices, keys=keys, cluster_key=cluster_key),
            recovery=recovery,
            reencryptions=Reencryptions(devices=devices, keys=keys, rotation=rotation, locks=locks),
        )
        credentials = CredentialCatalog(storage)
        credential_secrets = CredentialSecrets(
            provider, catalog=credentials, node_id=settings.identity.node_id, clock=clock
        )
        self.cloud_backups, self.cloud_backup_lists = open_cloud_backups(
            storage,
            settings=BackupSettings(
                cluster_id=settings.identity.cluster_id,
                node_id=settings.identity.node_id,
                own_key_prefix=settings.own_key_prefix,
                endpoints=settings.cloud_endpoints,
            ),
            gate=gate,
            catalog=catalog,
            devices=devices,
            keys=keys,
            cluster_key=cluster_key,
            copies=self.copies,
            locks=locks,
            policies=enforcement,
            credentials=credentials,
            credential_secrets=credential_secrets,
            clock=clock,
        )
        self.credentials = CredentialsService(
            gate=gate,
            catalog=credentials,
            secrets=credential_secrets,
            check=CredentialCheck(settings.cloud_endpoints, clock=clock),
            clock=clock,
        )
        self.roles = RoleService(gate=gate, book=book)
        self.watch = WatchService(gate=gate, catalog=catalog, devices=devices)
        self.pairs = PairService(
            gate=gate,
            storage=storage,
            tokens=pair_tokens,
            cluster=self.cluster,
            cluster_id=settings.identity.cluster_id,
            ca_file=settings.pair_ca_file,
            clock=clock,
        )
        self.nodes = ClusterService(gate=gate, cluster=self.cluster, cluster_id=settings.identity.cluster_id)
        self.status = StatusService(identity=settings.identity, devices=devices)

    @property
    def node_id(self) -> str:
        """Which node of its cluster this is."""
        return self.cluster.membership.own.node_id

    def admit(
        self,
        token: str | None,
        target: Operation[Any, Any, Any] | Api,
        *,
        peer: str = "",
        correlation: str = "",
        request: str = "",
    ) -> Admission:
        """Pass a caller through the token and the role gate, towards one operation.

        Args:
            token: the signed token; ``None`` for a guest.
            target: what it wants to call, such as ``VolumeService.inspect``, or the API itself.
            peer: its address, for the audit log.
            correlation: an id that the caller gave the request, for the audit log.
            request: our id of the request; a new one if empty.

        Raises:
            UnauthenticatedError: the token is not believed; ``reason`` says why.
            RoleDeniedError: no role of the caller allows it.
        """
        api = target.api if isinstance(target, Operation) else target
        request = request or new_request_id()
        try:  # roles, revocations and volumes may have been changed by another node a moment ago
            self._freshness.catch_up()
        except UnavailableError as error:
            self._gate.turn_away(error, api, peer=peer, correlation=correlation, request=request)
            raise
        return self._gate.admit(token, api, peer=peer, correlation=correlation, request=request)

    def turn_away(
        self, error: UnauthenticatedError, api: Api, *, peer: str, correlation: str, request: str
    ) -> None:
        """Note in the audit log that a caller brought something else than a token."""
        self._gate.turn_away(error, api, peer=peer, correlation=correlation, request=request)

    def carry_out_plans(self, over: Event) -> None:
        """Take the snapshots that are due by themselves; to be called again and again by one thread.

        Args:
            over: set when the node stops.
        """
        if self.cluster.is_serving():
            self._freshness.catch_up()
            self._plan_runner.look(over)

    def destroy_leftover_keys(self, over: Event) -> int:
        """Destroy some keys of volumes that are gone; to be called again and again by one thread.

        Args:
            over: set when the node stops.

        Returns:
            How many there were.
        """
        if not self.cluster.is_serving():
            return 0
        self._freshness.catch_up()
        return self._leftover_keys.look(over)

    def note_refusal(self, admission: Admission, error: PermissionDeniedError) -> None:
        """Note in the audit log that an admitted caller was refused, if no gate did so that refused."""
        self._gate.note_refusal(admission, error)

    def recheck(self, token: str | None, admission: Admission) -> None:
        """Pass the caller of a call that goes on for long through the same two gates again.

        Raises:
            UnauthenticatedError: the token has expired or was revoked meanwhile.
            RoleDeniedError: no role of the caller allows it any more.
        """
        self._gate.recheck(token, admission)
