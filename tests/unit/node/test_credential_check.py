"""Who named an endpoint decides how far a node reaches for it; slow ones take few of the node's threads."""

import ipaddress
import threading

import pytest

from holdfast.client.reach import Reach
from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_check import MAX_AT_ONCE, CredentialCheck, EndpointRules
from holdfast.node.credentials.credential_records import S3Account, SecretPart
from holdfast.node.errors import CredentialRefusedError

RULES = EndpointRules.parse(["https://minio.lan:9000", "http://127.0.0.1:9000", "https://[fd00::1]:443"])
PARTS = {SecretPart.SECRET_KEY: SecretBytes(b"secret")}


def account(endpoint, *, secure=True, by_administrator=False):
    return S3Account(
        access_key="AKIA",
        endpoint=endpoint,
        region="us-east-1",
        disable_ssl=not secure,
        set_by_administrator=by_administrator,
    )


@pytest.mark.parametrize(
    ("endpoint", "secure", "by_administrator", "reach"),
    [
        pytest.param("s3.amazonaws.com", True, False, Reach.PUBLIC, id="user"),
        pytest.param("s3.amazonaws.com:443", True, False, Reach.PUBLIC, id="user-says-the-port"),
        pytest.param("minio.example:9000", True, False, Reach.PUBLIC, id="user-high-port"),
        pytest.param("minio.example:22", True, False, None, id="user-low-port"),
        pytest.param("s3.amazonaws.com", False, False, None, id="user-without-tls"),
        pytest.param("minio.lan:9000", True, False, Reach.ANYWHERE, id="user-listed"),
        pytest.param("MINIO.lan:9000", True, False, Reach.ANYWHERE, id="user-listed-in-other-case"),
        pytest.param("[fd00::1]", True, False, Reach.ANYWHERE, id="user-listed-by-its-usual-port"),
        pytest.param("127.0.0.1:9000", False, False, Reach.ANYWHERE, id="user-listed-without-tls"),
        pytest.param("minio.lan:9000", False, False, None, id="user-listed-with-tls-only"),
        pytest.param("minio.lan:9001", True, False, Reach.PUBLIC, id="user-listed-with-another-port"),
        pytest.param("minio.example:22", True, True, Reach.PRIVATE, id="administrator"),
        pytest.param("minio.example", False, True, Reach.PRIVATE, id="administrator-without-tls"),
        pytest.param("127.0.0.1:9000", True, True, Reach.PRIVATE, id="administrator-is-not-the-operator"),
        pytest.param("127.0.0.1:9000", False, True, Reach.ANYWHERE, id="administrator-listed"),
    ],
)
def test_how_far_a_node_reaches(endpoint, secure, by_administrator, reach):
    named = account(endpoint, secure=secure, by_administrator=by_administrator)
    if reach is None:
        with pytest.raises(CredentialRefusedError, match=r"aws_credential\.(endpoint|disable_ssl): only"):
            RULES.place(named)
    else:
        assert RULES.place(named).reach is reach


def test_a_name_is_judged_by_the_addresses_that_it_has_at_the_time_of_the_call():
    """What was public when the credential was made is not called once its name stands for a neighbour."""
    check = CredentialCheck(
        EndpointRules(), clock=ManualClock(), lookup=lambda host, port: [ipaddress.ip_address("127.0.0.1")]
    )
    with pytest.raises(UnavailableError, match="not to be reached"):
        check.try_out(account("s3.amazonaws.com"), "backups", PARTS)


def test_slow_endpoints_take_few_threads_and_give_them_back():
    under_way, let_go = threading.Semaphore(0), threading.Event()

    def lookup(host, port):
        under_way.release()
        assert let_go.wait(60)
        return []

    check = CredentialCheck(EndpointRules(), clock=ManualClock(), lookup=lookup)
    told = []

    def try_out():
        try:
            check.try_out(account("slow.example"), "backups", PARTS)
        except UnavailableError as error:
            told.append(error.message)

    threads = [threading.Thread(target=try_out) for _ in range(MAX_AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert under_way.acquire(timeout=60)
    with pytest.raises(UnavailableError, match="trying other credentials"):
        check.try_out(account("slow.example"), "backups", PARTS)
    let_go.set()
    for thread in threads:
        thread.join(timeout=60)
    assert len(told) == MAX_AT_ONCE
    with pytest.raises(UnavailableError, match="not to be reached"):
        check.try_out(account("slow.example"), "backups", PARTS)


def test_a_file_of_authorities_that_is_none_shows_at_the_start(tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    with pytest.raises(InvalidInputError, match="--cloud-ca: expected a readable PEM file"):
        EndpointRules.parse([], ca_cert=str(tmp_path / "ca.pem"))
