"""What is told of a key: everything but what it is made of."""

import base64
from typing import Any

from holdfast.clock import rfc3339
from holdfast.engines.transit.derivation import KDF_NAME
from holdfast.engines.transit.encryption import CONVERGENT_VERSION
from holdfast.engines.transit.export import public_text
from holdfast.engines.transit.key_types import Family
from holdfast.engines.transit.records import Key, KeyVersion, Moment, load_version
from holdfast.engines.transit.signatures import derived_public_key
from holdfast.storage.interface import Reader


def describe(reader: Reader, name: str, key: Key, *, context: bytes = b"") -> dict[str, Any]:
    """Return what clients are told of a key.

    Args:
        reader: the mount, in one state.
        name: which key.
        key: its record.
        context: for a derived key with a public one, whose public key to show; empty shows none.
    """
    kind = key.type
    described: dict[str, Any] = {
        "name": name,
        "type": kind.name,
        "derived": key.derived,
        "deletion_allowed": key.deletion_allowed,
        "min_available_version": key.min_available_version,
        "min_decryption_version": key.min_decryption_version,
        "min_encryption_version": key.min_encryption_version,
        "latest_version": key.latest_version,
        "exportable": key.exportable,
        "allow_plaintext_backup": key.allow_plaintext_backup,
        "supports_encryption": kind.encrypts,
        "supports_decryption": kind.encrypts,
        "supports_signing": kind.signs,
        "supports_derivation": kind.derives,
        "auto_rotate_period": key.auto_rotate_seconds,
        "imported_key": False,
        "keys": {
            str(number): _describe_version(key, load_version(reader, name, number), context)
            for number in range(key.min_decryption_version, key.latest_version + 1)
        },
    }
    if kind.family is Family.HMAC:
        described["key_size"] = key.key_bytes or kind.bits // 8
    if key.derived:
        described |= {"kdf": KDF_NAME, "convergent_encryption": key.convergent}
        if key.convergent:
            described["convergent_encryption_version"] = CONVERGENT_VERSION
    for member, moment in (("backup_info", key.backup), ("restore_info", key.restored)):
        if moment is not None:
            described[member] = _describe_moment(moment)
    return described


def _describe_version(key: Key, version: KeyVersion, context: bytes) -> Any:
    if not key.type.is_asymmetric:
        return int(version.created_at)
    return {
        "name": key.type.curve or key.type.name,
        "public_key": _public(key, version, context),
        "certificate_chain": "",
        "creation_time": rfc3339(version.created_at),
    }


def _public(key: Key, version: KeyVersion, context: bytes) -> str:
    if not key.derived:
        return public_text(key, version)
    if not context:
        return ""
    return base64.b64encode(derived_public_key(key, version, context)).decode("ascii")


def _describe_moment(moment: Moment) -> dict[str, Any]:
    return {"time": rfc3339(moment.time), "version": moment.version}
