"""Client of the DC/OS secrets API, version 1."""

from collections.abc import Mapping
from typing import Any

from holdfast.client.address import parse_address
from holdfast.client.errors import RemoteNotFoundError
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes


class DcosClient:
    """Calls to one cluster as one token.

    Args:
        url: the cluster's address; ``/secrets/v1`` is added to it.
        token: sent as ``Authorization: token=...``.
        store: name of the secret store.
        tls: how the server's certificate is checked.
        timeout_seconds: longest wait for one answer.
        allow_plaintext_off_loopback: accept plain HTTP to another machine.

    Raises:
        InvalidInputError: an address that cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: SecretBytes | str | None = None,
        *,
        store: str = "default",
        tls: TlsSettings | None = None,
        timeout_seconds: float = 60.0,
        allow_plaintext_off_loopback: bool = False,
    ) -> None:
        from holdfast.client.json_api import JsonApi  # noqa: PLC0415 - keeps `--help` fast
        from holdfast.client.transport import Transport  # noqa: PLC0415 - as above

        parsed = parse_address(url, field="url", allow_plaintext_off_loopback=allow_plaintext_off_loopback)
        self._token = SecretBytes(token.encode()) if isinstance(token, str) else token
        self._store = store
        self._api = JsonApi(
            Transport(parsed, tls=tls, timeout_seconds=timeout_seconds), read_error=_read_error
        )

    def __repr__(self) -> str:
        return "DcosClient(****)"

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send one request below ``/secrets/v1``; return the answer's JSON object.

        Raises:
            HoldfastError: the kind that the status stands for, with the server's words.
        """
        headers = {"Authorization": f"token={self._token.reveal().decode()}"} if self._token else {}
        return self._api.call(method, "/secrets/v1/" + path.lstrip("/"), body, headers=headers, query=query)

    def get(self, path: str) -> str:
        """Return the text of a secret."""
        return str(self.request("GET", self._secret(path)).get("value", ""))

    def create(self, path: str, value: str) -> None:
        """Create a secret.

        Raises:
            ConflictError: it already exists.
        """
        self.request("PUT", self._secret(path), {"value": value})

    def update(self, path: str, value: str) -> None:
        """Replace the value of a secret.

        Raises:
            NotFoundError: it does not exist.
        """
        self.request("PATCH", self._secret(path), {"value": value})

    def delete(self, path: str) -> None:
        """Delete a secret."""
        self.request("DELETE", self._secret(path))

    def list(self, path: str = "") -> list[str]:
        """Return the names of all secrets below ``path``, at any depth, relative to it."""
        try:
            names = self.request("GET", self._secret(path), query={"list": "true"}).get("array")
        except RemoteNotFoundError:
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    def seal_status(self) -> dict[str, Any]:
        """Return ``sealed``, ``threshold``, ``shares`` and ``progress`` of the store."""
        return self.request("GET", f"seal-status/{self._store}")

    def _secret(self, path: str) -> str:
        return f"secret/{self._store}/{path.lstrip('/')}"


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    text = document.get("description") or document.get("message") or document.get("title") or ""
    return str(text), ""
