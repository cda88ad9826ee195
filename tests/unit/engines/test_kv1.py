"""KV version 1: the last write wins, byte for byte."""

import pytest

from holdfast.engines import kv1
from holdfast.errors import InvalidInputError, NotFoundError


def test_a_secret_is_read_as_it_was_written(mount):
    payload = b'{ "n": 12345678901234567890.10, "t": "\xc3\xa9" }'
    kv1.write(mount, "team/db", payload)
    assert kv1.read(mount, "team/db") == payload


def test_the_last_write_wins(mount):
    kv1.write(mount, "a", b'{"k":1}')
    kv1.write(mount, "a", b'{"k":2}')
    assert kv1.read(mount, "a") == b'{"k":2}'


def test_a_missing_secret_is_not_found(mount):
    with pytest.raises(NotFoundError):
        kv1.read(mount, "a")


def test_deleting_twice_is_no_failure(mount):
    kv1.write(mount, "a", b'{"k":1}')
    kv1.delete(mount, "a")
    kv1.delete(mount, "a")
    with pytest.raises(NotFoundError):
        kv1.read(mount, "a")


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b"{ \n }", id="empty object with blanks"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"null", id="null"),
    ],
)
def test_a_write_without_fields_is_refused(mount, payload):
    with pytest.raises(InvalidInputError, match=r"^missing data fields$"):
        kv1.write(mount, "a", payload)
    assert not mount.entries


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        pytest.param(b'{"k":"v"}', 99, id="neither: the default"),
        pytest.param(b'{"ttl":"30m"}', 1800, id="ttl as a duration"),
        pytest.param(b'{"ttl":60}', 60, id="ttl in seconds"),
        pytest.param(b'{"lease":"1h"}', 3600, id="the older name"),
        pytest.param(b'{"ttl":"soon","lease":"5s"}', 5, id="ttl is ordinary data"),
        pytest.param(b'{"ttl":{"a":1}}', 99, id="ttl is an object"),
        pytest.param(b'{"ttl":-5}', 99, id="negative"),
        pytest.param(b'{"ttl":null}', 99, id="null"),
        pytest.param(b'{"ttl":true}', 99, id="true is no number"),
    ],
)
def test_a_secret_may_say_how_long_to_cache_it(payload, seconds):
    assert kv1.lease_seconds(payload, default=99) == seconds
