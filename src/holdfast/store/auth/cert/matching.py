"""Whether a client's certificate is meant by a role. Decides on what it is given, and does no IO.

A certificate that is named by the role itself needs no issuer. One that the role's authority issued must be
signed by it directly, be for clients, and fit every kind of name that the role asks for; of each kind one
pattern and one name are enough.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.store.auth.cert.extensions import has_required
from holdfast.store.auth.globs import matches

E = TypeVar("E", bound=x509.ExtensionType)


class AllowedNames(msgspec.Struct, array_like=True, frozen=True):
    """The names that a role asks for, each with ``*`` for any text; empty asks for nothing.

    Attributes:
        any_name: of the common name, DNS or e-mail names.
        common_names: of the common name.
        dns_sans: of the DNS names.
        email_sans: of the e-mail names.
        uri_sans: of the URIs, such as a SPIFFE id.
        organizational_units: of the subject.
    """

    any_name: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()
    dns_sans: tuple[str, ...] = ()
    email_sans: tuple[str, ...] = ()
    uri_sans: tuple[str, ...] = ()
    organizational_units: tuple[str, ...] = ()


def why_not(
    certificate: x509.Certificate,
    trusted: list[x509.Certificate],
    allowed: AllowedNames,
    *,
    now: float,
    required: tuple[str, ...] = (),
) -> str:
    """Return why the role does not mean this certificate; empty if it does.

    Args:
        certificate: the client's; its holder has proved to have the key.
        trusted: the role's certificates: authorities, or single clients.
        allowed: the names that the role asks for.
        now: Unix seconds.
        required: the extensions that the role asks for.
    """
    at = datetime.fromtimestamp(now, UTC)
    if not _is_valid_at(certificate, at):
        return "out of its time"
    if not _is_for_clients(certificate):
        return "not for clients"
    if issuer_of(certificate, trusted, now=now) is None:
        return "not from an authority of the role"
    names = _names(certificate)
    for kind in msgspec.structs.fields(AllowedNames):
        patterns = getattr(allowed, kind.name)
        if patterns and not any(matches(p, name) for p in patterns for name in getattr(names, kind.name)):
            return f"no name that the role allows: {kind.name}"
    return "" if has_required(certificate, required) else "without an extension that the role asks for"


def issuer_of(
    certificate: x509.Certificate, trusted: list[x509.Certificate], *, now: float
) -> x509.Certificate | None:
    """Return which of the role's certificates vouches for a client's; it may be that itself."""
    at = datetime.fromtimestamp(now, UTC)
    return next((issuer for issuer in trusted if _vouches(issuer, certificate, at)), None)


def common_name(certificate: x509.Certificate) -> str:
    """Return the common name of the subject, empty if there is none."""
    return next(iter(_subject(certificate, NameOID.COMMON_NAME)), "")


def key_id(
    certificate: x509.Certificate, kind: type[x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier]
) -> str:
    """Return a key identifier as hex with colons, empty if there is none."""
    extension = _extension(certificate, kind)
    digest = None
    if isinstance(extension, x509.SubjectKeyIdentifier):
        digest = extension.digest
    elif isinstance(extension, x509.AuthorityKeyIdentifier):
        digest = extension.key_identifier
    return "" if digest is None else digest.hex(":")


def subject_key_id(certificate: x509.Certificate) -> str:
    """Return what names the certificate's key: as it says itself, or the usual hash of the key."""
    said = key_id(certificate, x509.SubjectKeyIdentifier)
    if said:
        return said
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex(":")


def _vouches(issuer: x509.Certificate, certificate: x509.Certificate, at: datetime) -> bool:
    if issuer.public_bytes(Encoding.DER) == certificate.public_bytes(Encoding.DER):
        return True
    constraints, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return _is_valid_at(issuer, at)


def _is_valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _is_for_clients(certificate: x509.Certificate) -> bool:
    usage = _extension(certificate, x509.ExtendedKeyUsage)
    return usage is None or not {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }.isdisjoint(usage)


def _names(certificate: x509.Certificate) -> AllowedNames:
    san = _extension(certificate, x509.SubjectAlternativeName)
    dns = tuple(san.get_values_for_type(x509.DNSName)) if san else ()
    email = tuple(san.get_values_for_type(x509.RFC822Name)) if san else ()
    uris = tuple(san.get_values_for_type(x509.UniformResourceIdentifier)) if san else ()
    common = tuple(_subject(certificate, NameOID.COMMON_NAME))
    units = tuple(_subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME))
    return AllowedNames((*common, *dns, *email), common, dns, email, uris, units)


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> Iterator[str]:
    return (str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid))


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
