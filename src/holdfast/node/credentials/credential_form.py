"""What a cloud credential must look like, before anybody is asked about it.

Each refusal names the field by the name that it has in the API, and goes on with the words of the original
where it has some, since clients look for them.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_records import (
    SECRET_OF,
    Account,
    AzureAccount,
    GoogleAccount,
    NfsExport,
    S3Account,
    SecretPart,
)

FIELD = {
    S3Account: "aws_credential",
    AzureAccount: "azure_credential",
    GoogleAccount: "google_credential",
    NfsExport: "nfs_credential",
}
STORAGE_CLASSES = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
)
SERVER_SIDE_ENCRYPTION = ("AES256", "aws:kms")
MISSING_SECRET = {
    SecretPart.SECRET_KEY: "Must supply Secret Key",
    SecretPart.ACCOUNT_KEY: "Must supply Account Key",
    SecretPart.JSON_KEY: "Must supply JSON Key",
}
MAX_SECRET_BYTES = 16 * 1024
MAX_KEY_BYTES = 1024
MAX_NFS_TIMEOUT_SECONDS = 3600
AZURE_KEY_BYTES = 64
RISKY_MOUNT_OPTIONS = frozenset({"suid", "dev", "exec"})

_ACCESS_KEY = re.compile(r"[!-~]{1,128}")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_AZURE_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_GOOGLE_PROJECT = re.compile(r"([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_MOUNT_OPTIONS = re.compile(r"[a-z0-9_]+(=[A-Za-z0-9_.:]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:]+)?)*")


def check_form(account: Account, bucket: str, parts: Mapping[SecretPart, SecretBytes]) -> None:
    """Raise ``InvalidInputError`` for what cannot be, naming the field.

    Args:
        account: whose storage.
        bucket: bucket or container; may be empty.
        parts: the secret parts.
    """
    if bucket and (not _BUCKET.fullmatch(bucket) or ".." in bucket):
        raise InvalidInputError(
            "bucket: expected 3 to 63 lower-case letters, digits, dots, dashes and underscores"
        )
    match account:
        case S3Account():
            _check_s3(account)
        case AzureAccount():
            _check_azure(account)
        case GoogleAccount():
            _check_google(account)
        case NfsExport():
            _check_nfs(account)
    _check_secrets(account, parts)


def split_endpoint(text: str, *, secure: bool, field: str = "aws_credential.endpoint") -> tuple[str, int]:
    """Return host and port of an endpoint, which is written ``host`` or ``host:port``.

    Raises:
        InvalidInputError: another form, such as one with a scheme or a path.
    """
    host, port = text, "443" if secure else "80"
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if bracket and rest.startswith(":"):
            port = rest[1:]
        elif not bracket or rest:
            host = ""
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    numeric = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535  # noqa: PLR2004
    if not numeric or not _is_host(host):
        raise InvalidInputError(f"{field}: expected host or host:port, without scheme and path")
    return host.lower(), int(port)


def _is_host(text: str) -> bool:
    if ":" not in text:
        return bool(_HOST.fullmatch(text))
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _check_s3(account: S3Account) -> None:
    where = FIELD[S3Account]
    if not account.access_key:
        raise InvalidInputError(f"{where}.access_key: Must supply Access Key")
    if not _ACCESS_KEY.fullmatch(account.access_key) or {"/", ",", "="} & set(account.access_key):
        raise InvalidInputError(
            f"{where}.access_key: expected up to 128 characters without blanks and slashes"
        )
    if not account.region:
        raise InvalidInputError(f"{where}.region: Must supply Region Key")
    if not _REGION.fullmatch(account.region):
        raise InvalidInputError(f"{where}.region: expected a region such as us-east-1")
    if not account.endpoint:
        raise InvalidInputError(f"{where}.endpoint: Must supply Endpoint Key")
    split_endpoint(account.endpoint, secure=not account.disable_ssl)
    if account.storage_class and account.storage_class not in STORAGE_CLASSES:
        raise InvalidInputError(f"s3_storage_class: expected one of {', '.join(STORAGE_CLASSES)}")
    if account.server_side_encryption and account.server_side_encryption not in SERVER_SIDE_ENCRYPTION:
        raise InvalidInputError(
            f"{where}.server_side_encryption: expected one of {', '.join(SERVER_SIDE_ENCRYPTION)}"
        )


def _check_azure(account: AzureAccount) -> None:
    if not account.account_name:
        raise InvalidInputError("azure_credential.account_name: Must supply Account name")
    if not _AZURE_ACCOUNT.fullmatch(account.account_name):
        raise InvalidInputError(
            "azure_credential.account_name: expected 3 to 24 lower-case letters and digits"
        )


def _check_google(account: GoogleAccount) -> None:
    if not account.project_id:
        raise InvalidInputError("google_credential.project_id: Must supply Project ID")
    if not _GOOGLE_PROJECT.fullmatch(account.project_id):
        raise InvalidInputError("google_credential.project_id: expected the id of a project, not its name")


def _check_nfs(account: NfsExport) -> None:
    where = FIELD[NfsExport]
    if not account.server:
        raise InvalidInputError(f"{where}.server: Must supply NFS server address")
    if not _is_host(account.server.strip("[]")):
        raise InvalidInputError(f"{where}.server: expected a host name or an address")
    segments = account.sub_path.strip("/").split("/")
    if account.sub_path and (
        not account.sub_path.isprintable()
        or len(account.sub_path) > MAX_KEY_BYTES
        or any(segment in {"", ".", ".."} for segment in segments)
    ):
        raise InvalidInputError(f"{where}.sub_path: expected a path without empty, . and .. segments")
    options = account.mount_opts.split(",")
    if account.mount_opts and (
        len(account.mount_opts) > MAX_KEY_BYTES
        or not _MOUNT_OPTIONS.fullmatch(account.mount_opts)
        or RISKY_MOUNT_OPTIONS & set(options)
    ):
        raise InvalidInputError(
            f"{where}.mount_opts: expected options such as vers=4.2,hard, and none of "
            f"{', '.join(sorted(RISKY_MOUNT_OPTIONS))}"
        )
    if not 0 <= account.timeout_seconds <= MAX_NFS_TIMEOUT_SECONDS:
        raise InvalidInputError(f"{where}.timeout_seconds: expected at most {MAX_NFS_TIMEOUT_SECONDS}")


def _check_secrets(account: Account, parts: Mapping[SecretPart, SecretBytes]) -> None:
    kind = type(account)
    own = SECRET_OF.get(kind)
    if own is not None and not parts.get(own):
        raise InvalidInputError(f"{FIELD[kind]}.{own.value}: {MISSING_SECRET[own]}")
    for part, value in parts.items():
        where = part.value if part is SecretPart.ENCRYPTION_KEY else f"{FIELD[kind]}.{part.value}"
        longest = MAX_SECRET_BYTES if part is SecretPart.JSON_KEY else MAX_KEY_BYTES
        if not 0 < len(value) <= longest:
            raise InvalidInputError(f"{where}: expected 1 to {longest} bytes")
        if part is not SecretPart.JSON_KEY and any(byte < 0x20 or byte == 0x7F for byte in value.view()):  # noqa: PLR2004
            raise InvalidInputError(f"{where}: expected no control characters, such as a line's end")
    if isinstance(account, AzureAccount):
        _check_azure_key(parts[SecretPart.ACCOUNT_KEY])
    if isinstance(account, GoogleAccount):
        _check_google_key(account, parts[SecretPart.JSON_KEY])


def _check_azure_key(key: SecretBytes) -> None:
    try:
        size = len(base64.b64decode(key.reveal(), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != AZURE_KEY_BYTES:
        raise InvalidInputError(
            f"azure_credential.account_key: expected the base64 of {AZURE_KEY_BYTES} bytes, as Azure shows it"
        )


class _GoogleKey(msgspec.Struct):
    """What is looked at of a service account's key file."""

    type: str
    project_id: str
    client_email: str
    private_key: str


def _check_google_key(account: GoogleAccount, key: SecretBytes) -> None:
    where = "google_credential.json_key"
    try:
        file = msgspec.json.decode(key.view(), type=_GoogleKey)
        load_pem_private_key(file.private_key.encode(), password=None)
    except (msgspec.DecodeError, ValueError, TypeError, UnsupportedAlgorithm, RecursionError):
        raise InvalidInputError(f"{where}: expected the JSON key file of a service account") from None
    if file.type != "service_account":
        raise InvalidInputError(f"{where}: expected a key of type service_account")
    if file.project_id != account.project_id:
        raise InvalidInputError(f"{where}: expected a key of the project that project_id names")
