"""TLS as clients see it: versions, ciphers, client certificates, a new certificate without a restart."""

import shutil
import socket
import ssl
from pathlib import Path

import pytest
from tests.support.certificates import TestAuthority
from tests.support.http_wire import get, statuses

from holdfast.http.tls import TlsConfigurationError, TlsIdentity, TlsSettings


@pytest.fixture
def files(authority, tmp_path):
    certificate, key = authority.issue(tmp_path, "server")
    return {"certificate_file": certificate, "key_file": key}


@pytest.fixture
def client_context(authority, tmp_path):
    context = ssl.create_default_context(cafile=authority.write_authority(tmp_path / "ca.pem"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def shake_hands(port, context):
    """Connect, ask once, and return the connection's facts."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as sock,
    ):
        sock.sendall(get())
        answer = sock.recv(65_536)
        if not answer:
            raise ConnectionResetError
        assert statuses(answer) == [200]
        return sock.version(), sock.cipher()[0], sock.getpeercert(binary_form=True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_served_with_authenticated_encryption(serve, files, client_context, version):
    client_context.maximum_version = client_context.minimum_version = version
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(TlsSettings(**files))))
        negotiated, cipher, _ = shake_hands(port, client_context)
    assert negotiated == version.name.replace("_", ".")
    assert "GCM" in cipher or "CHACHA20" in cipher


@pytest.mark.parametrize(
    ("maximum", "ciphers"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, "DEFAULT@SECLEVEL=0", id="tls-1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384", id="cbc"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384", id="no-forward-secrecy"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_weak_client_is_turned_away(serve, files, client_context, maximum, ciphers):
    client_context.minimum_version = min(maximum, ssl.TLSVersion.TLSv1_2)
    client_context.maximum_version = maximum
    client_context.set_ciphers(ciphers)
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(TlsSettings(**files))))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands(port, client_context)


def test_a_minimum_of_1_3_turns_1_2_away(serve, files, client_context):
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    identity = TlsIdentity(TlsSettings(**files, minimum_version="1.3"))
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=identity))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands(port, client_context)


def test_no_client_certificate_is_asked_for_without_a_client_ca(serve, files, client_context, tmp_path):
    client_context.load_cert_chain(*TestAuthority("Stranger").issue(tmp_path, "client"))
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(TlsSettings(**files))))
        shake_hands(port, client_context)
    assert [certificate for _, certificate in running.seen] == [None]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_verified_client_certificate_reaches_the_handler(
    serve, files, client_context, authority, tmp_path, version
):
    client_context.maximum_version = version
    settings = TlsSettings(**files, client_ca_file=authority.write_authority(tmp_path / "ca.pem"))
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(settings)))
        shake_hands(port, client_context)
        certificate_file, key_file = authority.issue(tmp_path, "client")
        client_context.load_cert_chain(certificate_file, key_file)
        shake_hands(port, client_context)
    expected = ssl.PEM_cert_to_DER_cert(Path(certificate_file).read_text())
    assert [certificate for _, certificate in running.seen] == [None, expected]


@pytest.mark.parametrize("who", ["nobody", "a-stranger"])
def test_a_required_client_certificate_must_be_there_and_ours(
    serve, files, client_context, authority, tmp_path, who
):
    settings = TlsSettings(
        **files,
        client_ca_file=authority.write_authority(tmp_path / "ca.pem"),
        require_client_certificate=True,
    )
    if who == "a-stranger":
        client_context.load_cert_chain(*TestAuthority("Stranger").issue(tmp_path, "client"))
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(settings)))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands(port, client_context)
    assert running.seen == []


def test_a_reload_gives_new_handshakes_the_new_certificate_and_keeps_old_connections(
    serve, files, client_context, authority, tmp_path
):
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(TlsSettings(**files))))
        _, _, before = shake_hands(port, client_context)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
            client_context.wrap_socket(raw, server_hostname="localhost") as old,
        ):
            renew(authority, tmp_path, files)
            running.server.reload_certificates()
            _, _, after = shake_hands(port, client_context)
            old.sendall(get())
            assert statuses(old.recv(65_536)) == [200]
    assert before != after


def renew(authority, tmp_path, files):
    directory = tmp_path / "renewed"
    directory.mkdir()
    certificate, key = authority.issue(directory, "server")
    shutil.copy(certificate, files["certificate_file"])
    shutil.copy(key, files["key_file"])


def test_a_reload_that_fails_changes_nothing(serve, files, client_context, authority, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    _, other_key = authority.issue(other, "server")
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, tls=TlsIdentity(TlsSettings(**files))))
        _, _, before = shake_hands(port, client_context)
        shutil.copy(other_key, files["key_file"])
        with pytest.raises(TlsConfigurationError, match="does not belong"):
            running.server.reload_certificates()
        assert shake_hands(port, client_context)[2] == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            {"certificate_file": "/nowhere.pem"}, "certificate file /nowhere.pem: No such", id="missing"
        ),
        pytest.param({"key_file": "/"}, "key file /: Is a directory", id="a-directory"),
        pytest.param({"key_file": "junk"}, "expected a PEM certificate and its PEM key", id="junk-key"),
        pytest.param({"certificate_file": "junk"}, "expected a PEM certificate", id="junk-certificate"),
        pytest.param({"key_file": "encrypted"}, "not encrypted", id="encrypted-key-does-not-ask"),
        pytest.param({"client_ca_file": "junk"}, "client CA .*expected PEM", id="junk-client-ca"),
        pytest.param({"require_client_certificate": True}, "no client CA", id="required-without-a-ca"),
        pytest.param({"minimum_version": "1.1"}, "expected 1.2 or 1.3", id="old-minimum"),
    ],
)
def test_unusable_files_are_named_with_the_reason(files, authority, tmp_path, change, complaint):
    (tmp_path / "junk").write_text("-----BEGIN NOTHING-----\n")
    _, encrypted = authority.issue(tmp_path, "encrypted", passphrase=b"secret")
    places = {"junk": str(tmp_path / "junk"), "encrypted": encrypted}
    settings = {**files, **{name: places.get(value, value) for name, value in change.items()}}
    with pytest.raises(TlsConfigurationError, match=complaint):
        TlsIdentity(TlsSettings(**settings))
