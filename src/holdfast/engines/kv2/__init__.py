"""KV version 2: numbered versions of a JSON object at a path.

    records    what is stored            write     a new version, check-and-set, merge patch
    config     settings of the mount     deletion  delete, undelete, destroy, erase
    read       versions and their shape  metadata  settings and notes of one secret
    listing    live names at any depth

Payloads are JSON text exactly as the client sent it, already checked by ``holdfast.formats``, and are
answered without being parsed again. Times are Unix seconds and come from the caller. Each function
that changes something is meant to be one storage transaction, or a part of one.

Source: the KV v2 part of the Vault HTTP API, whose texts of refusal clients compare.
"""

from holdfast.engines.kv2.config import MountConfig, read_config, write_config
from holdfast.engines.kv2.deletion import (
    delete_current,
    delete_versions,
    destroy_versions,
    erase,
    undelete_versions,
)
from holdfast.engines.kv2.listing import list_live_below
from holdfast.engines.kv2.metadata import (
    MetadataChange,
    patch_metadata,
    read_metadata,
    read_notes,
    write_metadata,
)
from holdfast.engines.kv2.read import Version, current, exists, read, read_subkeys
from holdfast.engines.kv2.records import mark_upgraded
from holdfast.engines.kv2.write import Precondition, patch, write
from holdfast.engines.names import list_names, secret_key

__all__ = [
    "MetadataChange",
    "MountConfig",
    "Precondition",
    "Version",
    "current",
    "delete_current",
    "delete_versions",
    "destroy_versions",
    "erase",
    "exists",
    "list_live_below",
    "list_names",
    "mark_upgraded",
    "patch",
    "patch_metadata",
    "read",
    "read_config",
    "read_metadata",
    "read_notes",
    "read_subkeys",
    "secret_key",
    "undelete_versions",
    "write",
    "write_config",
    "write_metadata",
]
