"""Moving the keys of volumes from the provider that they were in to the one that the node has now.

Nothing is copied: each volume gets a key of the same kind that was made in the present provider, and stays
attached meanwhile. Afterwards no header names the former provider. A run that was cut short, or that left
volumes behind, is gone on with by starting it again.
"""

import threading
from contextlib import ExitStack
from typing import Self

from holdfast.errors import ConflictError, HoldfastError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import ClusterKey, KeyNote, KeyOrigin, VolumeRecord
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.key_rotation import KeyRotation, NewKey, RotationOutcome
from holdfast.node.keys.volume_keys import VolumeKeys


class KeyMoves:
    """Moves keys. The caller has passed the gates."""

    def __init__(
        self, *, catalog: Catalog, keys: VolumeKeys, cluster_key: ClusterKeyReference, rotation: KeyRotation
    ) -> None:
        self._catalog = catalog
        self._keys = keys
        self._cluster_key = cluster_key
        self._rotation = rotation

    def waiting(self) -> list[VolumeRecord]:
        """Return the volumes whose key is in the former provider, as their headers say."""
        former = self._keys.former_kind
        encrypted = (record for record in self._catalog.enumerate() if former and record.key is not None)
        return [record for record in encrypted if self._provider_of(record) == former]

    def move(self, name: str = "", *, namespace: str = "") -> tuple[RotationOutcome, ...]:
        """Give every volume whose key is in the former provider one in the present provider.

        The cluster-wide key is made anew under its name, if it is in the former provider, and so is each key
        that was made for one volume.

        Args:
            name: a secret of the present provider, for volumes whose creator named a secret.
            namespace: the provider's namespace of it.

        Raises:
            ConflictError: the node has no former provider, or keys of many volumes are being changed already.
            SecretNotFoundError, SecretDataError: the secret that is named cannot be a key.
            ProviderUnavailableError: the present provider is sealed, away, or refuses the node.
        """
        if not self._keys.former_kind:
            raise ConflictError(
                "this node has no former provider; start it with --former-secret-type and its settings"
            )
        with self._rotation.alone(), ExitStack() as wiped:
            chosen: dict[KeyOrigin, NewKey] = {}
            if name:
                chosen[KeyOrigin.NAMED] = self._keys.newest(name, namespace, KeyOrigin.NAMED)
                wiped.callback(chosen[KeyOrigin.NAMED][1].wipe)
            cluster_key = self._move_cluster_key()
            if cluster_key is not None:
                chosen[KeyOrigin.CLUSTER] = cluster_key
                wiped.callback(cluster_key[1].wipe)
            own = wiped.enter_context(_OwnKeys(self._keys))

            def choose(record: VolumeRecord) -> NewKey:
                note = record.key
                if note is not None and note.origin is KeyOrigin.OWN:
                    return own.of(note)
                if note is not None and note.origin in chosen:
                    return chosen[note.origin]
                raise ConflictError(
                    "its creator named the secret that opens it; say with --secret which one takes its "
                    "place, or move it alone with `hfctl volume key rotate --secret_key`"
                )

            return self._rotation.move_all(self.waiting(), choose)

    def _move_cluster_key(self) -> NewKey | None:
        """Return the cluster-wide key in the present provider, which new volumes get from now on, too."""
        found = self._cluster_key.find()
        if found is None:
            return None
        note, source = found
        if source != "stored":
            return self._keys.make_first(note)
        if note.provider != self._keys.former_kind:
            return self._keys.at(note)
        moved = self._keys.make_again(note)
        self._catalog.set_cluster_key(ClusterKey(key=moved[0]))
        return moved

    def _provider_of(self, record: VolumeRecord) -> str:
        try:
            return self._rotation.reference_of(record).provider
        except (HoldfastError, OSError):
            return record.key.provider if record.key is not None else ""


class _OwnKeys:
    """The keys of single volumes that one run makes. Snapshots share that of their volume."""

    def __init__(self, keys: VolumeKeys) -> None:
        self._keys = keys
        self._guard = threading.Lock()
        self._made: dict[tuple[str, str], NewKey] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for _, key in self._made.values():
            key.wipe()

    def of(self, note: KeyNote) -> NewKey:
        place = note.namespace, note.name
        with self._guard:
            if place not in self._made:
                self._made[place] = self._keys.make_again(note)
            return self._made[place]
