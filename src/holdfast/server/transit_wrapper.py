"""Another store, Holdfast or Vault, that keeps the unseal key of this one under a transit key of its own.

It needs one policy there: ``update`` on ``<mount_path>/encrypt/<key_name>`` and ``.../decrypt/<key_name>``.
Every token may renew itself. Whatever goes wrong there is an ``UnavailableError`` here: nothing that the
other store says is about this one.
"""

import base64
import binascii
from math import inf
from typing import Any

from holdfast.client import TlsSettings, VaultClient
from holdfast.errors import HoldfastError, UnavailableError
from holdfast.model import SecretBytes

TIMEOUT_SECONDS = 5.0
LEAST_LIFE_SECONDS = 30.0


class TransitWrapper:
    """See the module.

    Args:
        address: of the other store.
        token: what it knows us by.
        key_name: its transit key.
        mount_path: where its transit engine is mounted.
        namespace: where in it that is; empty for the root.
        tls: how its certificate is checked.
        renews: whether the token is renewed.

    Raises:
        InvalidInputError: an address that cannot be used.
    """

    def __init__(
        self,
        address: str,
        token: SecretBytes,
        *,
        key_name: str,
        mount_path: str,
        namespace: str = "",
        tls: TlsSettings | None = None,
        renews: bool = True,
    ) -> None:
        self._client = VaultClient(
            address, token, tls=tls, namespace=namespace, timeout_seconds=TIMEOUT_SECONDS
        )
        self._key_name = key_name
        self._mount_path = mount_path.strip("/")
        self._renews = renews

    def __repr__(self) -> str:
        return "TransitWrapper(...)"

    def wrap(self, key: SecretBytes) -> str:
        """Return the key encrypted by the other store, which was seen to give it back."""
        plaintext = base64.b64encode(key.reveal()).decode("ascii")
        wrapped = self._ask("encrypt", {"plaintext": plaintext}).get("ciphertext")
        if not isinstance(wrapped, str):
            raise _not_an_answer()
        with self.unwrap(wrapped) as back:
            if back.reveal() != key.reveal():
                raise _not_an_answer()
        return wrapped

    def unwrap(self, wrapped: str) -> SecretBytes:
        """Return a key that the other store encrypted."""
        text = self._ask("decrypt", {"ciphertext": wrapped}).get("plaintext")
        try:
            return SecretBytes(base64.b64decode(text if isinstance(text, str) else "", validate=True))
        except binascii.Error:
            raise _not_an_answer() from None

    def renew(self) -> float:
        """Have our token live on there; return for how many seconds it does, infinite for ever."""
        if not self._renews:
            return inf
        answer = self._request("POST", "auth/token/renew-self", {})
        life = (answer.get("auth") or {}).get("lease_duration")
        if not isinstance(life, int) or life < 0:
            raise _not_an_answer()
        return max(float(life), LEAST_LIFE_SECONDS) if life else inf

    def _ask(self, what: str, body: dict[str, str]) -> dict[str, Any]:
        answer = self._request("PUT", f"{self._mount_path}/{what}/{self._key_name}", body)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise _not_an_answer()
        return data

    def _request(self, method: str, path: str, body: dict[str, str]) -> dict[str, Any]:
        try:
            return self._client.request(method, path, body)
        except HoldfastError as error:
            raise UnavailableError(f"the store of the transit seal: {error.message}") from None


def _not_an_answer() -> UnavailableError:
    return UnavailableError("the store of the transit seal answered something that is no answer")
