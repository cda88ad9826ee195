"""Keys are tried at a real S3 service that checks signatures; a hostile one costs a bounded time."""

import ipaddress
import socket
import threading
from contextlib import contextmanager

import boto3
import pytest
from tests.support.https_service import HttpsService
from tests.support.s3_service import S3Account, s3_service

from holdfast.client.errors import (
    RemoteInvalidInputError,
    RemotePermissionDeniedError,
    RemoteTooLargeError,
    RemoteUnavailableError,
)
from holdfast.client.reach import Reach, system_lookup
from holdfast.client.s3 import S3Client, S3Place
from holdfast.client.signature_v4 import AwsKeys
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes


@pytest.fixture(scope="module")
def service():
    with s3_service() as running:
        yield running


def client(
    host,
    port,
    account,
    *,
    region="us-east-1",
    reach=Reach.ANYWHERE,
    deadline_seconds=15.0,
    lookup=system_lookup,
    **place,
):
    keys = AwsKeys(
        access_key=account.access_key, secret_key=SecretBytes(account.secret_key.encode()), region=region
    )
    where = S3Place(host=host, port=port, reach=reach, **{"secure": False, **place})
    return S3Client(where, keys, deadline_seconds=deadline_seconds, lookup=lookup)


def test_good_keys_open_their_bucket(service):
    client(service.host, service.port, service.owner).try_bucket(service.bucket)


def test_good_keys_may_list_all_buckets_or_not(service):
    assert client(service.host, service.port, service.owner).try_keys()
    assert not client(service.host, service.port, service.stranger).try_keys()


def test_a_bucket_in_the_host_name(service):
    asked = []

    def lookup(host, port):
        asked.append(host)
        return [ipaddress.ip_address(service.host)]

    host = "s3.us-east-1.amazonaws.com"
    made = client(host, service.port, service.owner, in_host_name=True, lookup=lookup)
    made.try_bucket(service.bucket)
    assert asked == [f"{service.bucket}.{host}"]


WRONG = {
    "wrong-secret": (lambda s: S3Account(s.owner.access_key, "x" * 40), "backups", "secret_key: it does not"),
    "wrong-key": (lambda s: S3Account("AKIANOPE", s.owner.secret_key), "backups", "access_key: the service"),
    "no-right": (lambda s: s.stranger, "backups", "bucket: the keys may not list it"),
}


@pytest.mark.parametrize("case", WRONG)
def test_keys_that_do_not_fit_are_told_apart(service, case):
    account, bucket, text = WRONG[case]
    with pytest.raises(RemotePermissionDeniedError, match=text):
        client(service.host, service.port, account(service)).try_bucket(bucket)


def test_a_bucket_that_is_not_there(service):
    with pytest.raises(RemoteInvalidInputError, match="bucket: expected one that exists"):
        client(service.host, service.port, service.owner).try_bucket("absent")


def test_keys_without_a_right_to_anything_are_refused_when_they_are_wrong(service):
    with pytest.raises(RemotePermissionDeniedError, match="secret_key"):
        client(service.host, service.port, S3Account(service.owner.access_key, "x")).try_keys()


def test_signatures_are_those_of_amazons_own_library(service):
    """The service checks with botocore; here botocore is the one who asks, and both come to one answer."""
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://{service.endpoint}",
        region_name="us-east-1",
        aws_access_key_id=service.owner.access_key,
        aws_secret_access_key=service.owner.secret_key,
    )
    s3.create_bucket(Bucket="dots.and-dashes")
    client(service.host, service.port, service.owner).try_bucket("dots.and-dashes")


def test_loopback_is_not_reached_at_a_users_word(service):
    for reach in (Reach.PUBLIC, Reach.PRIVATE):
        with pytest.raises(RemoteUnavailableError, match="not to be reached"):
            client(service.host, service.port, service.owner, reach=reach).try_bucket(service.bucket)


@contextmanager
def answering(answer):
    """Serve connections one after another; ``answer`` writes what it likes."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve():
            while not stop.is_set():
                try:
                    link, _ = listener.accept()
                except TimeoutError:
                    continue
                with link:
                    link.settimeout(5)
                    try:
                        link.recv(65536)
                        answer(link, stop)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join(timeout=10)


def drip(link, stop):
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not stop.wait(0.05):
        link.sendall(b"x")


def drip_headers(link, stop):
    link.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not stop.wait(0.05):
        link.sendall(b"x")


def silent(link, stop):
    stop.wait(5)


def huge(link, stop):
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300000)


def redirect(link, stop):
    link.sendall(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


def not_http(link, stop):
    link.sendall(b"SSH-2.0-OpenSSH_9.9\r\n" + b"secret banner\n" * 10)


def another_service(link, stop):
    body = b'{"secret banner": true}'
    link.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def entities(link, stop):
    body = b'<!DOCTYPE x [<!ENTITY a "secret banner">]><Error><Code>&a;</Code></Error>'
    link.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@pytest.mark.parametrize(
    "answer", [drip, drip_headers, silent, redirect, not_http, another_service, entities]
)
def test_a_service_that_is_none_costs_a_bounded_time_and_its_words_are_not_repeated(answer):
    with answering(answer) as port, pytest.raises(RemoteUnavailableError) as caught:
        client("127.0.0.1", port, S3Account("a", "b"), deadline_seconds=0.5).try_bucket("backups")
    assert "banner" not in caught.value.message


def test_an_answer_that_does_not_end_is_not_read_to_its_end():
    with answering(huge) as port, pytest.raises(RemoteTooLargeError):
        client("127.0.0.1", port, S3Account("a", "b")).try_bucket("backups")


LISTING = "/backups?list-type=2&max-keys=0"


def test_over_tls_the_certificate_counts_for_the_name_that_was_asked(tmp_path):
    def answer(path, headers, body):
        seen.append(headers["Host"])
        return 200, b"<ListBucketResult/>"

    seen = []
    with HttpsService(tmp_path) as secure:
        secure.pages[LISTING] = answer
        port = int(secure.url.rpartition(":")[2])
        account = S3Account("a", "b")
        trusted = {"secure": True, "tls": TlsSettings(ca_pem=secure.ca_pem)}
        client("127.0.0.1", port, account, **trusted).try_bucket("backups")
        assert seen == [f"127.0.0.1:{port}"]

        def lookup(host, port):
            return [ipaddress.ip_address("127.0.0.1")]

        for wrong in (
            client("127.0.0.1", port, account, secure=True),  # an authority that is not trusted
            client("s3.example", port, account, lookup=lookup, **trusted),  # another name
        ):
            with pytest.raises(RemoteUnavailableError, match="certificate"):
                wrong.try_bucket("backups")
    assert len(seen) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(service):
    with pytest.raises(RemoteUnavailableError):
        client(service.host, service.port, service.owner, secure=True).try_bucket(service.bucket)
