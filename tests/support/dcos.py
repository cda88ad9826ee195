"""A real store as clients of DC/OS address it: secrets below ``/secrets/v1``, the IAM below ``/acs/api/v1``.

Has the method ``acs`` that the helpers of ``tests.support.iam`` want.
"""

from collections.abc import Mapping
from typing import Any

from tests.support.store_process import StoreProcess
from tests.support.store_talk import Answer, ask

SECRETS = "/secrets/v1/"
IAM = "/acs/api/v1/"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
BINARY = {"Content-Type": "application/octet-stream", "Accept": "*/*"}


class DcosClient:
    """Talks to one store, as the root token unless told otherwise.

    Args:
        store: the running store.
        token: another token to use for all that does not name one.
    """

    def __init__(self, store: StoreProcess, token: str | None = None) -> None:
        self.store = store
        self._token = token

    @property
    def token(self) -> str:
        return self.store.root_token if self._token is None else self._token

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Send one request to ``/secrets/v1/<path>``."""
        return self._send(method, SECRETS + path, body, token, headers)

    def secret(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        """Send one request to a secret of the default store."""
        return self.api(method, f"secret/default/{path}", body, **how)

    def put(self, path: str, value: str, **how: Any) -> int:
        return self.secret("PUT", path, {"value": value}, **how).status

    def value(self, path: str, **how: Any) -> Any:
        """Return the text of a secret, or the status of the refusal."""
        answer = self.secret("GET", path, **how)
        return answer.json["value"] if answer.status == 200 else answer.status

    def names(self, path: str = "", **how: Any) -> Any:
        """Return the sorted names below a path, or the status of the refusal."""
        answer = self.secret("GET", f"{path}?list=true", **how)
        return sorted(answer.json["array"]) if answer.status == 200 else answer.status

    def is_sealed(self) -> bool:
        return bool(self.api("GET", "seal-status/default", token="").json["sealed"])

    def acs(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Send one request to ``/acs/api/v1/<path>``."""
        return self._send(method, IAM + path, body, token, headers)

    def _send(
        self, method: str, path: str, body: Any, token: str | None, headers: Mapping[str, str]
    ) -> Answer:
        credential = self.token if token is None else token
        authorization = {"Authorization": f"token={credential}"} if credential else {}
        return ask(self.store, method, path, body, token="", headers=authorization | dict(headers))
