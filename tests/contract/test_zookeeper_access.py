"""Who reaches a real ZooKeeper, and its znodes: TLS both ways, digest and SASL credentials, separate paths.

Every test talks to a ZooKeeper server that enforces what is tested.
"""

import logging
import os
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError
from tests.support.certificates import TestAuthority
from tests.support.ports import free_ports
from tests.support.zookeeper import shared_server, zookeeper

from holdfast.storage import StorageUnavailableError
from holdfast.storage.zookeeper import ZookeeperStorage, read_settings

PASSWORD = "correct-horse-0815"
PATIENCE = "3s"  # where somebody is to be refused, which is told when it is over


@contextmanager
def opened(**options):
    options = {"path": "/access-" + os.urandom(6).hex(), "request_timeout": "30s", **options}
    storage = ZookeeperStorage(read_settings(options))
    try:
        yield storage
    finally:
        storage.close()


def use(storage):
    storage.write(lambda transaction: transaction.put("team/db", b"value"))
    storage.catch_up()
    assert storage.get("team/db") == b"value"
    assert storage.list("team/") == ["db"]


# -- TLS ---------------------------------------------------------------------------------------------------


class TlsServer:
    """A server that wants certificates of one authority, and its clients' options."""

    def __init__(self, directory: Path, port: int, authority: TestAuthority) -> None:
        self.directory = directory
        self.address = f"127.0.0.1:{port}"
        self.authority = authority
        self.ca = authority.write_authority(directory / "ca.pem")
        self.other_authority = TestAuthority("Another CA")

    def options(self, **changes):
        certificate, key = self.authority.issue(self.directory, "store")
        return {
            "address": self.address,
            "unprotected": True,
            "tls_enabled": True,
            "tls_ca_file": self.ca,
            "tls_cert_file": certificate,
            "tls_key_file": key,
            **changes,
        }


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    authority = TestAuthority("ZooKeeper CA")
    certificate, key = authority.issue(directory, "server")
    pair = directory / "server-pair.pem"
    pair.write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
    [port] = free_ports(1)
    server = TlsServer(directory, port, authority)
    settings = f"""
serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
secureClientPort={port}
secureClientPortAddress=127.0.0.1
ssl.keyStore.location={pair}
ssl.keyStore.type=PEM
ssl.trustStore.location={server.ca}
ssl.trustStore.type=PEM
ssl.clientAuth=need
"""
    jvm = ["-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"]
    with zookeeper(directory, settings=settings, jvm=jvm):
        yield server


def test_talks_tls_with_a_certificate_of_its_own(tls_server):
    with opened(**tls_server.options()) as storage:
        use(storage)


def test_large_values_and_long_listings_arrive_whole_over_tls(tls_server):
    value = os.urandom(5 << 20)
    with opened(**tls_server.options()) as storage:
        storage.write(lambda transaction: transaction.put("large", value))
        storage.write(lambda tx: [tx.put(f"many/{number:05d}", b"x" * 90) for number in range(1000)])
    with opened(**tls_server.options(path=storage._root)) as again:
        assert again.get("large") == value
        assert len(again.list("many/", limit=2000)) == 1000


def refusal(**options):
    """Return what the operator is told of a server that cannot be used."""
    options["request_timeout"] = PATIENCE
    with pytest.raises(StorageUnavailableError, match="nothing was changed") as refused, opened(**options):
        pass
    return refused.value.detail


def test_a_server_whose_certificate_another_authority_made_is_refused(tls_server, tmp_path):
    ca = tls_server.other_authority.write_authority(tmp_path / "other.pem")
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(**tls_server.options(tls_ca_file=ca))


def test_the_authorities_of_the_host_count_for_nothing_beside_the_configured_one(
    tls_server, tmp_path, monkeypatch
):
    """Here the authorities of the host would trust the server, and the configured one does not."""
    monkeypatch.setenv("SSL_CERT_FILE", tls_server.ca)
    with opened(**tls_server.options(tls_ca_file="")) as storage:
        use(storage)
    ca = tls_server.other_authority.write_authority(tmp_path / "other.pem")
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(**tls_server.options(tls_ca_file=ca))


def test_a_client_without_a_certificate_is_refused_by_the_server(tls_server):
    refusal(**tls_server.options(tls_cert_file="", tls_key_file=""))


def test_a_client_with_a_certificate_of_another_authority_is_refused_by_the_server(tls_server, tmp_path):
    certificate, key = tls_server.other_authority.issue(tmp_path, "stranger")
    refusal(**tls_server.options(tls_cert_file=certificate, tls_key_file=key))


def test_a_certificate_has_to_name_the_server_unless_that_is_switched_off(tls_server):
    # Another way to write the same address; the certificate does not name it.
    options = tls_server.options(address=tls_server.address.replace("127.0.0.1", "0.0.0.0"))
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(**options)
    with opened(**options, tls_verify_hostname=False) as storage:
        use(storage)


def test_a_client_in_clear_gets_nowhere_at_a_tls_port(tls_server):
    refusal(address=tls_server.address, unprotected=True)


# -- digest ------------------------------------------------------------------------------------------------


def test_znodes_belong_to_digest_credentials():
    with opened(address=shared_server(), auth_info=f"digest:store:{PASSWORD}") as storage:
        use(storage)
        assert_closed_to_others(storage._root, shared_server())
        with pytest.raises(StorageUnavailableError, match="refuses our credentials"):
            ZookeeperStorage(
                read_settings(
                    {
                        "address": shared_server(),
                        "path": storage._root,
                        "auth_info": "digest:store:wrong",
                        "request_timeout": "30s",
                    }
                )
            )


def assert_closed_to_others(path, address):
    """Nobody without the credentials reads, changes, adds or removes any znode of the store."""
    stranger = KazooClient(address)
    stranger.start(timeout=60)
    try:
        refused = 0
        for znode in (f"{path}/head", f"{path}/data/+team/=db", f"{path}/changes", f"{path}/parts"):
            assert stranger.exists(znode)
            for attempt in (
                lambda znode=znode: stranger.get(znode),
                lambda znode=znode: stranger.set(znode, b"mine"),
                lambda znode=znode: stranger.get_children(znode),
                lambda znode=znode: stranger.create(f"{znode}/x", b""),
                lambda znode=znode: stranger.delete(znode),
            ):
                with pytest.raises(NoAuthError):
                    attempt()
                refused += 1
        assert refused == 20
    finally:
        stranger.stop()
        stranger.close()


def test_credentials_reach_no_log(caplog):
    caplog.set_level(1)
    logging.getLogger("kazoo").setLevel(1)
    with opened(address=shared_server(), auth_info=f"digest:store:{PASSWORD}") as storage:
        use(storage)
    assert PASSWORD not in caplog.text
    # A thread of another test may still ask for something over HTTP; that is not what this is about.
    said = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    assert "value" not in "".join(said)


def test_stores_with_different_paths_do_not_see_each_other():
    with (
        opened(address=shared_server(), unprotected=True) as one,
        opened(address=shared_server(), unprotected=True) as other,
        opened(address=shared_server(), unprotected=True, path=f"{one._root}/deeper/still") as below,
    ):
        for number, storage in enumerate((one, other, below)):
            storage.write(lambda transaction, number=number: transaction.put("k", b"%d" % number))
        for number, storage in enumerate((one, other, below)):
            storage.catch_up()
            assert storage.get("k") == b"%d" % number
            assert storage.list("") == ["k"]


# -- SASL --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sasl_server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sasl")
    jaas = directory / "jaas.conf"
    jaas.write_text(
        "Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n"
        f'  user_store="{PASSWORD}"\n  user_other="other-password";\n}};\n'
    )
    settings = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"
    with zookeeper(directory, settings=settings, jvm=[f"-Djava.security.auth.login.config={jaas}"]) as server:
        yield server


def sasl_options(server, tmp_path, user="store", password=PASSWORD):
    file = tmp_path / f"{user}-password"
    file.write_text(password + "\n")
    return {"address": server.address, "sasl_user": user, "sasl_password_file": str(file)}


def test_znodes_belong_to_a_sasl_user(sasl_server, tmp_path):
    with opened(**sasl_options(sasl_server, tmp_path)) as storage:
        use(storage)
        assert_closed_to_others(storage._root, sasl_server.address)
        other = sasl_options(sasl_server, tmp_path, "other", "other-password")
        with (
            pytest.raises(StorageUnavailableError, match="refuses our credentials"),
            opened(**other, path=storage._root),
        ):
            pass


def test_a_wrong_sasl_password_is_said_to_be_wrong(sasl_server, tmp_path):
    with (
        pytest.raises(StorageUnavailableError, match="refuses our credentials"),
        opened(**sasl_options(sasl_server, tmp_path, password="wrong"), request_timeout=PATIENCE),
    ):
        pass


def test_a_sasl_session_survives_a_server_that_dies(sasl_server, tmp_path):
    """While a server dies, the handshake ends as if the password were wrong; that is not the end of it."""
    settings = read_settings(
        {**sasl_options(sasl_server, tmp_path), "path": "/access-dies", "request_timeout": PATIENCE}
    )
    with closing(eventually(lambda: ZookeeperStorage(settings))) as storage:
        eventually(lambda: use(storage))
        for _ in range(2):
            sasl_server.members[0].kill()
            with pytest.raises(StorageUnavailableError):
                storage.catch_up()
            sasl_server.members[0].start()
            sasl_server.wait_until_serving()
            eventually(storage.catch_up)
            eventually(lambda: use(storage))


def eventually(ask):
    """Ask until it has found its way back by itself."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except StorageUnavailableError:
            assert time.monotonic() < deadline, "it did not recover"
            time.sleep(0.05)
