"""``crls/...``: certificates that count no more, as their authorities publish them (RFC 5280, section 5).

A list is handed in, in PEM or DER form, or is fetched from where it is published; it counts for certificates
of exactly the issuer that it names. A list that was handed in stays in force until it is replaced or removed,
however old: what it names never comes back. One that is fetched is asked for anew as ``provider_keys`` has
it, and while it cannot be had nobody logs in.
"""

import binascii
import hashlib
from base64 import b64decode
from functools import partial
from typing import Any

import msgspec
from cryptography import x509

from holdfast.client.outside import check_url, get_document
from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.auth.method import kept_by_name
from holdfast.store.auth.records import SaveAuthRecord, decode_record, list_names
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer
from holdfast.store.route import Deferred

LISTS = "crls/"
MAX_LISTS = 100
MAX_SERIALS = 50_000
WHAT = "the revocation list"


class RevocationList(msgspec.Struct, array_like=True, frozen=True):
    """Which certificates of one issuer count no more.

    Attributes:
        issuer: SHA-256 of the issuer's name in DER form.
        issuer_name: the same for people.
        serials: numbers in hex.
        this_update: Unix seconds at which it was made.
        next_update: Unix seconds at which a newer one is there; 0 if it does not say.
    """

    issuer: bytes
    issuer_name: str
    serials: frozenset[str]
    this_update: float
    next_update: float = 0.0

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate counts no more."""
        return (
            self.issuer == _name_hash(certificate.issuer) and f"{certificate.serial_number:x}" in self.serials
        )


class StoredList(msgspec.Struct, array_like=True, frozen=True):
    """A list as it is stored. Fields are only ever appended: their order is the record format.

    Attributes:
        revoked: as it was handed in; ``None`` if it is fetched.
        url: where it is published; empty if it was handed in.
    """

    revoked: RevocationList | None = None
    url: str = ""


def stored_lists(records: Reader) -> list[tuple[bytes, StoredList]]:
    """Return all lists of a mount, as they are stored and as they are read."""
    found = [records.get(LISTS + name) for name in list_names(records, LISTS)]
    return [(stored, decode_record(stored, StoredList)) for stored in found if stored is not None]


def fetch_list(url: str) -> RevocationList:
    """Return what is published at ``url``; blocks.

    Raises:
        UnavailableError: nothing that can be used.
    """
    try:
        return parse_list(get_document(url, ca_pem="", headers={"Accept": "*/*"}, what=WHAT))
    except InvalidInputError as error:
        raise UnavailableError(f"{WHAT} cannot be used: {error.message}") from None


def parse_list(content: bytes) -> RevocationList:
    """Read a list in PEM or DER form.

    Raises:
        InvalidInputError: it is none, or too long.
    """
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            crl = x509.load_pem_x509_crl(content)
        else:
            crl = x509.load_der_x509_crl(content)
        if len(crl) > MAX_SERIALS:
            raise InvalidInputError(f"crl: expected at most {MAX_SERIALS} certificates")
        serials = frozenset(f"{revoked.serial_number:x}" for revoked in crl)
        until = crl.next_update_utc
        return RevocationList(
            issuer=_name_hash(crl.issuer),
            issuer_name=crl.issuer.rfc4514_string()[:1024],
            serials=serials,
            this_update=crl.last_update_utc.timestamp(),
            next_update=0.0 if until is None else until.timestamp(),
        )
    except (ValueError, TypeError):
        raise InvalidInputError("crl: expected a revocation list in PEM or DER form") from None


def _name_hash(name: x509.Name) -> bytes:
    return hashlib.sha256(name.public_bytes()).digest()


def _write(visit: AuthVisit) -> Command | Deferred:
    values = visit.values
    given, url = fields.text(values, "crl"), fields.text(values, "url")
    if bool(given) == bool(url):
        raise InvalidInputError("crl: expected either a revocation list, or the url of one")
    key = LISTS + visit.name
    names = list_names(visit.records, LISTS)
    if visit.name not in names and len(names) >= MAX_LISTS:
        raise InvalidInputError(f"crl: expected at most {MAX_LISTS} lists")
    stored = StoredList(url=check_url(url, field="url")) if url else StoredList(parse_list(_content(given)))
    command = visit.change(key, StoredList, lambda _before: stored)
    return Deferred(partial(_tried_out, stored.url, command, visit), outside=True) if url else command


def _content(given: str) -> bytes:
    """Return the bytes of a list: PEM is text, DER comes in base64."""
    if "-----BEGIN" in given:
        return given.encode()
    try:
        return b64decode("".join(given.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("crl: expected a revocation list in PEM form, or DER in base64") from None


def _tried_out(url: str, command: SaveAuthRecord, visit: AuthVisit) -> Command:
    try:
        fetch_list(url)
    except HoldfastError as error:
        visit.warnings.append(f"stored, but nobody can log in yet: {error.message}")
    return command


def _read(visit: AuthVisit) -> Answer:
    stored = visit.require(LISTS + visit.name, StoredList)
    shown: dict[str, Any] = {"serials": {}, "cdp": {"url": stored.url} if stored.url else None}
    if stored.revoked is not None:
        shown |= {
            "serials": {str(int(serial, 16)): {} for serial in sorted(stored.revoked.serials)},
            "issuer": stored.revoked.issuer_name,
            "this_update": int(stored.revoked.this_update),
            "next_update": int(stored.revoked.next_update),
        }
    return Answer(data=encode(shown))


LIST_ROUTES = kept_by_name("crls", read=_read, write=_write)
