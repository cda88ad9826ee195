"""A DC/OS service account: a name and a private key, with which a node gets a token.

    {"uid": "portworx", "private_key": "-----BEGIN ...", "scheme": "RS256", "login_endpoint": "https://..."}

That is ``DCOS_SERVICE_ACCOUNT_CREDENTIAL``, the text itself or the path of a file with it. The address in it
counts for nothing: the node logs in where its configuration says.
"""

import base64
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from holdfast.client import IamClient
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

NAME = "DCOS_SERVICE_ACCOUNT_CREDENTIAL"
LOGIN_SECONDS = 300
MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account.

    Attributes:
        uid: its name.
        private_key: PEM.
    """

    uid: str
    private_key: SecretBytes

    def log_in(self, iam: IamClient) -> SecretBytes:
        """Return a token for a statement that the account signs.

        Raises:
            UnauthenticatedError: the cluster has another key of it, or none.
        """
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - few log in like this
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - as above

        claims = {"uid": self.uid, "exp": int(time.time()) + LOGIN_SECONDS}
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        signed = b".".join(_encode(msgspec.json.encode(part)) for part in parts)
        signature = _load(self.private_key).sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return iam.log_in(self.uid, token=f"{signed.decode()}.{_encode(signature).decode()}")


def read_service_account(text: str) -> ServiceAccount:
    """Read a credential, or the file that holds it.

    Raises:
        InvalidInputError: it is none, or its key is no RSA key.
    """
    if not text.lstrip().startswith("{"):
        try:
            with Path(text).open("rb") as file:
                text = file.read(MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError):
            raise InvalidInputError(f"{NAME}: expected a JSON text, or a readable file with one") from None
    try:
        values = msgspec.json.decode(text)
        uid, key = values["uid"], values["private_key"]
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError):
        uid = key = None
    if not isinstance(uid, str) or not uid or not isinstance(key, str):
        raise InvalidInputError(f"{NAME}: expected a JSON object with uid and private_key")
    account = ServiceAccount(uid, SecretBytes(key.encode()))
    _load(account.private_key)
    return account


def _load(private_key: SecretBytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    try:
        key = load_pem_private_key(private_key.reveal(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidInputError(f"{NAME}: expected private_key to be an RSA key in PEM")
    return key


def _encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
