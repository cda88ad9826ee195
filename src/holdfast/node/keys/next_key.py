"""Which key a volume gets that is to have another one of the same kind."""

from holdfast.errors import UnsupportedError
from holdfast.model import SecretBytes
from holdfast.node.inventory.records import KeyNote, KeyOrigin
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import VolumeKeys


def next_key(
    keys: VolumeKeys, cluster_key: ClusterKeyReference, note: KeyNote
) -> tuple[KeyNote, SecretBytes]:
    """Return a key, and where it is.

    That is the cluster-wide key as it is now, a new version of the volume's own key, or the newest version
    of the secret that it uses.

    Raises:
        UnsupportedError: the provider keeps no versions, so the old key would be lost first.
        NoClusterKeyError: the cluster-wide key is wanted and none is set.
        SecretNotFoundError, SecretDataError: the secret is gone, or is no key.
        ProviderUnavailableError: the provider is sealed, away, or refuses the node.
    """
    match note.origin:
        case KeyOrigin.CLUSTER:
            return keys.at(cluster_key.current())
        case KeyOrigin.OWN:
            if not keys.keeps_versions():
                raise UnsupportedError(
                    "the provider keeps no versions: a new key would replace the only copy of the old one; "
                    "store a second secret and name it with --secret_key"
                )
            return keys.make(note)
        case KeyOrigin.NAMED:
            return keys.newest(note.name, note.namespace, note.origin)
