"""The mount table: which engine serves which path prefix.

One record (``mounts/table``) lists every mount, so that adding and removing one is atomic. A mount's
data live below ``logical/<uuid>/``: the uuid is never used again, so a mount made later at the same
path does not see what an earlier one stored.
"""

from typing import Any

import msgspec

from holdfast.crypto.identifiers import new_uuid, random_hex
from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.mount_notes import Notes, with_notes
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS

MOUNT_TABLE_KEY = "table"
CUBBYHOLE_PATH = "cubbyhole/"
IDENTITY_PATH = "identity/"
PROTECTED_PREFIXES = ("sys/", "auth/", "acs/", "audit/", CUBBYHOLE_PATH, IDENTITY_PATH)
BUILT_IN_PATHS = ("sys/", CUBBYHOLE_PATH, IDENTITY_PATH)
MAX_DESCRIPTION_LENGTH = 1024

_KV_TYPES = {"kv": None, "generic": "1", "kv-v1": "1", "kv-v2": "2"}


class Mount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One mount. Fields are only ever appended: their order is the record format.

    Attributes:
        path: with its trailing slash, such as ``secret/``.
        type: the engine, such as ``kv`` or ``system``.
        uuid: names the data below ``logical/``.
        accessor: a public handle.
        description: for people.
        options: engine options; ``{"version": "2"}`` for KV v2.
        default_ttl_seconds: 0 means the system's.
        max_ttl_seconds: 0 means the system's.
        notes: what else is said of it, and changes nothing.
    """

    path: str
    type: str
    uuid: str
    accessor: str
    description: str = ""
    options: dict[str, str] = {}
    default_ttl_seconds: int = 0
    max_ttl_seconds: int = 0
    notes: dict[str, Any] = {}

    @property
    def is_versioned(self) -> bool:
        """Whether the mount is a KV store of version 2."""
        return self.options.get("version") == "2"

    @property
    def storage_prefix(self) -> str:
        """Where the mount's data live in storage."""
        return self.prefix_of(self.uuid)

    @staticmethod
    def prefix_of(uuid: str) -> str:
        """Return where the data of the mount with this uuid live in storage."""
        return f"logical/{uuid}/"


class MountTable(msgspec.Struct, frozen=True):
    """All mounts, and the only place that decides which one a path belongs to."""

    mounts: tuple[Mount, ...]

    def find(self, path: str) -> Mount | None:
        """Return the mount whose prefix ``path`` starts with; mounts are never nested."""
        for mount in self.mounts:
            if path.startswith(mount.path):
                return mount
        return None

    def with_mount(self, mount: Mount) -> "MountTable":
        """Return a table that has ``mount`` too.

        Raises:
            InvalidInputError: the path is protected, taken, or above or below one that is taken.
        """
        for prefix in PROTECTED_PREFIXES:
            if mount.path.startswith(prefix):
                raise InvalidInputError(f'cannot mount "{prefix}"')
        for other in self.mounts:
            if mount.path.startswith(other.path) or other.path.startswith(mount.path):
                raise InvalidInputError(f"path is already in use at {other.path}")
        return MountTable((*self.mounts, mount))

    def without(self, path: str) -> "MountTable":
        """Return a table without the mount at exactly ``path``."""
        return MountTable(tuple(mount for mount in self.mounts if mount.path != path))


_decode = msgspec.msgpack.Decoder(tuple[Mount, ...]).decode


def load_mounts(view: Reader) -> MountTable:
    """Read the mount table; an absent one is empty. What is built in is in every other one, however old."""
    record = view.get(MOUNT_TABLE_KEY)
    if record is None:
        return MountTable(())
    mounts = _decode(record)
    paths = {mount.path for mount in mounts}
    return MountTable((*mounts, *(mount for mount in _OF_OLD if mount.path not in paths)))


def save_mounts(view: Transaction, table: MountTable) -> None:
    """Store the mount table."""
    view.put(MOUNT_TABLE_KEY, msgspec.msgpack.encode(table.mounts))


def system_mount() -> Mount:
    """Return the mount of the store's own interface, as it is listed to clients."""
    return Mount(
        "sys/", "system", new_uuid(), f"system_{random_hex(4)}", "system endpoints of the store itself"
    )


def cubbyhole_mount() -> Mount:
    """Return the mount of what each token keeps for itself."""
    return Mount(
        CUBBYHOLE_PATH,
        "cubbyhole",
        new_uuid(),
        f"cubbyhole_{random_hex(4)}",
        "what a token keeps for itself; it ends with the token",
    )


def identity_mount() -> Mount:
    """Return the mount of who is who, as it is listed to clients."""
    return Mount(
        IDENTITY_PATH,
        "identity",
        new_uuid(),
        f"identity_{random_hex(4)}",
        "who the bearers of tokens are: entities, their aliases and groups",
    )


def built_in_mounts() -> tuple[Mount, ...]:
    """Return what is mounted in every new store and namespace."""
    return (cubbyhole_mount(), identity_mount(), system_mount())


_OF_OLD = (
    msgspec.structs.replace(
        cubbyhole_mount(), uuid="00000000-0000-0000-0000-00000000cb01", accessor="cubbyhole_builtin"
    ),
    msgspec.structs.replace(
        identity_mount(), uuid="00000000-0000-0000-0000-00000000cb02", accessor="identity_builtin"
    ),
)


def kv_mount(
    path: str, *, kind: str = "kv", version: str | None = None, description: str = "", options: object = None
) -> Mount:
    """Return a new KV mount.

    Args:
        path: where it shall answer, with or without slashes around it.
        kind: ``kv``, ``kv-v1``, ``kv-v2`` or the old ``generic``.
        version: ``"1"`` or ``"2"``; overrides what ``kind`` implies.
        description: for people.
        options: decoded ``options`` member of a request; only ``version`` is known.

    Raises:
        InvalidInputError: the path, the kind or the version is not one that is offered.
    """
    if kind not in _KV_TYPES:
        raise InvalidInputError("type: expected kv, kv-v1 or kv-v2")
    version = version or _version_option(options) or _KV_TYPES[kind] or "1"
    if version not in {"1", "2"}:
        raise InvalidInputError("options.version: expected 1 or 2")
    return engine_mount(path, "kv", description=description, options={"version": version})


def plain_mount(path: str, *, kind: str, description: str = "", options: object = None) -> Mount:
    """Return a new mount of an engine that has no options.

    Raises:
        InvalidInputError: the path is none, or there are options.
    """
    if options:
        raise InvalidInputError(f"options: expected none, because {kind} has none")
    return engine_mount(path, kind, description=description)


def engine_mount(path: str, kind: str, *, description: str, options: dict[str, str] | None = None) -> Mount:
    """Return a new mount of the type ``kind``.

    Raises:
        InvalidInputError: the path is none, or the description is too long.
    """
    if len(description) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInputError(f"description: expected at most {MAX_DESCRIPTION_LENGTH} characters")
    canonical = parse_path(path).as_directory().text
    if not canonical:
        raise InvalidInputError("path: expected the name of a mount")
    return Mount(canonical, kind, new_uuid(), f"{kind}_{random_hex(4)}", description, options or {})


def with_ttls(mount: Mount, *, default_seconds: int | None = None, max_seconds: int | None = None) -> Mount:
    """Return ``mount`` with other TTLs; what is ``None`` stays, 0 is the system's.

    Raises:
        InvalidInputError: the default is longer than what the mount or the system allows at most.
    """
    default = mount.default_ttl_seconds if default_seconds is None else default_seconds
    longest = mount.max_ttl_seconds if max_seconds is None else max_seconds
    if default > (longest or SYSTEM_MAX_TTL_SECONDS):
        raise InvalidInputError("default_lease_ttl: expected at most the max_lease_ttl, or the system's")
    return msgspec.structs.replace(mount, default_ttl_seconds=default, max_ttl_seconds=longest)


def with_said(mount: Mount, said: Notes) -> Mount:
    """Return ``mount`` with what is said of it noted."""
    return msgspec.structs.replace(mount, notes=with_notes(mount.notes, said))


def wants_upgrade(mount: Mount, options: object) -> bool:
    """Whether the options that a mount is tuned with ask for KV version 2 where it has version 1.

    Raises:
        InvalidInputError: they ask for what cannot be had.
    """
    version = _version_option(options)
    if version is None:
        return False
    if mount.type != "kv":
        raise InvalidInputError("options: expected none, because only key-value mounts have a version")
    if version == mount.options.get("version", "1"):
        return False
    if mount.is_versioned:
        raise InvalidInputError("cannot downgrade mount from version 2: what it keeps would be lost")
    if version != "2":
        raise InvalidInputError("options.version: expected 1 or 2")
    return True


def with_versions(mount: Mount) -> Mount:
    """Return a KV mount as one of version 2."""
    return msgspec.structs.replace(mount, options={**mount.options, "version": "2"})


def _version_option(options: object) -> str | None:
    if options is None:
        return None
    if not isinstance(options, dict) or set(options) - {"version"}:
        raise InvalidInputError("options: expected an object with the member version")
    version = options.get("version")
    return None if version is None else str(version)
