"""Holders of certificates log in: of the role's authority, for clients, in time, with an allowed name."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.support.auth import about, enable, read, write

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

    def issue(self, name="web", *, key=None, is_authority=False, days=(-1, 1), unit="", usage=None, sans=()):
        key = key or ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if unit:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def authority(store):
    return Authority(store.clock.now())


@pytest.fixture
def machines(store, authority):
    enable(store, "cert")
    write(store, "cert/certs/web", certificate=authority.pem, token_policies="reader")
    return store


def attempt(store, certificate, **fields):
    """Log in as the listener hands it on: the certificate was verified, and its holder has the key."""
    outcomes = []
    request = StoreRequest(
        id="00000000-0000-0000-0000-000000000001",
        operation=Operation.WRITE,
        path="auth/cert/login",
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


def test_a_certificate_of_the_authority_logs_in(machines, authority):
    import json

    auth = json.loads(attempt(machines, authority.issue("web.example")).auth)
    assert auth["token_type"] == "batch"
    assert auth["policies"] == ["default", "reader"]
    assert auth["metadata"]["common_name"] == "web.example"
    assert auth["metadata"]["cert_name"] == "web"
    assert auth["metadata"]["serial_number"] == "7"
    assert about(machines, auth["client_token"])["display_name"] == "cert-web.example"


def test_without_a_certificate_nobody_does(machines):
    assert not is_let_in(machines, b"")
    assert not is_let_in(machines, b"no certificate")
    answer = machines.vault("POST", "auth/cert/login", {"name": "web"})
    assert (answer.status, answer.errors) == (400, [INVALID])


@pytest.mark.parametrize(
    ("how", "let_in"),
    [
        pytest.param({"days": (-2, -1)}, False, id="expired"),
        pytest.param({"days": (1, 2)}, False, id="not valid yet"),
        pytest.param({"usage": ExtendedKeyUsageOID.SERVER_AUTH}, False, id="for servers"),
        pytest.param({"usage": ExtendedKeyUsageOID.CLIENT_AUTH}, True, id="for clients"),
        pytest.param({"usage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}, True, id="for anything"),
    ],
)
def test_times_and_purposes(machines, authority, how, let_in):
    assert is_let_in(machines, authority.issue(**how)) is let_in


def test_another_authority_of_the_same_name_vouches_for_nobody(machines, authority, store):
    assert not is_let_in(machines, Authority(store.clock.now()).issue("web"))


def test_an_expired_authority_vouches_for_nobody(machines, authority):
    machines.clock.advance(2 * 86_400)
    assert not is_let_in(machines, authority.issue(days=(-3, 9)))


def test_a_certificate_that_a_client_issued_is_not_the_authority_s(machines, authority, store):
    client = Authority(store.clock.now(), "client")
    client.certificate = authority.issue("client", key=client.key)
    assert not is_let_in(machines, client.issue("web"))
    write(machines, "cert/certs/pinned", certificate=client.pem)
    assert is_let_in(machines, client.certificate, name="pinned")
    assert not is_let_in(machines, client.issue("web"), name="pinned")


SANS = [
    x509.DNSName("a.web.example"),
    x509.RFC822Name("ops@example.com"),
    x509.UniformResourceIdentifier("spiffe://example/ns/web"),
]


@pytest.mark.parametrize(
    ("allowed", "let_in"),
    [
        ({"allowed_common_names": "web*"}, True),
        ({"allowed_common_names": "db*"}, False),
        ({"allowed_common_names": "a.web.example"}, False),
        ({"allowed_dns_sans": ["db.example", "*.web.example"]}, True),
        ({"allowed_dns_sans": "*.db.example"}, False),
        ({"allowed_email_sans": "*@example.com"}, True),
        ({"allowed_email_sans": "*@example.org"}, False),
        ({"allowed_uri_sans": "spiffe://example/ns/*"}, True),
        ({"allowed_uri_sans": "spiffe://other/*"}, False),
        ({"allowed_organizational_units": "team-a"}, True),
        ({"allowed_organizational_units": "team-b"}, False),
        ({"allowed_names": "a.web.*"}, True),
        ({"allowed_names": "spiffe://*"}, False),
        ({"allowed_common_names": "web", "allowed_dns_sans": "x"}, False),
    ],
)
def test_names(machines, authority, allowed, let_in):
    write(machines, "cert/certs/web", **allowed)
    assert is_let_in(machines, authority.issue("web", unit="team-a", sans=SANS)) is let_in


def test_a_named_role_is_the_only_one_that_counts(machines, authority, store):
    other = Authority(store.clock.now(), "other")
    write(machines, "cert/certs/other", certificate=other.pem)
    assert is_let_in(machines, other.issue())
    assert is_let_in(machines, other.issue(), name="other")
    assert not is_let_in(machines, other.issue(), name="web")
    assert not is_let_in(machines, other.issue(), name="nobody")


def test_a_role_is_shown_as_it_was_written(machines, authority):
    shown = read(machines, "cert/certs/web")
    assert shown["certificate"].strip() == authority.pem.strip()
    assert shown["token_policies"] == ["reader"]
    assert machines.vault("LIST", "auth/cert/certs", token=machines.root).data == {"keys": ["web"]}
    assert machines.vault("DELETE", "auth/cert/certs/web", token=machines.root).status == 204
    assert not is_let_in(machines, authority.issue())


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({}, "certificate: expected", id="no certificate"),
        pytest.param({"certificate": "x"}, "certificate: expected", id="no PEM"),
        pytest.param(
            {"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            "certificate: expected",
            id="no certificate inside",
        ),
        pytest.param({"ocsp_enabled": True}, "ocsp_enabled: expected nothing", id="ocsp"),
    ],
)
def test_a_role_is_refused(machines, fields, refusal):
    answer = machines.vault("POST", "auth/cert/certs/new", fields, token=machines.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]
