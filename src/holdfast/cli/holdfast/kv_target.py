"""Which mount a path of ``holdfast kv`` lies in, and what it is called in that mount's API.

The store is asked once per command, through the call that every token with any right below the path
may make. A server too old to know that call has key-value mounts of version 1 only.
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.client import VaultClient
from holdfast.client.errors import RemoteNotFoundError

KV_TYPES = frozenset({"kv", "generic"})


@dataclass(frozen=True, slots=True)
class KvTarget:
    """A secret, or a folder of secrets.

    Attributes:
        mount: path of the mount, with a trailing slash.
        name: path below the mount; empty for the mount itself.
        is_versioned: whether the mount keeps versions (KV version 2).
    """

    mount: str
    name: str
    is_versioned: bool

    def api_path(self, part: str) -> str:
        """Return the path of the API, where ``part`` names the version 2 side, such as ``data``."""
        return f"{self.mount}{part}/{self.name}" if self.is_versioned else f"{self.mount}{self.name}"

    def require_versions(self) -> None:
        """Refuse what only a version 2 mount can do.

        Raises:
            LocalError: the mount keeps no versions.
        """
        if not self.is_versioned:
            raise LocalError(f"{self.mount}: expected a KV version 2 mount; this one keeps no versions")


@dataclass(frozen=True, slots=True)
class VisibleMounts:
    """The key-value mounts that a token reaches.

    Attributes:
        versioned: paths with a trailing slash, and whether the mount keeps versions.
    """

    versioned: Mapping[str, bool]

    def read_path(self, path: str) -> str:
        """Return what a GET reads a secret by; a path outside these mounts stays as it is."""
        for mount, is_versioned in self.versioned.items():
            if path.startswith(mount):
                return f"{mount}data/{path[len(mount) :]}" if is_versioned else path
        return path


def visible_mounts(client: VaultClient) -> VisibleMounts:
    """Ask the store, once for many paths, which mounts the token reaches."""
    return VisibleMounts(
        {
            path: str((mount.get("options") or {}).get("version")) == "2"
            for path, mount in client.visible_mounts().items()
            if mount.get("type") in KV_TYPES
        }
    )


def add_path_argument(parser: CommandParser, *, may_be_mount: bool = False) -> None:
    """Declare the path and the option that names its mount apart, which can be all if the mount will do."""
    explained = "of the secret: mount/name, or name with -mount"
    if may_be_mount:
        parser.add_argument("path", nargs="?", default="", help=explained)
    else:
        parser.add_argument("path", help=explained)
    parser.add_argument("--mount", help="path of the mount, if the path does not start with it")


def find_target(client: VaultClient, arguments: Namespace) -> KvTarget:
    """Ask the store which mount a path lies in.

    Raises:
        UsageError: the path is empty.
        LocalError: the mount is of another kind.
    """
    path = arguments.path.strip("/")
    if arguments.mount:
        path = f"{arguments.mount.strip('/')}/{path}".rstrip("/")
    if not path:
        raise UsageError("path: expected mount/name")
    try:
        found = client.mount_of(path)
    except RemoteNotFoundError:
        mount, _, name = path.partition("/")
        return KvTarget(f"{mount}/", name, is_versioned=False)
    if found.get("type") not in KV_TYPES:
        raise LocalError("path: expected one below a key-value mount")
    mount = str(found["path"]).strip("/") + "/"
    options = found.get("options") or {}
    return KvTarget(
        mount,
        f"{path}/".removeprefix(mount).rstrip("/"),
        is_versioned=str(options.get("version")) == "2",
    )
