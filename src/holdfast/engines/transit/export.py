"""Keys as text: the public ones for everybody, the others where their key says that it may be exported."""

import base64
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from holdfast.engines.transit.key_types import Family
from holdfast.engines.transit.material import PublicKey, private_key, public_key
from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.errors import InvalidInputError


class Exported(StrEnum):
    """What is exported of a key."""

    ENCRYPTION_KEY = "encryption-key"
    SIGNING_KEY = "signing-key"
    HMAC_KEY = "hmac-key"
    PUBLIC_KEY = "public-key"


class Form(StrEnum):
    """How it is written."""

    DEFAULT = ""
    RAW = "raw"
    DER = "der"
    PEM = "pem"


_ENCODED = frozenset({Form.DER, Form.PEM})


def check_exportable(key: Key, what: Exported) -> None:
    """Refuse what a key does not have, or does not give away.

    Raises:
        InvalidInputError: this is such a thing.
    """
    if not key.exportable and what is not Exported.PUBLIC_KEY:
        raise InvalidInputError("private key material is not exportable")
    if what is Exported.ENCRYPTION_KEY and not key.type.encrypts:
        raise InvalidInputError("encryption not supported for the key")
    if what is Exported.SIGNING_KEY and not key.type.signs:
        raise InvalidInputError("signing not supported for the key")
    if what is Exported.PUBLIC_KEY and (not key.type.is_asymmetric or key.derived):
        raise InvalidInputError(f"unknown key type {key.type_name} for export type public-key")


def export(key: Key, version: KeyVersion, what: Exported, form: Form) -> str:
    """Return one version of a key as text; check it with ``check_exportable`` first.

    Raises:
        InvalidInputError: there is no such form of it.
    """
    if what is Exported.PUBLIC_KEY:
        return public_text(key, version, form)
    if what is Exported.HMAC_KEY:
        return _raw(version.material.hmac_key, form)
    if not key.type.is_asymmetric:
        return _raw(version.material.secret, form)
    return _private_text(key, version, form)


def public_text(key: Key, version: KeyVersion, form: Form = Form.DEFAULT) -> str:
    """Return the public key of a version as text.

    Raises:
        InvalidInputError: there is no such form of it.
    """
    public = public_key(key.type, version.material.public)
    if isinstance(public, ed25519.Ed25519PublicKey) and form not in _ENCODED:
        return base64.b64encode(public.public_bytes_raw()).decode("ascii")
    _refuse_raw(key, form)
    return _text(_encoded_public(public, form), form)


def _private_text(key: Key, version: KeyVersion, form: Form) -> str:
    private = private_key(key.type, version.material.secret)
    if isinstance(private, ed25519.Ed25519PrivateKey) and form not in _ENCODED:
        # The seed and the public key behind it, which is what libraries in Go take for the key.
        pair = private.private_bytes_raw() + private.public_key().public_bytes_raw()
        return base64.b64encode(pair).decode("ascii")
    _refuse_raw(key, form)
    layout = PrivateFormat.TraditionalOpenSSL if form is Form.DEFAULT else PrivateFormat.PKCS8
    encoding = Encoding.DER if form is Form.DER else Encoding.PEM
    return _text(private.private_bytes(encoding, layout, NoEncryption()), form)


def _encoded_public(public: PublicKey, form: Form) -> bytes:
    encoding = Encoding.DER if form is Form.DER else Encoding.PEM
    return public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _text(encoded: bytes, form: Form) -> str:
    return (base64.b64encode(encoded) if form is Form.DER else encoded).decode("ascii")


def _raw(secret: bytes, form: Form) -> str:
    if form in _ENCODED:
        raise InvalidInputError("format: expected raw, or none, for a secret key")
    return base64.b64encode(secret).decode("ascii")


def _refuse_raw(key: Key, form: Form) -> None:
    if form is Form.RAW and key.type.family in {Family.RSA, Family.ECDSA}:
        raise InvalidInputError("format: expected der or pem, or none, for a key pair")
