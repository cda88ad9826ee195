"""``certs/...``: which certificates may log in, and what their holders get."""

from typing import Any

import msgspec
from cryptography import x509

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.cert.extensions import read_required, read_told
from holdfast.store.auth.cert.matching import AllowedNames
from holdfast.store.auth.method import kept_by_name
from holdfast.store.auth.pem import pem_texts
from holdfast.store.auth.token_settings import TokenSettings, describe_token_settings, read_token_settings
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer

MAX_CERTIFICATES = 16
_FIELDS = {
    "any_name": "allowed_names",
    "common_names": "allowed_common_names",
    "dns_sans": "allowed_dns_sans",
    "email_sans": "allowed_email_sans",
    "uri_sans": "allowed_uri_sans",
    "organizational_units": "allowed_organizational_units",
}


class CertRole(msgspec.Struct, array_like=True, frozen=True):
    """One role. Fields are only ever appended: their order is the record format.

    Attributes:
        certificates: in PEM form: authorities, or certificates of single clients.
        allowed: the names that it asks for.
        settings: about tokens.
        display_name: kept and shown.
        required_extensions: that a certificate must have, see ``extensions``.
        allowed_metadata_extensions: that are told in a token's metadata.
    """

    certificates: tuple[str, ...]
    allowed: AllowedNames = AllowedNames()
    settings: TokenSettings = TokenSettings()
    display_name: str = ""
    required_extensions: tuple[str, ...] = ()
    allowed_metadata_extensions: tuple[str, ...] = ()

    def trusted(self) -> list[x509.Certificate]:
        """Return the certificates, parsed."""
        return [x509.load_pem_x509_certificate(pem.encode()) for pem in self.certificates]


def role_key(name: str) -> str:
    """Return where a role is."""
    return f"certs/{name}"


def _write_role(visit: AuthVisit) -> Command:
    def make(before: CertRole | None) -> CertRole:
        return _changed(visit.values, before or CertRole(()))

    return visit.change(role_key(visit.name), CertRole, make)


def _changed(values: dict[str, Any], before: CertRole) -> CertRole:
    if fields.boolean(values, "ocsp_enabled"):
        raise InvalidInputError(
            "ocsp_enabled: expected false; nobody is asked by OCSP, hand revocation lists in under crls/"
        )
    required, told = before.required_extensions, before.allowed_metadata_extensions
    if "required_extensions" in values:
        required = read_required(fields.words(values, "required_extensions"))
    if "allowed_metadata_extensions" in values:
        told = read_told(fields.words(values, "allowed_metadata_extensions"))
    certificates = before.certificates
    if "certificate" in values:
        certificates = pem_texts(values["certificate"])
    if not 0 < len(certificates) <= MAX_CERTIFICATES:
        raise InvalidInputError(f"certificate: expected 1 to {MAX_CERTIFICATES} certificates in PEM form")
    allowed = AllowedNames(
        **{
            kind: fields.words(values, name) if name in values else getattr(before.allowed, kind)
            for kind, name in _FIELDS.items()
        }
    )
    role = CertRole(
        certificates=certificates,
        allowed=allowed,
        settings=read_token_settings(values, before.settings),
        display_name=fields.text(values, "display_name", before.display_name),
        required_extensions=required,
        allowed_metadata_extensions=told,
    )
    try:
        role.trusted()
    except ValueError:
        raise InvalidInputError("certificate: expected certificates in PEM form") from None
    return role


def _read_role(visit: AuthVisit) -> Answer:
    role = visit.require(role_key(visit.name), CertRole)
    shown = {
        "certificate": "".join(role.certificates),
        "display_name": role.display_name or visit.name,
        **{name: list(getattr(role.allowed, kind)) for kind, name in _FIELDS.items()},
        "required_extensions": list(role.required_extensions),
        "allowed_metadata_extensions": list(role.allowed_metadata_extensions),
        "ocsp_enabled": False,
    }
    return Answer(data=encode(shown | describe_token_settings(role.settings)))


CERT_ROUTES = kept_by_name("certs", read=_read_role, write=_write_role)
