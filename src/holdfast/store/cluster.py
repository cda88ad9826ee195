"""What a store calls itself: a name that its operator chose and an id that it keeps for ever."""

import msgspec

from holdfast.storage.interface import Reader, Transaction

_KEY = "cluster"


class Cluster(msgspec.Struct, array_like=True, frozen=True):
    """Name and id. Fields are only ever appended: their order is the record format."""

    name: str
    id: str


def load_cluster(view: Reader) -> Cluster | None:
    """Return the stored identity, or ``None``."""
    record = view.get(_KEY)
    return None if record is None else msgspec.msgpack.decode(record, type=Cluster)


def save_cluster(view: Transaction, cluster: Cluster) -> None:
    """Store the identity."""
    view.put(_KEY, msgspec.msgpack.encode(cluster))
