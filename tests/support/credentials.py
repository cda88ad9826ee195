"""Cloud credentials for tests, and a provider that shows what is in it."""

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_records import (
    AzureAccount,
    GoogleAccount,
    NfsExport,
    S3Account,
    SecretPart,
)
from holdfast.node.credentials.credentials_service import CredentialSpec
from holdfast.providers.errors import ProviderUnavailableError, ReadOnlyProviderError
from holdfast.providers.file import FileProvider
from holdfast.providers.interface import SecretRef

AZURE_KEY = "QUFB" * 21 + "QQ=="  # the base64 of 64 bytes
ENCRYPTION_KEY = "canary-passphrase-of-backups"


def secret(text):
    return SecretBytes(text.encode())


def s3_account(service, **changes):
    return S3Account(
        **{
            "access_key": service.owner.access_key,
            "endpoint": service.endpoint,
            "region": "us-east-1",
            "disable_ssl": True,
            **changes,
        }
    )


def s3_spec(service, name="backups", **changes):
    return CredentialSpec(
        **{
            "name": name,
            "account": s3_account(service),
            "bucket": service.bucket,
            "parts": {SecretPart.SECRET_KEY: secret(service.owner.secret_key)},
            **changes,
        }
    )


def azure_spec(name="azure", **changes):
    parts = {SecretPart.ACCOUNT_KEY: secret(AZURE_KEY)}
    return CredentialSpec(
        **{"name": name, "account": AzureAccount(account_name="team1"), "parts": parts, **changes}
    )


def google_spec(name="google", **changes):
    parts = {SecretPart.JSON_KEY: secret(google_key())}
    account = GoogleAccount(project_id="project-1")
    return CredentialSpec(**{"name": name, "account": account, "parts": parts, **changes})


def nfs_spec(name="nfs", **changes):
    return CredentialSpec(
        **{"name": name, "account": NfsExport(server="nfs.example", sub_path="/b"), **changes}
    )


@cache
def google_key(**changes):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "project-1",
            "private_key_id": "1",
            "private_key": key.decode(),
            "client_email": "backup@project-1.iam.gserviceaccount.com",
            **changes,
        }
    )


class WatchedProvider(FileProvider):
    """A real provider that a test can take away, and that says what it holds."""

    def __init__(self, directory):
        super().__init__(directory)
        self.away = False
        self.read_only = False
        self.before_put = lambda: None
        self.after_put = lambda: None

    def get(self, ref):
        self._reach()
        return super().get(ref)

    def put(self, ref, value, *, expected_version=None):
        self._reach()
        if self.read_only:
            raise ReadOnlyProviderError(self.kind)
        self.before_put()
        version = super().put(ref, value, expected_version=expected_version)
        self.after_put()
        return version

    def destroy(self, ref):
        self._reach()
        super().destroy(ref)

    def held(self):
        """Return the names of all secrets of credentials."""
        return self.list("holdfast/credentials")

    def destroy_name(self, name):
        """Remove a secret as somebody else than the node does."""
        super().destroy(SecretRef(f"holdfast/credentials/{name}"))

    def _reach(self):
        if self.away:
            raise ProviderUnavailableError("the secrets provider is away")


class Killed(BaseException):
    """A crash: nothing that runs afterwards tidies up."""


def killed():
    raise Killed
