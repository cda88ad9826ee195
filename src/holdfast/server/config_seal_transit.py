"""The ``seal "transit"`` stanza of a configuration file: which other store opens this one.

    seal "transit" {
      address         = "https://vault.example:8200"
      token_file      = "/etc/holdfast/seal-token"   # or token, or the variable VAULT_TOKEN or BAO_TOKEN
      key_name        = "autounseal"
      mount_path      = "transit/"
      namespace       = "ns1/"                       # of a Vault that has namespaces
      disable_renewal = false                        # true: somebody else keeps the token alive
      tls_ca_cert     = "/etc/holdfast/ca.pem"
      tls_client_cert = "/etc/holdfast/me.pem"       # likewise tls_client_key
      tls_server_name = "vault.internal"             # if it is not the name in the address
      tls_skip_verify = false                        # true: trust whoever answers
    }

The names are those of Vault's stanza; ``token_file`` is ours.
"""

import os
import stat
from pathlib import Path
from typing import Any

from holdfast.barrier.seal_config import TRANSIT
from holdfast.client import TlsSettings
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.server.config_fields import boolean, text
from holdfast.server.transit_wrapper import TransitWrapper
from holdfast.store.seal_settings import SealSettings

_KNOWN = {
    "address",
    "token",
    "token_file",
    "key_name",
    "mount_path",
    "namespace",
    "disable_renewal",
    "tls_ca_cert",
    "tls_client_cert",
    "tls_client_key",
    "tls_server_name",
    "tls_skip_verify",
}
_TOKEN_VARIABLES = ("HOLDFAST_SEAL_TOKEN", "BAO_TOKEN", "VAULT_TOKEN")
_MAX_TOKEN_BYTES = 8192


def read_transit_seal(given: dict[str, Any]) -> SealSettings:
    """Return the settings that the members of such a stanza describe.

    Raises:
        InvalidInputError: one of them is missing, unknown or unfit.
    """
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        raise InvalidInputError(f"unknown setting {unknown[0]} of the transit seal")
    tls = TlsSettings(
        ca_cert=_optional(given, "tls_ca_cert"),
        client_cert=_optional(given, "tls_client_cert"),
        client_key=_optional(given, "tls_client_key"),
        server_name=_optional(given, "tls_server_name"),
        unsafe_skip_verification=boolean("tls_skip_verify", given.get("tls_skip_verify", False)),
    )
    wrapper = TransitWrapper(
        text("address", given.get("address")),
        _token(given),
        key_name=text("key_name", given.get("key_name")),
        mount_path=text("mount_path", given.get("mount_path", "transit/")),
        namespace=_optional(given, "namespace"),
        tls=tls,
        renews=not boolean("disable_renewal", given.get("disable_renewal", False)),
    )
    return SealSettings(type=TRANSIT, wrapper=wrapper)


def _token(given: dict[str, Any]) -> SecretBytes:
    if "token" in given and "token_file" in given:
        raise InvalidInputError("token, token_file: expected one of them, not both")
    if "token_file" in given:
        return _read(text("token_file", given["token_file"]))
    found = given.get("token") or next(
        (value for name in _TOKEN_VARIABLES if (value := os.environ.get(name))), ""
    )
    return _checked(text("token or token_file", found).encode())


def _read(path: str) -> SecretBytes:
    try:
        with Path(path).open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise InvalidInputError("token_file: it can be read by others: chmod 0600")
            return _checked(file.read(_MAX_TOKEN_BYTES + 1).strip())
    except OSError as error:
        raise InvalidInputError(f"token_file: cannot be read: {error.strerror}") from None


def _checked(token: bytes) -> SecretBytes:
    if not token or len(token) > _MAX_TOKEN_BYTES or not token.isascii() or not token.decode().isprintable():
        raise InvalidInputError("token or token_file: expected a token of the other store")
    return SecretBytes(token)


def _optional(given: dict[str, Any], name: str) -> str:
    return text(name, given[name]) if given.get(name) else ""
