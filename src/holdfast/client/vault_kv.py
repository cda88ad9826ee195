"""One KV mount of the Vault API, version 1 or 2 behind the same calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.client.errors import RemoteNotFoundError, RemoteUnavailableError
from holdfast.client.vault import VaultClient
from holdfast.errors import InvalidInputError


@dataclass(frozen=True, slots=True, repr=False)
class KvEntry:
    """One version of a secret.

    Attributes:
        data: the map that was stored.
        version: its number; ``None`` on a KV v1 mount, which keeps no versions.
    """

    data: dict[str, Any]
    version: int | None


class KvMount:
    """Reads and writes below one mount.

    Args:
        client: whose token is used.
        path: the mount's path, with or without slashes around it.
        version: 1 or 2, as the mount's options say; see ``detect``.
    """

    def __init__(self, client: VaultClient, path: str, *, version: int) -> None:
        if version not in {1, 2}:
            raise InvalidInputError("KV version: expected 1 or 2")
        self._client = client
        self.path = path.strip("/")
        self.version = version

    @property
    def keeps_versions(self) -> bool:
        """Whether older versions can be read."""
        return self.version != 1

    @classmethod
    def detect(cls, client: VaultClient, path: str) -> "KvMount":
        """Find out which version a mount has.

        Raises:
            NotFoundError: no mount of that name in the answer.
            HoldfastError: the server refuses or does not answer.
        """
        wanted = path.strip("/")
        return cls(client, wanted, version=_version_of(client.mount_of(wanted)))

    @classmethod
    def detect_by_configuration(cls, client: VaultClient, path: str) -> "KvMount":
        """Find out which version a mount has, from ``sys/mounts/<path>`` alone.

        Raises:
            HoldfastError: the server refuses, has no such mount, or does not answer.
        """
        wanted = path.strip("/")
        answer = client.request("GET", f"sys/mounts/{wanted}")
        return cls(client, wanted, version=_version_of(_map(answer.get("data") or answer)))

    @classmethod
    def detect_by_table(cls, client: VaultClient, path: str) -> "KvMount":
        """Find out which version a mount has, from ``sys/mounts`` (which older policies grant).

        Raises:
            NotFoundError: no such mount.
            HoldfastError: the server refuses or does not answer.
        """
        wanted = path.strip("/")
        for name, mount in client.mounts().items():
            if name.strip("/") == wanted and isinstance(mount, dict):
                return cls(client, wanted, version=_version_of(mount))
        raise RemoteNotFoundError(f"secrets engine with mount path '{wanted}' not found")

    def get(self, name: str, *, version: int | None = None) -> KvEntry:
        """Read a secret.

        Args:
            name: path below the mount.
            version: an exact version, or ``None`` for the newest.

        Raises:
            NotFoundError: nothing there, or that version is deleted or destroyed.
            InvalidInputError: an exact version of a mount that keeps none.
        """
        if self.version == 1:
            if version is not None:
                raise InvalidInputError("version: a KV version 1 mount keeps no versions")
            return KvEntry(_map(self._client.request("GET", f"{self.path}/{name}").get("data")), None)
        query = {"version": str(version)} if version is not None else None
        outer = _map(self._client.request("GET", f"{self.path}/data/{name}", query=query).get("data"))
        if outer.get("data") is None:
            raise RemoteNotFoundError("this version of the secret is deleted")
        return KvEntry(_map(outer["data"]), int(_map(outer.get("metadata")).get("version", 0)))

    def put(self, name: str, data: Mapping[str, Any], *, cas: int | None = None) -> int | None:
        """Write a secret; return the new version, ``None`` on a KV v1 mount.

        Args:
            name: path below the mount.
            data: the map to store.
            cas: write only if this is the current version (0: only if never written); KV v2 only.

        Raises:
            ConflictError: ``cas`` is not the current version.
        """
        if self.version == 1:
            if cas is not None:
                raise InvalidInputError("cas: a KV version 1 mount keeps no versions")
            self._client.request("PUT", f"{self.path}/{name}", data)
            return None
        body: dict[str, Any] = {"data": dict(data)}
        if cas is not None:
            body["options"] = {"cas": cas}
        return int(_map(self._client.request("PUT", f"{self.path}/data/{name}", body).get("data"))["version"])

    def delete(self, name: str) -> None:
        """Delete a secret; on KV v2 the newest version only, and it can be undeleted."""
        self._client.request("DELETE", f"{self.path}/{'' if self.version == 1 else 'data/'}{name}")

    def destroy(self, name: str) -> None:
        """Remove a secret with all its versions, for good."""
        self._client.request("DELETE", f"{self.path}/{'' if self.version == 1 else 'metadata/'}{name}")

    def destroy_versions(self, name: str, versions: list[int]) -> None:
        """Erase single versions for good; KV v2 only."""
        if self.version == 1:
            raise InvalidInputError("versions: a KV version 1 mount keeps no versions")
        self._client.request("PUT", f"{self.path}/destroy/{name}", {"versions": versions})

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the versions that can be read, oldest first; none on a KV v1 mount."""
        if self.version == 1:
            return ()
        data = _map(self._client.request("GET", f"{self.path}/metadata/{name}").get("data"))
        return tuple(
            sorted(
                int(number)
                for number, about in _map(data.get("versions")).items()
                if isinstance(about, dict) and not about.get("destroyed") and not about.get("deletion_time")
            )
        )

    def list(self, directory: str = "") -> list[str]:
        """Return the names one level below ``directory``; a name with more below it ends in a slash."""
        base = self.path if self.version == 1 else f"{self.path}/metadata"
        path = f"{base}/{directory.strip('/')}".rstrip("/") + "/"
        try:
            keys = _map(self._client.request("LIST", path).get("data")).get("keys")
        except RemoteNotFoundError:  # the API answers 404 for an empty directory
            return []
        return [str(key) for key in keys] if isinstance(keys, list) else []


def _version_of(mount: Mapping[str, Any]) -> int:
    if mount.get("type") not in {"kv", "generic"}:
        raise InvalidInputError("mount: expected one of type kv")
    options = mount.get("options")
    return 2 if isinstance(options, dict) and str(options.get("version")) == "2" else 1


def _map(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RemoteUnavailableError("the server's answer has another shape than the Vault API gives it")
    return value
