"""Client of the Vault HTTP API, against Holdfast or any server that speaks it.

``request`` reaches every path below ``/v1``; the other methods are the calls that Holdfast's own
programs make. The token is held masked and goes into one header of each request, nowhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from holdfast.client.errors import RemoteConflictError, RemoteInvalidInputError, RemoteNotFoundError
from holdfast.client.opening import DEFAULT_RETRIES, ApiClient, masked, open_api
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes

if TYPE_CHECKING:
    from holdfast.client.json_api import Query
    from holdfast.client.transport import Answer

NO_NAMESPACE = "namespace not found"
CAS_MISMATCH = "check-and-set parameter did not match"
_LISTING = {"LIST": "list", "SCAN": "scan"}
MOUNT_OF = "sys/internal/ui/mounts/"


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """A request that is about to be sent.

    Attributes:
        method: HTTP method.
        path: from ``/v1/`` on, not percent-encoded.
        query: decoded query parameters.
        headers: with the token.
        body: the JSON object, if there is one.
    """

    method: str
    path: str
    query: "Query"
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SealStatus:
    """What ``sys/seal-status`` says.

    Attributes:
        initialized: whether the store has keys at all.
        sealed: whether it holds none of them at the moment.
        threshold: how many shares open it.
        shares: how many shares exist.
        progress: how many distinct shares the running attempt has.
    """

    initialized: bool
    sealed: bool
    threshold: int
    shares: int
    progress: int


@dataclass(frozen=True, slots=True, repr=False)
class InitResult:
    """The only copy of what initialisation makes.

    Attributes:
        shares: the unseal key's shares, base64.
        root_token: the first token.
    """

    shares: tuple[str, ...]
    root_token: str


class VaultClient(ApiClient):
    """Calls to one server as one token.

    Args:
        address: ``https://host:port``, ``http://`` on loopback, or ``unix:///path``.
        token: the token to act as, or ``None`` for calls that need none.
        tls: how the server's certificate is checked.
        namespace: sent as ``X-Vault-Namespace`` when not empty.
        timeout_seconds: longest wait for one answer.
        retries: how often what only reads is tried again.
        allow_plaintext_off_loopback: accept plain HTTP to another machine.
        headers: sent with each request as well.
        inspect: is shown each request before it is sent, but not the question which mount serves a path;
            what it raises keeps the request from being sent.

    Raises:
        InvalidInputError: an address that cannot be used.
    """

    def __init__(
        self,
        address: str,
        token: SecretBytes | str | None = None,
        *,
        tls: TlsSettings | None = None,
        namespace: str = "",
        timeout_seconds: float = 60.0,
        retries: int = DEFAULT_RETRIES,
        allow_plaintext_off_loopback: bool = False,
        headers: Mapping[str, str] | None = None,
        inspect: Callable[[Outgoing], None] | None = None,
    ) -> None:
        self._token = masked(token)
        self._namespace = namespace
        self._headers = dict(headers or {})
        self._inspect = inspect
        self._api = open_api(
            address,
            tls=tls,
            timeout_seconds=timeout_seconds,
            retries=retries,
            allow_plaintext_off_loopback=allow_plaintext_off_loopback,
            read_error=_read_error,
            is_final=_is_final,
        )

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: "Query | None" = None,
        wrap_ttl: str = "",
    ) -> dict[str, Any]:
        """Send one request below ``/v1``.

        Args:
            method: ``GET``, ``LIST``, ``SCAN``, ``POST``, ``PUT``, ``PATCH``, ``DELETE``.
            path: such as ``secret/data/team/db``, not percent-encoded.
            body: JSON object to send.
            query: query parameters.
            wrap_ttl: let the answer wait in the store for so long, such as ``5m``, and get a one-time token.

        Returns:
            The whole answer; ``{}`` for 204.

        Raises:
            NotFoundError: 404; for a deleted KV version too.
            ConflictError: a check-and-set did not match.
            SealedError: 503 from a sealed store.
            HoldfastError: other kinds as the status says, with the server's words.
        """
        headers = self._headers_of(wrap_ttl)
        if method in _LISTING:
            method, query = "GET", {**(query or {}), _LISTING[method]: "true"}
        elif method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        target = "/v1/" + path.lstrip("/")
        if not path.startswith(MOUNT_OF):
            self._show(Outgoing(method, target, query or {}, headers, body))
        try:
            return self._api.call(method, target, body, headers=headers, query=query)
        except RemoteInvalidInputError as error:
            if CAS_MISMATCH in error.message:
                raise RemoteConflictError(error.message) from None
            raise
        except RemoteNotFoundError as error:
            if error.message == NO_NAMESPACE:  # not to be taken for there being nothing at the path
                raise RemoteInvalidInputError(
                    f"{NO_NAMESPACE}: expected the path of one that is there"
                ) from None
            raise

    def read_raw(self, path: str, *, query: "Query | None" = None) -> bytes:
        """Read a path below ``/v1``; return the answer as it came, which need not be JSON.

        Raises:
            HoldfastError: kinds as for ``request``.
        """
        target, headers = "/v1/" + path.lstrip("/"), self._headers_of("")
        self._show(Outgoing("GET", target, query or {}, headers, None))
        return self._api.exchange("GET", target, headers={**headers, "Accept": "*/*"}, query=query).body

    def _headers_of(self, wrap_ttl: str) -> dict[str, str]:
        headers = {**self._headers, "X-Vault-Request": "true"}
        if self._token is not None:
            headers["X-Vault-Token"] = self._token.reveal().decode()
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        if wrap_ttl:
            headers["X-Vault-Wrap-TTL"] = wrap_ttl
        return headers

    def _show(self, request: Outgoing) -> None:
        if self._inspect is not None:
            self._inspect(request)

    # --- sys -------------------------------------------------------------------------------------

    def init(self, *, shares: int, threshold: int) -> InitResult:
        """Initialise the store; the answer cannot be asked for again."""
        answer = self.request("PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold})
        return InitResult(tuple(answer["keys_base64"]), answer["root_token"])

    def seal_status(self) -> SealStatus:
        """Ask whether the store is sealed; needs no token."""
        return _seal_status(self.request("GET", "sys/seal-status"))

    def unseal(self, share: str) -> SealStatus:
        """Hand over one share, as ``init`` printed it."""
        return _seal_status(self.request("PUT", "sys/unseal", {"key": share}))

    def seal(self) -> None:
        """Seal the store at once."""
        self.request("PUT", "sys/seal")

    def mounts(self) -> dict[str, Any]:
        """Return the table of mounts, path with trailing slash to mount object."""
        return _data(self.request("GET", "sys/mounts"))

    def mount_of(self, path: str) -> dict[str, Any]:
        """Return the mount that serves ``path``; any token with some right below it may ask."""
        return _data(self.request("GET", f"{MOUNT_OF}{path.strip('/')}"))

    def visible_mounts(self) -> dict[str, Any]:
        """Return the secrets mounts that the token reaches, path with trailing slash to mount object."""
        mounts = _data(self.request("GET", MOUNT_OF)).get("secret")
        return mounts if isinstance(mounts, dict) else {}

    def enable_mount(
        self, path: str, kind: str, *, options: Mapping[str, str] | None = None, description: str = ""
    ) -> None:
        """Mount an engine, such as ``kv`` with options ``{"version": "2"}``."""
        body = {"type": kind, "description": description, "options": dict(options or {})}
        self.request("POST", f"sys/mounts/{path.strip('/')}", body)

    def disable_mount(self, path: str) -> None:
        """Unmount an engine and remove everything in it."""
        self.request("DELETE", f"sys/mounts/{path.strip('/')}")

    # --- policies and tokens ---------------------------------------------------------------------

    def put_policy(self, name: str, text: str) -> None:
        """Store an ACL policy, given as HCL or JSON text."""
        self.request("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def get_policy(self, name: str) -> str:
        """Return the text of an ACL policy."""
        return str(_data(self.request("GET", f"sys/policies/acl/{name}"))["policy"])

    def delete_policy(self, name: str) -> None:
        """Remove an ACL policy; tokens that name it lose it at once."""
        self.request("DELETE", f"sys/policies/acl/{name}")

    def create_token(self, **fields: Any) -> dict[str, Any]:
        """Create a token; fields as the API names them (``policies``, ``ttl``, ``type``, ...).

        Returns:
            The ``auth`` object: ``client_token``, ``accessor``, ``policies``, ``lease_duration``, ...
        """
        auth = self.request("POST", "auth/token/create", fields).get("auth")
        return auth if isinstance(auth, dict) else {}

    def lookup_self(self) -> dict[str, Any]:
        """Return what the server knows about our own token."""
        return _data(self.request("GET", "auth/token/lookup-self"))

    def revoke_token(self, token: str) -> None:
        """Revoke a token and its children."""
        self.request("POST", "auth/token/revoke", {"token": token})

    def revoke_self(self) -> None:
        """Revoke our own token and its children."""
        self.request("POST", "auth/token/revoke-self")


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def _seal_status(answer: dict[str, Any]) -> SealStatus:
    return SealStatus(
        initialized=bool(answer.get("initialized")),
        sealed=bool(answer.get("sealed", True)),
        threshold=int(answer.get("t", 0)),
        shares=int(answer.get("n", 0)),
        progress=int(answer.get("progress", 0)),
    )


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    errors = document.get("errors")
    return ("; ".join(str(error) for error in errors), "") if isinstance(errors, list) else ("", "")


def _is_final(answer: "Answer") -> bool:
    # What is sealed or locked stays so until somebody acts, and 501 is said of what is not there at all.
    return answer.status == HTTPStatus.NOT_IMPLEMENTED or (
        answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        and any(text in answer.body.lower() for text in (b"sealed", b"must be unlocked"))
    )
