"""Where a request path leads: the mount that serves it, what it means below that, how audit lines show it.

Worked out once for an operation on a path, and good for as long as the mount table stays the same.
"""

import msgspec

from holdfast.audit import AuditTarget
from holdfast.storage.interface import Reader
from holdfast.store.mounts import Mount


class Mounted(msgspec.Struct, frozen=True, gc=False):
    """A place below a mount.

    Attributes:
        mount: the mount.
        path: the rest of the path, relative to the mount.
        view: reads what the mount stores; each read sees the newest committed state.
    """

    mount: Mount
    path: str
    view: Reader


class Destination(msgspec.Struct, frozen=True, gc=False):
    """Where an operation on a path leads.

    Attributes:
        target: how audit lines show it.
        mounted: what is there; ``None`` if no mount serves the path.
    """

    target: AuditTarget
    mounted: Mounted | None = None
