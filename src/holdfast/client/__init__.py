"""Typed clients of the HTTP APIs: Vault's, the secrets and IAM APIs of DC/OS, the storage node's SDK API.

A client turns a call into a request, and an answer into a value or into one of the kinds of
``holdfast.errors`` with the server's own words. Importing this room costs nothing; the HTTP library
is loaded with the first request.
"""

from holdfast.client.address import Address, parse_address
from holdfast.client.dcos import DcosClient, DcosValue
from holdfast.client.iam import IamClient, Subject
from holdfast.client.sdk import SdkClient
from holdfast.client.tls import TlsSettings
from holdfast.client.vault import SealStatus, VaultClient
from holdfast.client.vault_kv import KvEntry, KvMount

__all__ = [
    "Address",
    "DcosClient",
    "DcosValue",
    "IamClient",
    "KvEntry",
    "KvMount",
    "SdkClient",
    "SealStatus",
    "Subject",
    "TlsSettings",
    "VaultClient",
    "parse_address",
]
