"""Objects at a real S3 service; one that answers wrongly is noticed, in a bounded time, and not believed."""

import pytest
from tests.support.s3_service import s3_service
from tests.unit.client.test_s3 import answering, drip, huge, not_http, redirect, silent

from holdfast.client import s3_objects
from holdfast.client.errors import (
    RemoteError,
    RemoteInvalidInputError,
    RemotePermissionDeniedError,
    RemoteUnavailableError,
)
from holdfast.client.reach import Reach
from holdfast.client.s3 import S3Place
from holdfast.client.s3_objects import Listed, S3Objects
from holdfast.client.signature_v4 import AwsKeys
from holdfast.model import SecretBytes


@pytest.fixture(scope="module")
def service():
    with s3_service() as running:
        yield running


def objects(host, port, account=None, bucket="backups", **settings):
    access, secret = (account.access_key, account.secret_key) if account else ("a", "b")
    keys = AwsKeys(access_key=access, secret_key=SecretBytes(secret.encode()), region="us-east-1")
    place = S3Place(host=host, port=port, secure=False, reach=Reach.ANYWHERE)
    return S3Objects(place, keys, bucket, sleep=lambda _: None, **settings)


def test_put_get_list_delete(service, monkeypatch):
    monkeypatch.setattr(s3_objects, "LISTED_AT_ONCE", 2)
    made = objects(service.host, service.port, service.owner)
    names = [f"a/b-{number}" for number in range(5)]
    for name in names:
        made.put(name, name.encode())
    made.put("b/other", b"")
    assert list(made.list("a/")) == [Listed(name, 5) for name in names]
    assert (made.get("a/b-3"), made.get("a/none")) == (b"a/b-3", None)
    with pytest.raises(RemoteUnavailableError, match="longer"):
        made.get("a/b-3", max_bytes=4)
    made.delete(["a/none", *names])
    assert [listed.name for listed in made.list("")] == ["b/other"]
    made.close()


def test_refusals_of_the_service(service):
    with pytest.raises(RemotePermissionDeniedError):
        objects(service.host, service.port, service.stranger).put("a", b"")
    with pytest.raises(RemoteInvalidInputError, match="bucket"):
        objects(service.host, service.port, service.owner, bucket="none").put("a", b"")
    with pytest.raises(ValueError, match="characters"):
        objects(service.host, service.port, service.owner).get("a?b")


def said(body, status=b"200 OK"):
    def answer(link, stop):
        link.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return answer


def entry(name):
    return b"<Contents><Key>%s</Key><Size>1</Size></Contents>" % name


def endless(link, stop):
    link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not stop.is_set():
        link.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    "answer",
    [drip, silent, redirect, not_http, endless, said(b"no", b"500 Away")],
    ids=["drip", "silent", "redirect", "not-http", "endless", "away"],
)
def test_a_hostile_service_costs_a_bounded_time(answer):
    with answering(answer) as port:
        made = objects("127.0.0.1", port, deadline_seconds=0.4)
        for act in (lambda: made.get("a"), lambda: list(made.list("a/")), lambda: made.put("a", b"b")):
            with pytest.raises(RemoteError):
                act()
        made.close()


@pytest.mark.parametrize(
    "body",
    [
        entry(b"z/other"),
        entry(b"a/2") + entry(b"a/1"),
        entry(b"a/1") + entry(b"a/1"),
        entry(b"a/<b>"),
        b"<Contents><Key>a/1</Key></Contents>",
        b"<IsTruncated>true</IsTruncated>",
        entry(b"a/1") + b"<IsTruncated>true</IsTruncated>",
    ],
    ids=["foreign", "disorder", "twice", "characters", "no-size", "no-end", "the-same-page-for-ever"],
)
def test_a_listing_that_makes_no_sense_is_refused(body):
    with answering(said(body)) as port:
        made = objects("127.0.0.1", port)
        with pytest.raises(RemoteUnavailableError, match="listing"):
            list(made.list("a/"))
        made.close()


def test_what_cannot_be_removed_is_said():
    answer = said(b"<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>")
    with answering(answer) as port, pytest.raises(RemotePermissionDeniedError):
        objects("127.0.0.1", port).delete(["a"])


def test_a_long_answer_is_not_read_to_its_end():
    with answering(huge) as port:
        assert objects("127.0.0.1", port).get("a", max_bytes=300_000) == b"x" * 300_000
        with pytest.raises(RemoteUnavailableError):
            objects("127.0.0.1", port).get("a", max_bytes=1000)
