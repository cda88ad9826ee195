"""The cluster-wide key: one secret, by reference, that opens every volume whose creator named no other.

The reference set through the API is stored and wins, for good, over the one in the node's configuration.
"""

from holdfast.node.errors import NoClusterKeyError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import KeyNote, KeyOrigin
from holdfast.node.keys.volume_keys import VolumeKeys


class ClusterKeyReference:
    """Where the cluster-wide key is.

    Args:
        catalog: holds the reference that was set.
        keys: for the configured reference.
        configured_name: ``cluster_secret_key`` of the configuration, empty for none.
    """

    def __init__(self, catalog: Catalog, keys: VolumeKeys, *, configured_name: str = "") -> None:
        self._catalog = catalog
        self._keys = keys
        self._configured_name = configured_name

    def find(self) -> tuple[KeyNote, str] | None:
        """Return the reference and where it comes from (``stored``, ``configured``), or ``None``."""
        stored = self._catalog.cluster_key()
        if stored is not None:
            return stored.key, "stored"
        if self._configured_name:
            return self._keys.note(self._configured_name, "", KeyOrigin.CLUSTER), "configured"
        return None

    def place(self) -> tuple[str, str] | None:
        """Return name and namespace of the secret, or ``None``; without asking the provider."""
        stored = self._catalog.cluster_key()
        if stored is not None:
            return stored.key.name, stored.key.namespace
        return (self._configured_name, "") if self._configured_name else None

    def current(self) -> KeyNote:
        """Return the reference.

        Raises:
            NoClusterKeyError: none was set.
        """
        found = self.find()
        if found is None:
            raise NoClusterKeyError(
                "no cluster-wide key is set; set one with `hfctl secrets set-cluster-key --secret <name>`, "
                "or name a secret for the volume"
            )
        return found[0]
