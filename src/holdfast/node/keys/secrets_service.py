"""Service ``Secrets``: the cluster-wide key by reference, its rotation, and the provider's state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from holdfast.errors import HoldfastError, UnavailableError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.errors import ClusterKeyExistsError, NoProviderError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import ClusterKey, KeyNote, KeyOrigin
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.key_moves import KeyMoves
from holdfast.node.keys.key_rotation import KeyRotation, RotationOutcome, RotationProgress
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.providers import ProviderStatus


@dataclass(frozen=True, slots=True)
class ClusterRotation:
    """What a rotation of the cluster-wide key did.

    Attributes:
        key: the key that new volumes get from now on; ``None`` if none is set.
        outcomes: one entry per volume whose key was to change.
    """

    key: KeyNote | None
    outcomes: tuple[RotationOutcome, ...]


@dataclass(frozen=True, slots=True)
class SecretsStatus:
    """Whether keys can be had, and where they are.

    Attributes:
        provider: the provider's state; ``None`` if the node has none.
        cluster_key: reference to the cluster-wide key; ``None`` if none is set.
        source: ``stored`` or ``configured``; empty if none is set.
        volumes: how many volumes use which version of which secret, as ``<name>@<version>``.
        former: the former provider's state; ``None`` if the node has none.
        left_behind: how many volumes still need that one.
    """

    provider: ProviderStatus | None
    cluster_key: KeyNote | None
    source: str
    volumes: Mapping[str, int]
    former: ProviderStatus | None = None
    left_behind: int = 0


class SecretsService:
    """The cluster-wide key and the provider."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        rotation: KeyRotation,
        moves: KeyMoves,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._keys = keys
        self._cluster_key = cluster_key
        self._rotation = rotation
        self._moves = moves

    @operation(apis.SET_CLUSTER_KEY)
    def set_cluster_key(
        self,
        admission: Admission,
        name: str,
        *,
        namespace: str = "",
        overwrite: bool = False,
        generate: bool = False,
    ) -> KeyNote:
        """Say which secret is the cluster-wide key. The secret is looked at, so that a mistake shows now.

        Volumes made before keep their key until ``rotate_cluster_key`` gives them the new one.

        Args:
            admission: of the caller.
            name: path of the secret.
            namespace: the provider's namespace of it.
            overwrite: replace a reference that was set before.
            generate: make the secret, of 256 random bits, if there is none of that name.

        Raises:
            SecretDeniedError: the caller may not name that secret.
            ClusterKeyExistsError: another one is set, and ``overwrite`` was not asked for.
            SecretNotFoundError, SecretDataError: no such secret, or it cannot be a key.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
        """
        self._gate.secret(admission, name, namespace, literally=True)
        wanted = self._keys.note(name, namespace, KeyOrigin.CLUSTER)
        stored = self._catalog.cluster_key()
        if stored is not None and not overwrite and not stored.key.same_secret(wanted):
            raise ClusterKeyExistsError(
                "a cluster-wide key is set already; replace it with --overwrite, then move the volumes that "
                "use it with `hfctl secrets rotate-cluster-key --resume`"
            )
        note, key = self._keys.make_first(wanted) if generate else self._keys.at(wanted)
        key.wipe()
        self._catalog.set_cluster_key(ClusterKey(key=note))
        self._gate.done(admission, note.name, f"cluster-wide key, version {note.version}")
        return note

    @operation(apis.INSPECT_CLUSTER_KEY)
    def inspect_cluster_key(self, admission: Admission) -> KeyNote | None:  # noqa: ARG002 - being admitted is all it takes
        """Return which secret is the cluster-wide key; ``None`` if none is set."""
        found = self._cluster_key.find()
        return found[0] if found else None

    @operation(apis.ROTATE_CLUSTER_KEY)
    def rotate_cluster_key(self, admission: Admission, *, resume: bool = False) -> ClusterRotation:
        """Give the cluster-wide key a new version, and every volume that uses the key that version.

        A volume that could not be moved keeps its old key and is named with the reason; run it again
        with ``resume`` when the reason is gone.

        Args:
            admission: of the caller.
            resume: move volumes to the present version, without making a new one.

        Raises:
            NoClusterKeyError: none is set.
            UnsupportedError: the provider keeps no versions, so the old key would be lost first.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
            ConflictError: keys of many volumes are being changed already.
        """
        with self._rotation.alone():
            note, key = self._next_key(self._cluster_key.current(), resume=resume)
            with key:
                # New volumes use the new version from here on; each old volume finds its key by its header.
                self._catalog.set_cluster_key(ClusterKey(key=note))
                behind = [
                    record
                    for record in self._catalog.enumerate()
                    if record.key is not None
                    and record.key.origin is KeyOrigin.CLUSTER
                    and record.key != note
                ]
                outcomes = self._rotation.rotate_all(behind, note, key)
        moved = sum(outcome.rotated for outcome in outcomes)
        self._gate.done(
            admission, note.name, f"rotated to version {note.version}: {moved} of {len(outcomes)} volumes"
        )
        return ClusterRotation(note, outcomes)

    @operation(apis.MOVE_KEYS)
    def move_keys(self, admission: Admission, name: str = "", *, namespace: str = "") -> ClusterRotation:
        """Move the keys of all volumes from the former provider to the present one; they stay attached.

        Args:
            admission: of the caller.
            name: a secret of the present provider, for volumes whose creator named a secret; without one they
                are left behind.
            namespace: the provider's namespace of it.

        Raises:
            SecretDeniedError: the caller may not name that secret.
            ConflictError: the node has no former provider, or keys of many volumes are being changed already.
            SecretNotFoundError, SecretDataError: that secret cannot be a key.
            ProviderUnavailableError: the present provider is sealed, away, or refuses the node.
        """
        if name:
            self._gate.secret(admission, name, namespace)
        outcomes = self._moves.move(name, namespace=namespace)
        moved = sum(outcome.rotated for outcome in outcomes)
        self._gate.done(
            admission, "", f"keys moved to the present provider: {moved} of {len(outcomes)} volumes"
        )
        found = self._cluster_key.find()
        return ClusterRotation(found[0] if found else None, outcomes)

    @operation(apis.ROTATION_STATUS)
    def rotation_status(self, admission: Admission) -> RotationProgress:  # noqa: ARG002 - being admitted is all it takes
        """Return how far the last rotation of the cluster-wide key has come on this node."""
        return self._rotation.progress

    @operation(apis.SECRETS_VALIDATE)
    def validate(self, admission: Admission) -> None:  # noqa: ARG002 - being admitted is all it takes
        """Raise ``UnavailableError`` if no keys can be had now, with the reason."""
        provider = self._keys.status()
        if provider is None:
            raise NoProviderError("this node has no secrets provider; start it with -secret_type")
        if not provider.usable:
            raise UnavailableError(provider.problem)

    @operation(apis.SECRETS_STATUS)
    def status(self, admission: Admission) -> SecretsStatus:  # noqa: ARG002 - being admitted is all it takes
        """Return whether keys can be had now, and which are in use."""
        found = self._cluster_key.find()
        keys = (record.key for record in self._catalog.enumerate() if record.key is not None)
        volumes = Counter(_label(key) for key in keys)
        return SecretsStatus(
            provider=self._provider_status(found[0] if found else None),
            cluster_key=found[0] if found else None,
            source=found[1] if found else "",
            volumes=dict(sorted(volumes.items())),
            former=self._keys.former_status(),
            left_behind=len(self._moves.waiting()),
        )

    def _provider_status(self, cluster_key: KeyNote | None) -> ProviderStatus | None:
        """Return how the provider is. That it answers is not all: it has to give the cluster-wide key."""
        status = self._keys.status()
        if status is None or not status.usable or cluster_key is None:
            return status
        try:
            self._keys.at(cluster_key)[1].wipe()
        except HoldfastError as error:
            note = f"the cluster-wide key cannot be had: {error.message}"
            return replace(status, notes=(*status.notes, note))
        return status

    def _next_key(self, current: KeyNote, *, resume: bool) -> tuple[KeyNote, SecretBytes]:
        if resume:
            return self._keys.at(current)
        if not self._keys.keeps_versions():
            raise UnsupportedError(
                "the provider keeps no versions: a new key would replace the only copy of the old one; "
                "store a second secret, set it with --overwrite, then rotate with --resume"
            )
        return self._keys.make(current)


def _label(key: KeyNote) -> str:
    return key.name if key.version is None else f"{key.name}@{key.version}"
