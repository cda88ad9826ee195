"""Client certificates around the time of a store's clock, and logins with them."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import JsonObject, encode
from holdfast.store.auth.cert.login import INVALID
from holdfast.store.request import Operation, StoreRequest


class Authority:
    """Issues certificates around the time of a store's clock."""

    def __init__(self, now, name="CA"):
        self.now = datetime.fromtimestamp(now, UTC)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self.issue(name, key=self.key, is_authority=True)

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name="web",
        *,
        key=None,
        is_authority=False,
        days=(-1, 1),
        unit="",
        usage=None,
        sans=(),
        serial=7,
        names_key=True,
        extensions=(),
    ):
        key = key or ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if unit:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names_key:
            named = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(named, critical=False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        for oid, value in extensions:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
            builder = builder.add_extension(unknown, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def revocation_list(self, *serials, days=1):
        """Return a list that says that these count no more."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(self.now)
            .next_update(self.now + timedelta(days=days))
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.now).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self.key, hashes.SHA256())


def attempt(store, certificate, *, path="auth/cert/login", bearer="", **fields):
    """Log in, or write something else, as the listener hands it on: its holder has the key."""
    outcomes = []
    request = StoreRequest(
        id="00000000-0000-0000-0000-000000000001",
        operation=Operation.WRITE,
        path=path,
        token=bearer,
        body=JsonObject(fields, encode(fields)),
        certificate=certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER),
    )
    store.local.store.serve(request, outcomes.append)
    (outcome,) = outcomes
    return outcome


def is_let_in(store, certificate, **fields):
    outcome = attempt(store, certificate, **fields)
    if isinstance(outcome, HoldfastError):
        assert outcome.message == INVALID
        return False
    return True
