"""Client of a storage node's REST API (the OpenStorage SDK's paths and field names)."""

from collections.abc import Mapping
from typing import Any

from holdfast.client.opening import ApiClient, masked, open_api
from holdfast.client.tls import TlsSettings
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

NOT_A_NODE = "at this address is a secret store, or something like it, and no storage node"


class SdkClient(ApiClient):
    """Calls to one storage node as one signed token.

    Args:
        endpoint: the node's address.
        token: signed token; ``None`` calls as a guest.
        tls: how the node's certificate is checked.
        timeout_seconds: longest wait for one answer; formatting and rotation take their time.
        allow_plaintext_off_loopback: accept plain HTTP to another machine.

    Raises:
        InvalidInputError: an address that cannot be used.
    """

    def __init__(
        self,
        endpoint: str,
        token: SecretBytes | str | None = None,
        *,
        tls: TlsSettings | None = None,
        timeout_seconds: float = 300.0,
        allow_plaintext_off_loopback: bool = False,
    ) -> None:
        self._token = masked(token)
        self._api = open_api(
            endpoint,
            field="endpoint",
            tls=tls,
            timeout_seconds=timeout_seconds,
            allow_plaintext_off_loopback=allow_plaintext_off_loopback,
            read_error=_read_error,
            is_final=lambda answer: answer.status in {501, 503},
        )

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send one request below ``/v1``; return the answer's JSON object.

        Raises:
            InvalidInputError: a part of the path is empty.
            UnauthenticatedError: the token is missing a property or is not trusted; ``reason`` says which.
            PermissionDeniedError: the role or the ownership of the volume does not allow it.
            HoldfastError: other kinds as the status says, with the node's words.
        """
        if not all(path.lstrip("/").split("/")):
            raise InvalidInputError("name: expected the name or the id of something, and not nothing")
        headers = {"Authorization": f"Bearer {self._token.reveal().decode()}"} if self._token else {}
        return self._api.call(method, "/v1/" + path.lstrip("/"), body, headers=headers, query=query)


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    if "message" not in document and isinstance(document.get("errors"), list):
        return NOT_A_NODE, ""
    reason = ""
    details = document.get("details")
    if isinstance(details, list):
        for detail in details:
            if isinstance(detail, dict) and isinstance(detail.get("reason"), str):
                reason = detail["reason"]
    return str(document.get("message") or document.get("error") or ""), reason
