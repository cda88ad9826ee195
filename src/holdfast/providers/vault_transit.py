"""Data keys wrapped by the transit engine of a Vault-compatible store; secrets lie in the node's own storage.

    VAULT_ENCRYPTION_KEY    name of the transit key; without it ``pwx-encryption-key``, which is then made

The rest of the settings is that of ``vault``. The engine is mounted at ``transit``.
"""

import base64
import binascii
import os
from typing import Any

from holdfast.client import VaultClient
from holdfast.client.errors import RemoteInvalidInputError
from holdfast.clock import SystemClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import ProviderUnavailableError, SecretDataError
from holdfast.providers.grant import Upkeep
from holdfast.providers.opening import Opening
from holdfast.providers.remote_words import in_node_words, vault_words
from holdfast.providers.vault_opening import settings_of
from holdfast.providers.vault_options import VaultOptions, read_vault_options
from holdfast.providers.vault_session import VaultSession
from holdfast.providers.wrapped import WrappedSecrets

MOUNT = "transit"
DEFAULT_KEY = "pwx-encryption-key"
KEY_BYTES = 32


def open_from(opening: Opening) -> WrappedSecrets:
    """Return the provider.

    Raises:
        NoCredentialError: there is nothing to log in with.
        InvalidInputError: a setting is missing or malformed, or there is no storage for wrapped keys.
    """
    if opening.storage is None:
        raise InvalidInputError("secret_type vault-transit: expected a storage for wrapped keys")
    settings = settings_of(opening)
    key = settings.text("VAULT_ENCRYPTION_KEY", default=DEFAULT_KEY)
    if "/" in key:
        raise InvalidInputError("VAULT_ENCRYPTION_KEY: expected the name of a transit key, without a slash")
    return WrappedSecrets(TransitWrapper(read_vault_options(settings), key), opening.storage)


class TransitWrapper:
    """A key of the transit engine, which has to be of a kind that authenticates.

    Args:
        options: where the store is, and how to log in.
        key: its name.
    """

    kind = "vault-transit"

    def __init__(self, options: VaultOptions, key: str) -> None:
        clock = SystemClock()
        self._address = options.address
        self._key = key
        self._session = VaultSession(options, options.namespace, clock=clock, place=MOUNT)
        self._upkeep = Upkeep(clock=clock, name="vault-transit-token")
        self._upkeep.keep(self._session.live)
        self.place = f"{options.address} mount {MOUNT}/, key {key}"
        self.login = options.login.name

    def new_key(self, context: str) -> tuple[SecretBytes, bytes]:
        """Make a data key and have the store encrypt it; see ``KeyWrapper``."""
        key = SecretBytes(os.urandom(KEY_BYTES))
        plaintext = base64.b64encode(key.view()).decode()
        data = self._call("encrypt", {"plaintext": plaintext, "associated_data": _context(context)})
        return key, str(data.get("ciphertext", "")).encode()

    def unwrap(self, wrapped: bytes, context: str) -> SecretBytes:
        """Have the store decrypt a data key; see ``KeyWrapper``."""
        try:
            data = self._call(
                "decrypt", {"ciphertext": wrapped.decode(), "associated_data": _context(context)}
            )
            key = SecretBytes(base64.b64decode(str(data.get("plaintext", "")), validate=True))
        except (UnicodeDecodeError, binascii.Error):
            raise SecretDataError from None
        if len(key) != KEY_BYTES:
            raise SecretDataError
        return key

    def check(self) -> None:
        """Wrap a key and unwrap it; see ``KeyWrapper``."""
        key, wrapped = self.new_key("check")
        with key, self.unwrap(wrapped, "check") as unwrapped:
            if unwrapped.reveal() != key.reveal():
                raise ProviderUnavailableError("the transit engine gave back another key than it was given")

    def times(self) -> tuple[float | None, float | None]:
        """Return when the token was renewed and when it ends; see ``KeyWrapper``."""
        grant = self._session.live.grant
        return (None, None) if grant is None else (grant.obtained_at, grant.expires_at)

    def close(self) -> None:
        """Revoke the token that the node logged in for, and wipe it; see ``KeyWrapper``."""
        self._upkeep.close()
        self._session.close()

    def _call(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        def ask(client: VaultClient) -> dict[str, Any]:
            data = client.request("POST", f"{MOUNT}/{verb}/{self._key}", body).get("data")
            return data if isinstance(data, dict) else {}

        with in_node_words(vault_words(self._address)):
            try:
                return self._session.ask(ask)
            except RemoteInvalidInputError:
                if verb == "decrypt":
                    raise SecretDataError from None  # it is not what was wrapped, or not in this place
                raise


def _context(context: str) -> str:
    return base64.b64encode(context.encode()).decode()
