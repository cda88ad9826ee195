"""Certificates that count no more, extensions that a role asks for, and who may renew what a login gave."""

import json
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.auth import enable, read, write
from tests.support.client_certificates import Authority, attempt, is_let_in

from holdfast.errors import HoldfastError
from holdfast.store.auth.cert.login import INVALID, NOT_BOUND
from holdfast.store.auth.provider_keys import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS


@pytest.fixture
def authority(store):
    return Authority(store.clock.now())


@pytest.fixture
def machines(store, authority):
    enable(store, "cert")
    write(store, "cert/certs/web", certificate=authority.pem, token_type="service", token_ttl="1h")
    return store


def pem(revoked):
    return revoked.public_bytes(Encoding.PEM).decode()


def der(revoked):
    return b64encode(revoked.public_bytes(Encoding.DER)).decode()


@pytest.mark.parametrize("form", [pem, der])
def test_a_revoked_certificate_logs_nobody_in(machines, authority, form):
    good, bad = authority.issue(serial=8), authority.issue(serial=2**150 + 9)
    assert is_let_in(machines, bad)
    write(machines, "cert/crls/ca", crl=form(authority.revocation_list(2**150 + 9)))
    assert is_let_in(machines, good)
    assert not is_let_in(machines, bad)
    assert not is_let_in(machines, bad, name="web")
    assert machines.vault("DELETE", "auth/cert/crls/ca", token=machines.root).status == 204
    assert is_let_in(machines, bad)


def test_a_newer_list_replaces_the_older(machines, authority):
    write(machines, "cert/crls/ca", crl=pem(authority.revocation_list(8)))
    write(machines, "cert/crls/ca", crl=pem(authority.revocation_list(9)))
    assert is_let_in(machines, authority.issue(serial=8))
    assert not is_let_in(machines, authority.issue(serial=9))


def test_several_lists_count_together_and_an_old_one_still(machines, authority):
    write(machines, "cert/crls/one", crl=pem(authority.revocation_list(8)))
    write(machines, "cert/crls/two", crl=pem(authority.revocation_list(9)))
    machines.clock.advance(12 * 3600)
    assert [is_let_in(machines, authority.issue(serial=number)) for number in (8, 9, 10)] == [
        False,
        False,
        True,
    ]


def test_a_list_of_another_issuer_says_nothing_of_the_same_number(machines, authority, store):
    other = Authority(store.clock.now(), "other")
    write(machines, "cert/crls/other", crl=pem(other.revocation_list(8)))
    assert is_let_in(machines, authority.issue(serial=8))


def test_an_authority_that_was_revoked_vouches_for_nobody(machines, authority, store):
    root = Authority(store.clock.now(), "root")
    middle = Authority(store.clock.now(), "middle")
    middle.certificate = root.issue("middle", key=middle.key, is_authority=True, serial=77)
    write(machines, "cert/certs/middle", certificate=middle.pem)
    client = middle.issue(serial=5)
    assert is_let_in(machines, client, name="middle")
    write(machines, "cert/crls/root", crl=pem(root.revocation_list(77)))
    assert not is_let_in(machines, client, name="middle")


def test_a_certificate_that_a_role_names_itself_can_be_revoked(machines, authority):
    pinned = authority.issue("pinned", serial=5)
    write(machines, "cert/certs/pinned", certificate=pinned.public_bytes(Encoding.PEM).decode())
    assert is_let_in(machines, pinned, name="pinned")
    write(machines, "cert/crls/ca", crl=pem(authority.revocation_list(5)))
    assert not is_let_in(machines, pinned, name="pinned")


def test_lists_are_shown_and_listed(machines, authority):
    assert machines.vault("LIST", "auth/cert/crls", token=machines.root).status == 404
    write(machines, "cert/crls/CA", crl=pem(authority.revocation_list(8, 2**100)))
    shown = read(machines, "cert/crls/ca")
    assert set(shown["serials"]) == {"8", str(2**100)}
    assert shown["issuer"] == "CN=CA"
    assert shown["next_update"] - shown["this_update"] == 86_400
    assert machines.vault("LIST", "auth/cert/crls", token=machines.root).data == {"keys": ["ca"]}


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({}, "crl: expected either", id="nothing"),
        pytest.param({"crl": "x", "url": "https://a"}, "crl: expected either", id="both"),
        pytest.param({"crl": "no base64!"}, "crl: expected a revocation list", id="no base64"),
        pytest.param({"crl": "AAAA"}, "crl: expected a revocation list", id="no list"),
        pytest.param({"crl": "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----"}, "crl: exp", id="PEM"),
        pytest.param({"url": "http://ca.example/crl"}, "plain http", id="plain http"),
        pytest.param({"url": "ldap://ca.example/crl"}, "url: expected", id="another protocol"),
        pytest.param({"url": "file:///etc/passwd"}, "url: expected", id="a file"),
    ],
)
def test_what_is_no_list_is_refused(machines, fields, refusal):
    answer = machines.vault("POST", "auth/cert/crls/ca", fields, token=machines.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]


def test_no_list_is_fetched_that_only_a_certificate_names(machines, authority):
    """A distribution point inside a certificate is an address that its holder's authority chose, not ours."""
    assert is_let_in(machines, authority.issue(extensions=[("2.5.29.31", bytes.fromhex("3000"))]))


# -- lists that are published ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked += 1
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.content)

        def log_message(*_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status, server.content = 0, 200, b""
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


@pytest.fixture
def published(machines, authority, service):
    service.asked, service.status = 0, 200
    service.content = authority.revocation_list(8, days=2).public_bytes(Encoding.DER)
    url = f"http://127.0.0.1:{service.server_address[1]}/{id(machines)}"
    assert write(machines, "cert/crls/ca", url=url).status == 204
    assert read(machines, "cert/crls/ca")["cdp"] == {"url": url}
    return machines


def test_a_published_list_counts_and_is_asked_for_once(published, authority, service):
    for _ in range(5):
        assert is_let_in(published, authority.issue(serial=7))
        assert not is_let_in(published, authority.issue(serial=8))
    assert service.asked == 2  # when it was named, and at the first login


def test_a_newer_published_list_counts_soon(published, authority, service):
    assert is_let_in(published, authority.issue(serial=9))
    service.content = authority.revocation_list(9, days=2).public_bytes(Encoding.PEM)
    published.clock.advance(FRESH_SECONDS)
    is_let_in(published, authority.issue(serial=9))  # the one that has it asked for
    assert not is_let_in(published, authority.issue(serial=9))


def test_while_a_published_list_cannot_be_had_nobody_logs_in(published, authority, service):
    assert is_let_in(published, authority.issue())
    service.status = 500
    published.clock.advance(STALE_SECONDS - 1)
    assert is_let_in(published, authority.issue())
    published.clock.advance(PAUSE_SECONDS)
    outcome = attempt(published, authority.issue())
    assert isinstance(outcome, HoldfastError)
    assert "the revocation list cannot be asked" in outcome.message


def test_what_is_published_and_no_list_lets_nobody_in(machines, authority, service):
    service.content, service.status = b"<html>", 200
    url = f"http://127.0.0.1:{service.server_address[1]}/html"
    answer = write(machines, "cert/crls/ca", url=url)
    assert "nobody can log in yet" in answer.json["warnings"][0]
    assert isinstance(attempt(machines, authority.issue()), HoldfastError)


# -- extensions --------------------------------------------------------------------------------------------

UTF8 = ("1.2.3.4.5", b"\x0c\x08team-red")
IA5 = ("1.2.3.4.6", b"\x16\x03ops")
BINARY = ("1.2.3.4.7", bytes.fromhex("0403010203"))
LONG = ("1.2.3.4.8", b"\x0c\x81\x90" + b"x" * 0x90)
WRONG = ("1.2.3.4.9", b"\x0c\x09short")


@pytest.mark.parametrize(
    ("required", "let_in"),
    [
        ("1.2.3.4.5:team-red", True),
        ("1.2.3.4.5:team-*", True),
        ("1.2.3.4.5:team-blue", False),
        ("1.2.3.4.5:team", False),
        (["1.2.3.4.5:team-*", "1.2.3.4.6:ops"], True),
        (["1.2.3.4.5:team-*", "1.2.3.4.6:dev"], False),
        ("1.2.3.4.99:*", False),
        ("1.2.3.4.7:*", False),
        ("hex:1.2.3.4.7:0403010203", True),
        ("hex:1.2.3.4.7:04030102*", True),
        ("hex:1.2.3.4.7:0403FF*", False),
        ("1.2.3.4.8:xxx*", True),
        ("1.2.3.4.9:*", False),
    ],
)
def test_a_role_may_ask_for_extensions(machines, authority, required, let_in):
    write(machines, "cert/certs/web", required_extensions=required)
    certificate = authority.issue(extensions=[UTF8, IA5, BINARY, LONG, WRONG])
    assert is_let_in(machines, certificate) is let_in
    assert not is_let_in(machines, authority.issue())


def test_extensions_may_be_told_in_the_token(machines, authority):
    oids = ["1.2.3.4.5", "1.2.3.4.7", "1.2.3.4.99"]
    write(machines, "cert/certs/web", allowed_metadata_extensions=oids)
    metadata = json.loads(attempt(machines, authority.issue(extensions=[UTF8, BINARY])).auth)["metadata"]
    assert metadata["1-2-3-4-5"] == "team-red"
    assert {name for name in metadata if name[0].isdigit()} == {"1-2-3-4-5"}
    assert read(machines, "cert/certs/web")["allowed_metadata_extensions"] == oids


@pytest.mark.parametrize("oid", ["2.5.29.17", "2.5.29.15", "2.5.29.37", "2.5.29.35"])
def test_a_certificate_with_a_broken_extension_is_refused_and_no_defect(machines, authority, oid):
    assert not is_let_in(machines, authority.issue(names_key=False, extensions=[(oid, b"\x30\x05ab")]))


# -- renewing ----------------------------------------------------------------------------------------------


@pytest.fixture
def web(machines, authority):
    """A certificate, and the token that its holder got."""
    certificate = authority.issue("web")
    return certificate, json.loads(attempt(machines, certificate).auth)


def renewal(store, certificate, bearer, path="auth/token/renew-self", **fields):
    outcome = attempt(store, certificate, path=path, bearer=bearer, **fields)
    return outcome.message if isinstance(outcome, HoldfastError) else ""


def test_whoever_shows_the_same_certificate_renews(machines, web):
    certificate, auth = web
    assert renewal(machines, certificate, auth["client_token"]) == ""


def test_a_newer_certificate_of_the_same_key_renews(machines, authority, web):
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    old, new = (authority.issue("web", key=key, serial=number) for number in (1, 2))
    auth = json.loads(attempt(machines, old).auth)
    assert renewal(machines, new, auth["client_token"]) == ""


def test_a_stolen_token_is_not_renewed_without_the_key(machines, authority, web):
    _, auth = web
    for certificate in (b"", b"no certificate", authority.issue("web")):
        assert renewal(machines, certificate, auth["client_token"]) == NOT_BOUND
    for path, fields in (
        ("auth/token/renew", {"token": auth["client_token"]}),
        ("auth/token/renew-accessor", {"accessor": auth["accessor"]}),
    ):
        assert renewal(machines, b"", machines.root, path, **fields) == NOT_BOUND
        assert renewal(machines, web[0], machines.root, path, **fields) == ""


def test_a_lease_is_renewed_by_whoever_shows_the_certificate_alone(machines, web):
    certificate, _ = web
    listed = machines.vault("LIST", "sys/leases/lookup/auth/cert/login", token=machines.root).data["keys"]
    lease = f"auth/cert/login/{listed[0]}"
    for path in ("sys/leases/renew", "sys/renew"):
        assert renewal(machines, b"", machines.root, path, lease_id=lease) == NOT_BOUND
        assert renewal(machines, certificate, machines.root, path, lease_id=lease) == ""


def test_keys_that_no_certificate_names_are_told_apart(machines, authority):
    first, second = (authority.issue("web", names_key=False) for _ in range(2))
    auth = json.loads(attempt(machines, first).auth)
    assert renewal(machines, second, auth["client_token"]) == NOT_BOUND
    assert renewal(machines, first, auth["client_token"]) == ""


def test_what_was_revoked_since_is_not_renewed(machines, authority, web):
    certificate, auth = web
    write(machines, "cert/crls/ca", crl=pem(authority.revocation_list(certificate.serial_number)))
    assert renewal(machines, certificate, auth["client_token"]) == INVALID


def test_what_the_role_means_no_more_is_not_renewed(machines, web):
    certificate, auth = web
    write(machines, "cert/certs/web", allowed_common_names="db")
    assert renewal(machines, certificate, auth["client_token"]) == INVALID
    machines.vault("DELETE", "auth/cert/certs/web", token=machines.root)
    assert "not renewable" in renewal(machines, certificate, auth["client_token"])


def test_the_binding_can_be_switched_off(machines, web):
    assert read(machines, "cert/config") == {
        "disable_binding": False,
        "enable_identity_alias_metadata": False,
        "ocsp_cache_size": 100,
    }
    write(machines, "cert/config", disable_binding=True)
    assert renewal(machines, b"", web[1]["client_token"]) == ""
    write(machines, "cert/config", disable_binding=False)
    assert renewal(machines, b"", web[1]["client_token"]) == NOT_BOUND


def test_tokens_of_other_methods_need_no_certificate(machines):
    enable(machines, "userpass")
    write(machines, "userpass/users/ann", password="correct-horse-7f3a")
    answer = machines.vault("POST", "auth/userpass/login/ann", {"password": "correct-horse-7f3a"})
    token = answer.auth["client_token"]
    assert machines.vault("POST", "auth/token/renew-self", {}, token=token).status == 200
