"""The table of auth mounts: which method is mounted at which path below ``auth/``.

One record (``mounts/auth``) lists them all. A mount's roles and users live below ``auth/<uuid>/``. The uuid
is never used again, and tokens name the mount that they came from by it: with the mount they end, and a
mount made later at the same path knows nothing of them.
"""

from typing import Any

import msgspec

from holdfast.crypto.identifiers import new_uuid, random_hex
from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.mount_notes import Notes, with_notes
from holdfast.store.mounts import MAX_DESCRIPTION_LENGTH
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS

AUTH_TABLE_KEY = "auth"
PREFIX = "auth/"
TOKEN_PATH = "token/"  # noqa: S105 - a path
TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")
VISIBILITIES = ("", "hidden", "unauth")


class AuthMount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One auth mount. Fields are only ever appended: their order is the record format.

    Attributes:
        path: below ``auth/``, with its trailing slash, such as ``kubernetes/``.
        type: the method.
        uuid: names its records below ``auth/``, and its tokens.
        accessor: a public handle.
        description: for people.
        default_ttl_seconds: of tokens whose role says nothing; 0 means the method's.
        max_ttl_seconds: the longest life of its tokens; 0 means the system's.
        token_type: one of ``TOKEN_TYPES``; empty means the method's.
        listing_visibility: ``unauth`` if anybody may learn that it is there.
        moved_at: when it came to its path, in Unix seconds; tokens from before ended then. 0 for always.
        notes: what else is said of it, and changes nothing.
    """

    path: str
    type: str
    uuid: str
    accessor: str
    description: str = ""
    default_ttl_seconds: int = 0
    max_ttl_seconds: int = 0
    token_type: str = ""
    listing_visibility: str = ""
    moved_at: float = 0.0
    notes: dict[str, Any] = {}

    @property
    def storage_prefix(self) -> str:
        """Where the mount's records live in storage."""
        return self.prefix_of(self.uuid)

    @property
    def max_seconds(self) -> int:
        """The longest life of its tokens."""
        return self.max_ttl_seconds or SYSTEM_MAX_TTL_SECONDS

    @staticmethod
    def prefix_of(uuid: str) -> str:
        """Return where the records of the mount with this uuid live in storage."""
        return f"{PREFIX}{uuid}/"


TOKEN_MOUNT = AuthMount(
    TOKEN_PATH,
    "token",
    "00000000-0000-0000-0000-000000000000",
    "auth_token_builtin",
    "token based credentials",
    token_type="default-service",  # noqa: S106 - a kind of token
)


class AuthTable:
    """All auth mounts, and the only place that decides which one a path belongs to.

    Args:
        mounts: none at or below the path of another.

    Attributes:
        mounts: as given.
        uuids: of all of them.
    """

    __slots__ = ("mounts", "uuids")

    def __init__(self, mounts: tuple[AuthMount, ...] = ()) -> None:
        self.mounts = mounts
        self.uuids = frozenset(mount.uuid for mount in mounts)

    def stands_for(self, uuid: str, made_at: float) -> bool:
        """Whether the mount of a token is there, and where it was when the token was made."""
        return any(mount.uuid == uuid and made_at >= mount.moved_at for mount in self.mounts)

    def find(self, path: str) -> AuthMount | None:
        """Return the mount that a request path such as ``auth/kubernetes/login`` is for."""
        for mount in self.mounts:
            if path.startswith(mount.path, len(PREFIX)):
                return mount
        return None

    def at(self, path: str) -> AuthMount | None:
        """Return the mount at exactly ``path``, given as ``kubernetes`` or ``kubernetes/``."""
        directory = path.strip("/") + "/"
        return next((mount for mount in self.mounts if mount.path == directory), None)

    def with_mount(self, mount: AuthMount) -> "AuthTable":
        """Return a table that has ``mount`` too.

        Raises:
            InvalidInputError: the path is taken, or above or below one that is taken.
        """
        for taken in (TOKEN_PATH, *(other.path for other in self.mounts)):
            if mount.path.startswith(taken) or taken.startswith(mount.path):
                raise InvalidInputError(f"path is already in use at {taken}")
        return AuthTable((*self.mounts, mount))

    def without(self, uuid: str) -> "AuthTable":
        """Return a table without the mount that has this uuid."""
        return AuthTable(tuple(mount for mount in self.mounts if mount.uuid != uuid))

    def replacing(self, changed: AuthMount) -> "AuthTable":
        """Return a table in which ``changed`` stands for the mount with its uuid."""
        return AuthTable(tuple(changed if mount.uuid == changed.uuid else mount for mount in self.mounts))


_decode = msgspec.msgpack.Decoder(tuple[AuthMount, ...]).decode


def load_auth_mounts(view: Reader) -> AuthTable:
    """Read the table from the place of mount tables; an absent one is empty."""
    record = view.get(AUTH_TABLE_KEY)
    return AuthTable(() if record is None else _decode(record))


def save_auth_mounts(view: Transaction, table: AuthTable) -> None:
    """Store the table."""
    view.put(AUTH_TABLE_KEY, msgspec.msgpack.encode(table.mounts))


def new_auth_mount(path: str, kind: str, *, description: str = "") -> AuthMount:
    """Return a new mount of a method.

    Raises:
        InvalidInputError: the path is none, or the description is too long.
    """
    canonical = parse_path(path).as_directory().text
    if not canonical:
        raise InvalidInputError("path: expected the name of a mount")
    return with_tuning(
        AuthMount(canonical, kind, new_uuid(), f"auth_{kind}_{random_hex(4)}"), description=description
    )


def with_tuning(
    mount: AuthMount,
    *,
    description: str | None = None,
    default_seconds: int | None = None,
    max_seconds: int | None = None,
    token_type: str | None = None,
    listing_visibility: str | None = None,
    notes: Notes | None = None,
) -> AuthMount:
    """Return ``mount`` with what is given changed; what is ``None`` stays.

    Raises:
        InvalidInputError: one of them is nothing that a mount can have.
    """
    given = {
        "description": description,
        "default_ttl_seconds": default_seconds,
        "max_ttl_seconds": max_seconds,
        "token_type": token_type,
        "listing_visibility": listing_visibility,
        "notes": with_notes(mount.notes, notes) if notes else None,
    }
    changed = msgspec.structs.replace(
        mount, **{name: value for name, value in given.items() if value is not None}
    )
    if len(changed.description) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInputError(f"description: expected at most {MAX_DESCRIPTION_LENGTH} characters")
    if changed.max_seconds > SYSTEM_MAX_TTL_SECONDS or changed.default_ttl_seconds > changed.max_seconds:
        raise InvalidInputError(
            "default_lease_ttl: expected at most the max_lease_ttl, and that at most 768h"
        )
    if changed.token_type and changed.token_type not in TOKEN_TYPES:
        raise InvalidInputError(f"token_type: expected one of {', '.join(TOKEN_TYPES)}")
    if changed.listing_visibility not in VISIBILITIES:
        raise InvalidInputError("listing_visibility: expected unauth, hidden or nothing")
    return changed
