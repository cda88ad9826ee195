"""Logging in with the certificate of the TLS connection."""

from cryptography import x509

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.auth.cert.matching import common_name, key_id, why_not
from holdfast.store.auth.cert.roles import CertRole, role_key
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.login import Login
from holdfast.store.auth.records import fold_role, list_names, load_record

INVALID = "invalid certificate or no client certificate supplied"
MAX_ROLES_TRIED = 1000
_NUMBERED = "serial:"


def log_in(login: Login) -> None:
    """Find the role that means the client's certificate; without a name, the first one that does."""
    if not login.request.certificate:
        raise InvalidInputError(INVALID, detail="none was shown, or the listener asks for none")
    try:
        certificate = x509.load_der_x509_certificate(login.request.certificate)
    except ValueError:
        raise InvalidInputError(INVALID, detail="not a certificate that can be read") from None
    named = fields.text(login.values, "name")
    names = [fold_role(named)] if named else list_names(login.records, "certs/")[:MAX_ROLES_TRIED]
    why = "no role"
    for name in names:
        role = load_record(login.records, role_key(name), CertRole)
        if role is None:
            continue
        why = why_not(certificate, role.trusted(), role.allowed, now=login.now)
        if not why:
            _grant(login, name, role, certificate)
            return
    raise InvalidInputError(INVALID, detail=why if named else f"of {len(names)} roles none means it")


def _grant(login: Login, name: str, role: CertRole, certificate: x509.Certificate) -> None:
    said = common_name(certificate)[:255]
    metadata = {
        "cert_name": name,
        "common_name": said,
        "serial_number": str(certificate.serial_number),
        "subject_key_id": key_id(certificate, x509.SubjectKeyIdentifier),
        "authority_key_id": key_id(certificate, x509.AuthorityKeyIdentifier),
    }
    who = said if said.isprintable() and said else name
    earned = Earned(
        role=role_key(name),
        settings=role.settings,
        name=who,
        metadata=metadata,
        alias=_alias(said, certificate),
    )
    login.grant(earned)


def _alias(said: str, certificate: x509.Certificate) -> str:
    """Return what tells a client from others: its common name, or the number of its certificate."""
    if said and said.isprintable() and not said.startswith(_NUMBERED):
        return said
    return f"{_NUMBERED}{certificate.serial_number}"
