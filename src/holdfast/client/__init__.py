"""Typed clients of the three HTTP APIs: the Vault API, the DC/OS secrets API and the storage node's SDK API.

A client turns a call into a request, and an answer into a value or into one of the kinds of
``holdfast.errors`` with the server's own words. Importing this room costs nothing; the HTTP library
is loaded with the first request.
"""

from holdfast.client.address import Address, parse_address
from holdfast.client.dcos import DcosClient
from holdfast.client.sdk import SdkClient
from holdfast.client.tls import TlsSettings
from holdfast.client.vault import SealStatus, VaultClient
from holdfast.client.vault_kv import KvEntry, KvMount

__all__ = [
    "Address",
    "DcosClient",
    "KvEntry",
    "KvMount",
    "SdkClient",
    "SealStatus",
    "TlsSettings",
    "VaultClient",
    "parse_address",
]
