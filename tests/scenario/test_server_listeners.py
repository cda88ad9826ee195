"""A store's listeners: plain HTTP, TLS and a Unix socket at once, and certificates that are replaced."""

import http.client
import os
import signal
import socket
import ssl
import stat
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess, make_certificate
from tests.support.store_talk import ENOUGH_FOR_EVERY_WORKER, ask, ask_on, eventually

from holdfast.client import VaultClient

CBC_ONLY = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA"
EVERYTHING = "ALL:@SECLEVEL=0"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("listeners")
    unix = f'listener "unix" {{\n  address = "{directory}/store.sock"\n}}\n'
    with StoreProcess(directory, tls=True, settings=unix) as process:
        process.initialize()
        yield process


def client_context(newest, ciphers):
    """Return a context of a client that is no newer than told, and willing to do anything up to there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS, which is what this is about
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    context.set_ciphers(ciphers)
    return context


def shake_hands(store, context):
    """Return version, cipher and the server's certificate."""
    with (
        socket.create_connection(("127.0.0.1", store.port), timeout=60) as plain,
        context.wrap_socket(plain) as tls,
    ):
        return tls.version(), tls.cipher()[0], tls.getpeercert(binary_form=True)


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="tls-1.3"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "TLSv1.2", id="tls-1.2"),
    ],
)
def test_current_tls_is_spoken_with_authenticated_encryption(store, newest, expected):
    version, cipher, _ = shake_hands(store, client_context(newest, EVERYTHING))
    assert version == expected
    assert "GCM" in cipher or "POLY1305" in cipher


@pytest.mark.parametrize(
    ("newest", "ciphers"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, EVERYTHING, id="tls-1.1"),
        pytest.param(ssl.TLSVersion.TLSv1, EVERYTHING, id="tls-1.0"),
        pytest.param(ssl.TLSVersion.TLSv1_2, CBC_ONLY, id="cbc"),
    ],
)
def test_old_tls_is_refused(store, newest, ciphers):
    assert agrees_with_a_lax_server(store, client_context(newest, ciphers))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(store, client_context(newest, ciphers))


def agrees_with_a_lax_server(store, context):
    """Whether the client could speak this way, if only the server would: a handshake in memory."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        lax.minimum_version = ssl.TLSVersion.TLSv1
    lax.set_ciphers(EVERYTHING)
    lax.load_cert_chain(store.certificate, store.certificate.with_suffix(".key"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server)
    server = lax.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return server.version() is not None and server.cipher() == client.cipher()


def test_plain_http_is_not_understood_where_tls_is_spoken(store):
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask_on(connection, "GET", "/v1/sys/health", headers={})
    connection.close()


def certificates_in_use(store):
    """Return the certificates that the workers give to new connections."""
    context = client_context(ssl.TLSVersion.TLSv1_3, EVERYTHING)
    return {shake_hands(store, context)[2] for _ in range(ENOUGH_FOR_EVERY_WORKER)}


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


def test_a_new_certificate_is_given_to_new_connections_and_a_broken_one_to_nobody(store, tmp_path):
    before = der(store.certificate)
    assert certificates_in_use(store) == {before}
    old = http.client.HTTPSConnection("127.0.0.1", store.port, context=store.context(), timeout=60)
    token = {"X-Vault-Token": store.root_token}
    assert ask_on(old, "GET", "/v1/auth/token/lookup-self", headers=token).status == 200
    old_socket = old.sock

    key_path = store.certificate.with_suffix(".key")
    for new, path in zip(make_certificate(tmp_path, name="new"), (store.certificate, key_path), strict=True):
        new.replace(path)
    after = der(store.certificate)
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: certificates_in_use(store) == {after})
    assert ask_on(old, "GET", "/v1/auth/token/lookup-self", headers=token).status == 200
    assert old.sock is old_socket
    assert old.sock.getpeercert(binary_form=True) == before
    old.close()

    broken = store.certificate.with_name("broken")
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    intact = store.certificate.read_bytes()
    broken.replace(store.certificate)
    try:
        store.process.send_signal(signal.SIGHUP)
        eventually(lambda: store.log().count("reload: TLS files") == 2)
        assert certificates_in_use(store) == {after}
    finally:
        store.certificate.write_bytes(intact)
    assert ask(store, "GET", "/v1/sys/health").status == 200


def test_a_unix_socket_is_for_its_owner_and_serves_the_same_store(store):
    path = store.directory / "store.sock"
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.geteuid()
    near = VaultClient(f"unix://{path}", store.root_token)
    near.request("PUT", "secret/data/near", {"data": {"k": "from the socket"}})
    answer = ask(store, "GET", "/v1/secret/data/near")
    assert answer.json["data"]["data"] == {"k": "from the socket"}
    near.close()


def test_a_unix_socket_goes_with_its_store_and_a_dead_one_is_replaced(tmp_path):
    path = tmp_path / "store.sock"
    unix = f'listener "unix" {{\n  address = "{path}"\n  socket_mode = "0660"\n}}\n'
    store = StoreProcess(tmp_path, settings=unix)
    with store:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        store.kill()
        assert path.exists()
        store.start()
        client = VaultClient(f"unix://{path}")
        assert client.seal_status().initialized is False
        client.close()
    assert not Path(path).exists()
