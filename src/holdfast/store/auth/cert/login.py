"""Logging in with the certificate of the TLS connection, and renewing what one got for it."""

from collections.abc import Callable
from functools import partial

from cryptography import x509

from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.auth.cert.config import CONFIG_KEY, CertConfig
from holdfast.store.auth.cert.extensions import told
from holdfast.store.auth.cert.matching import common_name, issuer_of, key_id, subject_key_id, why_not
from holdfast.store.auth.cert.revocation import RevocationList, fetch_list, stored_lists
from holdfast.store.auth.cert.roles import CertRole, role_key
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.login import Login
from holdfast.store.auth.method import Renewal
from holdfast.store.auth.records import fold_role, list_names, load_record
from holdfast.store.command import Command
from holdfast.store.route import Deferred

INVALID = "invalid certificate or no client certificate supplied"
NOT_BOUND = "client certificate: expected the one that logged in, or disable_binding in the mount's config"
MAX_ROLES_TRIED = 1000
_NUMBERED = "serial:"

Lists = list[RevocationList]


def log_in(login: Login) -> None:
    """Find the role that means the client's certificate; without a name, the first one that does."""
    certificate = _read(login.request.certificate)
    here, elsewhere = _lists(login.records)
    _gather(login, elsewhere, here, partial(_decide, login, certificate))


def _gather(login: Login, urls: list[tuple[bytes, str]], known: Lists, step: Callable[[Lists], None]) -> None:
    """Fetch the lists that are published elsewhere, one after the other; they are remembered."""
    if not urls:
        step(known)
        return
    (stored, url), *others = urls
    login.with_published(
        stored,
        partial(fetch_list, url),
        lambda found: not found.next_update or found.next_update > login.now,
        lambda found: _gather(login, others, [*known, found], step),
    )


def _decide(login: Login, certificate: x509.Certificate, lists: Lists) -> None:
    named = fields.text(login.values, "name")
    names = [fold_role(named)] if named else list_names(login.records, "certs/")[:MAX_ROLES_TRIED]
    why = "no role"
    for name in names:
        role = load_record(login.records, role_key(name), CertRole)
        if role is None:
            continue
        why = _why_not(certificate, role, lists, now=login.now)
        if not why:
            _grant(login, name, role, certificate)
            return
    raise InvalidInputError(INVALID, detail=why if named else f"of {len(names)} roles none means it")


def _why_not(certificate: x509.Certificate, role: CertRole, lists: Lists, *, now: float) -> str:
    """Return why a role does not mean this certificate; empty if it does."""
    trusted = role.trusted()
    why = why_not(certificate, trusted, role.allowed, now=now, required=role.required_extensions)
    if why:
        return why
    issuer = issuer_of(certificate, trusted, now=now)
    chain = [certificate] if issuer is None else [certificate, issuer]
    return "revoked" if any(each.names(one) for each in lists for one in chain) else ""


def _grant(login: Login, name: str, role: CertRole, certificate: x509.Certificate) -> None:
    said = common_name(certificate)[:255]
    metadata = {
        **told(certificate, role.allowed_metadata_extensions),
        "cert_name": name,
        "common_name": said,
        "serial_number": str(certificate.serial_number),
        "subject_key_id": subject_key_id(certificate),
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


def renew(renewal: Renewal, command: Command) -> Command | Deferred:
    """Return what renews a token, if the certificate that it was given for is shown, and still counts.

    Raises:
        InvalidInputError: another one is shown, or none, or its role means it no more.
    """
    config = load_record(renewal.records, CONFIG_KEY, CertConfig) or CertConfig()
    if config.disable_binding:
        return command
    certificate, said = _read(renewal.certificate, why=NOT_BOUND), renewal.entry.meta
    shown = (subject_key_id(certificate), key_id(certificate, x509.AuthorityKeyIdentifier))
    if shown != (said.get("subject_key_id"), said.get("authority_key_id")):
        raise InvalidInputError(NOT_BOUND)
    role = load_record(renewal.records, renewal.entry.role, CertRole)
    if role is None:
        return command  # which says that the role is gone
    here, elsewhere = _lists(renewal.records)
    check = partial(_still_means, certificate, role, renewal.now, command)
    if not elsewhere:
        return check(here)
    urls = [url for _, url in elsewhere]
    return Deferred(lambda: check([*here, *(fetch_list(url) for url in urls)]), outside=True)


def _still_means(
    certificate: x509.Certificate, role: CertRole, now: float, command: Command, lists: Lists
) -> Command:
    why = _why_not(certificate, role, lists, now=now)
    if why:
        raise InvalidInputError(INVALID, detail=why)
    return command


def _lists(records: Reader) -> tuple[Lists, list[tuple[bytes, str]]]:
    """Return the lists that are stored here, and those that are published elsewhere, with their records."""
    stored = stored_lists(records)
    here = [each.revoked for _, each in stored if each.revoked is not None]
    return here, [(record, each.url) for record, each in stored if each.revoked is None]


def _read(shown: bytes, *, why: str = INVALID) -> x509.Certificate:
    if not shown:
        raise InvalidInputError(why, detail="none was shown, or the listener asks for none")
    try:
        certificate = x509.load_der_x509_certificate(shown)
        _ = certificate.extensions  # read here, so that what cannot be read ends here
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise InvalidInputError(why, detail="not a certificate that can be read") from None
    return certificate
