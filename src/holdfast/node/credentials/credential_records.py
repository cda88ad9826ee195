"""What a storage node remembers of a cloud credential: everything but its secret parts.

    CredentialRecord   one credential; where its secret parts are, if it has any
    SecretMark         a secret in the provider that no record has yet, or that none has any more

Records are MessagePack arrays that open with their kind and their layout version. Fields are only ever
appended, with a default; their order never changes.
"""

import re
import uuid
from enum import StrEnum
from typing import TypeAlias

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.stored import read_stored
from holdfast.policy.ownership import Ownership

MAX_NAME_CHARACTERS = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class SecretPart(StrEnum):
    """The parts of a credential that are kept in the secrets provider."""

    SECRET_KEY = "secret_key"  # noqa: S105 - the name of S3's part, not a secret
    ACCOUNT_KEY = "account_key"  # Azure
    JSON_KEY = "json_key"  # Google
    ENCRYPTION_KEY = "encryption_key"  # any: what backups made with the credential are encrypted with


class S3Account(msgspec.Struct, frozen=True, array_like=True, tag="s3", kw_only=True):
    """Access to a service that speaks S3.

    Attributes:
        access_key: the public name of the key.
        endpoint: ``host`` or ``host:port``.
        region: such as ``us-east-1``.
        disable_ssl: whether the service is spoken to without TLS.
        disable_path_style: whether the bucket stands in front of the host's name.
        storage_class: for new objects; empty for the service's own.
        server_side_encryption: ``AES256``, ``aws:kms``, or empty.
        set_by_administrator: whether a storage administrator named this endpoint, so that it may be a host of
            a private network, or one that is spoken to without TLS.
    """

    access_key: str
    endpoint: str
    region: str
    disable_ssl: bool = False
    disable_path_style: bool = False
    storage_class: str = ""
    server_side_encryption: str = ""
    set_by_administrator: bool = False


class AzureAccount(msgspec.Struct, frozen=True, array_like=True, tag="azure", kw_only=True):
    """Access to an account of Azure's blob storage."""

    account_name: str


class GoogleAccount(msgspec.Struct, frozen=True, array_like=True, tag="google", kw_only=True):
    """Access to a project's storage at Google, as a service account."""

    project_id: str


class NfsExport(msgspec.Struct, frozen=True, array_like=True, tag="nfs", kw_only=True):
    """A directory that a server exports.

    Attributes:
        server: host name or address.
        sub_path: below the export; empty for all of it.
        mount_opts: separated by commas.
        timeout_seconds: 0 for the default.
    """

    server: str
    sub_path: str = ""
    mount_opts: str = ""
    timeout_seconds: int = 0


Account: TypeAlias = S3Account | AzureAccount | GoogleAccount | NfsExport

SECRET_OF: dict[type[Account], SecretPart] = {
    S3Account: SecretPart.SECRET_KEY,
    AzureAccount: SecretPart.ACCOUNT_KEY,
    GoogleAccount: SecretPart.JSON_KEY,
}


class SecretNote(msgspec.Struct, frozen=True, array_like=True):
    """Where the secret parts of a credential are kept, all in one secret.

    Attributes:
        provider: type of the secrets provider.
        name: path of the secret there. Each change of a secret part makes another one.
        parts: which parts it holds.
    """

    provider: str
    name: str
    parts: list[str]

    @property
    def leaf(self) -> str:
        """The last part of its name, which is never given to another secret."""
        return self.name.rpartition("/")[2]


class CredentialRecord(msgspec.Struct, frozen=True, array_like=True, tag="credential", kw_only=True):
    """One credential.

    Attributes:
        layout: layout version of this record.
        id: a UUID.
        name: unique within the cluster.
        bucket: bucket or container; empty for the cluster's default.
        account: whose storage it opens, without the secret parts.
        secret: where those are; ``None`` if it has none.
        created_at: Unix seconds.
        stored_ownership: see ``ownership``.
        revision: grows with every change, so that a change is made to what its maker saw.
    """

    layout: int = 1
    id: str
    name: str
    bucket: str
    account: Account
    secret: SecretNote | None
    created_at: int
    stored_ownership: OwnershipNote
    revision: int = 1

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> None:
        """No scope is about it."""
        return

    @property
    def encrypts(self) -> bool:
        """Whether what is stored by means of it is encrypted with a key that it brings along."""
        return self.secret is not None and SecretPart.ENCRYPTION_KEY in self.secret.parts


class SecretMark(msgspec.Struct, frozen=True, array_like=True, tag="credential-secret", kw_only=True):
    """A secret that is to be removed from the provider, unless a record has it by then.

    Attributes:
        layout: layout version of this record.
        provider: type of the secrets provider.
        node: which node left the mark.
        marked_at: Unix seconds.
    """

    layout: int = 1
    provider: str
    node: str
    marked_at: int


_encode = msgspec.msgpack.Encoder().encode
_decode_credential = msgspec.msgpack.Decoder(CredentialRecord).decode
_decode_mark = msgspec.msgpack.Decoder(SecretMark).decode


def encode(record: CredentialRecord | SecretMark) -> bytes:
    """Write a record as it is stored."""
    return _encode(record)


def decode_credential(stored: bytes) -> CredentialRecord:
    """Read a stored credential.

    Raises:
        InternalError: it is not one; nothing is guessed.
    """
    return read_stored(_decode_credential, stored, "a stored credential record")


def decode_mark(stored: bytes) -> SecretMark:
    """Read a stored mark.

    Raises:
        InternalError: it is not one; nothing is guessed.
    """
    return read_stored(_decode_mark, stored, "a stored mark of a credential's secret")


def new_credential_id() -> str:
    """Return a fresh id, of the form that the original's have."""
    return str(uuid.uuid4())


def check_credential_name(name: str) -> str:
    """Return ``name`` if it may name a credential.

    Raises:
        InvalidInputError: none, other characters, too long, or of the form of an id.
    """
    if not name:
        raise InvalidInputError("name: Must supply a name")
    if not _NAME.fullmatch(name) or _ID.fullmatch(name.lower()):
        raise InvalidInputError(
            f"name: expected 1 to {MAX_NAME_CHARACTERS} letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit, and not of the form of an id"
        )
    return name


def check_credential_reference(reference: str) -> str:
    """Return ``reference`` if it has the form of a credential's id or name.

    Raises:
        InvalidInputError: it has neither.
    """
    if not _NAME.fullmatch(reference):
        raise InvalidInputError("credential_id: expected the id or the name of a credential")
    return reference
