"""Client of the DC/OS secrets API, version 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.client.errors import RemoteNotFoundError, RemoteUnavailableError
from holdfast.client.opening import ApiClient, masked, open_api
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes

BYTES = "application/octet-stream"

# The one 404 of a listing that is no empty listing; the words are those that DC/OS uses.
_UNKNOWN_STORE = "store not found"


@dataclass(frozen=True, slots=True, repr=False)
class DcosValue:
    """The value of a secret, and which of the two kinds it has.

    Attributes:
        content: the bytes of a binary value, UTF-8 of a text.
        is_text: which it is.
    """

    content: bytes
    is_text: bool


class DcosClient(ApiClient):
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
        self._token = masked(token)
        self._store = store
        self._api = open_api(
            url,
            field="url",
            tls=tls,
            timeout_seconds=timeout_seconds,
            allow_plaintext_off_loopback=allow_plaintext_off_loopback,
            read_error=_read_error,
        )

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
        return self._api.call(method, _target(path), body, headers=self._credential(), query=query)

    # -- secrets -------------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        """Return the text of a secret.

        Raises:
            InvalidInputError: the secret is binary.
        """
        return str(self.request("GET", self._secret(path)).get("value", ""))

    def read(self, path: str) -> DcosValue:
        """Return the value of a secret, of whichever kind it is."""
        headers = {**self._credential(), "Accept": "*/*"}
        answer = self._api.exchange("GET", _target(self._secret(path)), headers=headers)
        if answer.content_type.partition(";")[0].strip().lower() == BYTES:
            return DcosValue(answer.body, is_text=False)
        return DcosValue(_text_in(answer.body), is_text=True)

    def create(self, path: str, value: str | bytes) -> None:
        """Create a secret: a text, or a binary one of bytes.

        Raises:
            ConflictError: it already exists.
        """
        self._write("PUT", path, value)

    def update(self, path: str, value: str | bytes) -> None:
        """Replace the value of a secret: by a text, or by bytes.

        Raises:
            NotFoundError: it does not exist.
        """
        self._write("PATCH", path, value)

    def delete(self, path: str) -> None:
        """Delete a secret."""
        self.request("DELETE", self._secret(path))

    def list(self, path: str = "") -> list[str]:
        """Return the names of all secrets below ``path``, at any depth, relative to it.

        Raises:
            NotFoundError: there is no such store.
        """
        try:
            names = self.request("GET", self._secret(path), query={"list": "true"}).get("array")
        except RemoteNotFoundError as error:
            if _UNKNOWN_STORE in error.message.lower():
                raise
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    # -- the store as a whole ------------------------------------------------------------------------------

    def stores(self) -> tuple[dict[str, Any], ...]:
        """Return what each store is called, what it is, and whether it is sealed."""
        return tuple(self.request("GET", "store").get("array") or ())

    def store(self) -> dict[str, Any]:
        """Return the same of this store."""
        return self.request("GET", f"store/{self._store}")

    def ping(self) -> None:
        """Return if the store is there and the service answers."""
        self._api.exchange("GET", _target(f"ping/backends/{self._store}"), headers={"Accept": "*/*"})

    def seal_status(self) -> dict[str, Any]:
        """Return ``sealed``, ``threshold``, ``shares`` and ``progress`` of the store."""
        return self.request("GET", f"seal-status/{self._store}")

    def seal(self, *, this_node: bool = False) -> None:
        """Seal every node, or only the one that answers."""
        self.request("PUT", f"seal/{self._store}", query=_this_node(this_node))

    def unseal(self, key: SecretBytes, *, this_node: bool = False) -> dict[str, Any]:
        """Hand in a decrypted key, or a part of it; return the state of the seal."""
        body = {"key": key.reveal().decode()}
        return self.request("PUT", f"unseal/{self._store}", body, query=_this_node(this_node))

    def auto_unseal(self, *, this_node: bool = False) -> dict[str, Any]:
        """Have the server open itself with the private key at its hand; return the state of the seal."""
        return self.request("PUT", f"auto-unseal/{self._store}", query=_this_node(this_node))

    def initialization(self) -> dict[str, Any]:
        """Return ``initialized``, the encrypted ``keys`` and the ``pgp_fingerprints`` they are for."""
        return self.request("GET", f"init/{self._store}")

    def init(self, *, shares: int, threshold: int, pgp_keys: Sequence[str] = ()) -> dict[str, Any]:
        """Make the keys of a new store, or of an open one new keys; return them.

        Args:
            shares: how many to make.
            threshold: how many of them open the store.
            pgp_keys: base64 of an OpenPGP public key for each share; without any, shares come in clear.
        """
        body: dict[str, Any] = {"shares": shares, "threshold": threshold}
        if pgp_keys:
            body["pgp_keys"] = [*pgp_keys]
        return self.request("PUT", f"init/{self._store}", body)

    def _write(self, method: str, path: str, value: str | bytes) -> None:
        if isinstance(value, str):
            self.request(method, self._secret(path), {"value": value})
            return
        headers = {**self._credential(), "Content-Type": BYTES}
        self._api.exchange(method, _target(self._secret(path)), value, headers=headers)

    def _credential(self) -> dict[str, str]:
        return {"Authorization": f"token={self._token.reveal().decode()}"} if self._token else {}

    def _secret(self, path: str) -> str:
        return f"secret/{self._store}/{path.lstrip('/')}"


def _target(path: str) -> str:
    return "/secrets/v1/" + path.lstrip("/")


def _this_node(this_node: bool) -> dict[str, str] | None:  # noqa: FBT001 - the one argument
    return {"this_node": "true"} if this_node else None


def _text_in(body: bytes) -> bytes:
    import msgspec  # noqa: PLC0415 - loaded by now

    try:
        value = msgspec.json.decode(body)["value"]
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError):
        value = None
    if not isinstance(value, str):
        raise RemoteUnavailableError("the server's answer has no value (is this the right address?)")
    return value.encode("utf-8", "surrogatepass")


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    text = document.get("description") or document.get("message") or document.get("title") or ""
    return str(text), ""
