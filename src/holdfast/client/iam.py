"""Client of the DC/OS IAM API, version 1: who there is, what was granted to whom, and logging in.

All calls but a login need the token of a superuser.
"""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from holdfast.client.errors import RemoteConflictError, RemoteUnavailableError
from holdfast.client.opening import ApiClient, masked, open_api
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes


class Subject(StrEnum):
    """To whom something is granted, in the words of the API's paths."""

    USER = "users"
    GROUP = "groups"


class IamClient(ApiClient):
    """Calls to one cluster as one token.

    Args:
        url: the cluster's address; ``/acs/api/v1`` is added to it.
        token: sent as ``Authorization: token=...``; a login needs none.
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
        tls: TlsSettings | None = None,
        timeout_seconds: float = 60.0,
        allow_plaintext_off_loopback: bool = False,
    ) -> None:
        self._token = masked(token)
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
        *segments: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send one request; return the answer's JSON object.

        Args:
            method: HTTP method.
            segments: of the path below ``/acs/api/v1``; a slash inside one stays inside it.
            body: sent as JSON.
            query: decoded query parameters.

        Raises:
            HoldfastError: the kind that the status stands for, with the server's words.
        """
        # Encoded once more with the rest of the path: proxies of DC/OS decode once on the way.
        path = "/".join(segment.replace("/", "%2F") for segment in segments)
        headers = {"Authorization": f"token={self._token.reveal().decode()}"} if self._token else {}
        return self._api.call(method, f"/acs/api/v1/{path}", body, headers=headers, query=query)

    def array(self, *segments: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the entries of a list."""
        found = self.request("GET", *segments, query=query).get("array")
        return found if isinstance(found, list) else []

    def log_in(self, uid: str, *, password: SecretBytes | None = None, token: str = "") -> SecretBytes:
        """Return an auth token for a password, or for a token that a service account signed.

        Raises:
            UnauthenticatedError: the store knows no such user, or the password or token is not his.
        """
        proof = {"password": password.reveal().decode()} if password else {"token": token}
        given = self.request("POST", "auth", "login", body={"uid": uid, **proof}).get("token")
        if not isinstance(given, str) or not given:
            raise RemoteUnavailableError("the server's answer has no token (is this the right address?)")
        return SecretBytes(given.encode())

    def log_out(self) -> None:
        """End the token that this client acts as."""
        self.request("GET", "auth", "logout")

    def grant(self, rid: str, subject: Subject, name: str, action: str, *, description: str = "") -> bool:
        """Grant an action on a resource, which is made known if it was not; return whether that was new.

        Args:
            rid: the resource.
            subject: what ``name`` is.
            name: who gets it.
            action: ``create``, ``read``, ``update``, ``delete`` or ``full``.
            description: of a resource that was not known.
        """
        with suppress(RemoteConflictError):  # known already, and keeps its description
            self.request("PUT", "acls", rid, body={"description": description})
        try:
            self.request("PUT", "acls", rid, subject, name, action)
        except RemoteConflictError:
            return False
        return True

    def revoke(self, rid: str, subject: Subject, name: str, action: str) -> None:
        """Take an action on a resource back; counts from the next request on."""
        self.request("DELETE", "acls", rid, subject, name, action)


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    title, text = (str(document.get(name) or "") for name in ("title", "description"))
    # Every refused login has the same description; a title of its own says when to try again.
    is_special = document.get("code") == "ERR_INVALID_CREDENTIALS" and title != HTTPStatus.UNAUTHORIZED.phrase
    return (title if is_special else "") or text or title, ""
