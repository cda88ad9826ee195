"""Holders of certificates log in: of the role's authority, for clients, in time, with an allowed name."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.auth import about, enable, read, write
from tests.support.client_certificates import Authority, attempt, is_let_in

from holdfast.store.auth.cert.login import INVALID


@pytest.fixture
def authority(store):
    return Authority(store.clock.now())


@pytest.fixture
def machines(store, authority):
    enable(store, "cert")
    write(store, "cert/certs/web", certificate=authority.pem, token_policies="reader")
    return store


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
        pytest.param({"ocsp_enabled": True}, "ocsp_enabled: expected false", id="ocsp"),
        pytest.param({"required_extensions": "x:y"}, "required_extensions: expected", id="no identifier"),
        pytest.param({"required_extensions": "1.2.3"}, "required_extensions: expected", id="no value"),
        pytest.param({"allowed_metadata_extensions": "x"}, "allowed_metadata_ext", id="nothing to tell"),
    ],
)
def test_a_role_is_refused(machines, fields, refusal):
    answer = machines.vault("POST", "auth/cert/certs/new", fields, token=machines.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]
