"""What the two lines of a request show, and what they never show in clear."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink

from holdfast.audit import AuditBroker, AuditDevice, AuditTarget, ValueHasher

NOW = 1_767_323_045.25
SALT = b"6f3b0d5e-0c3b-4d4b-9a43-2d1f0f6a1c77"
HASHER = ValueHasher(SALT)
CANARY = "canary-7f1d"
READ = AuditTarget("read", "secret/data/team/db", mount_point="secret/", mount_type="kv")


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def broker(sink):
    return AuditBroker([AuditDevice("file", SALT, sink)])


def begin(broker, *, target=READ, auth=None, **facts):
    auth = auth or broker.auth(
        client_token="hvs." + CANARY,
        accessor="accessor-" + CANARY,
        display_name="token",
        policies=["default", "team"],
        token_type="service",
    )
    return broker.entry(b"request-1", auth, target, **{"peer": "192.0.2.7:40100", "allowed": True, **facts})


def lines_of(broker, sink):
    """Return what the lines say; their places in the chain are another test's business."""
    broker.flush()
    lines = [json.loads(line) for line in sink.lines]
    for line in lines:
        del line["chain"]
    return lines


def test_a_read_leaves_two_lines(broker, sink):
    entry = begin(broker)
    broker.request(entry, NOW)
    broker.response(entry, NOW + 0.5, data=b'{"password":"%b"}' % CANARY.encode(), metadata=b'{"version":3}')
    auth = {
        "client_token": HASHER.text("hvs." + CANARY),
        "accessor": HASHER.text("accessor-" + CANARY),
        "display_name": "token",
        "policies": ["default", "team"],
        "token_type": "service",
        "policy_results": {"allowed": True},
    }
    request = {
        "id": "request-1",
        "operation": "read",
        "mount_point": "secret/",
        "mount_type": "kv",
        "namespace": {"id": "root"},
        "path": "secret/data/team/db",
        "client_token": HASHER.text("hvs." + CANARY),
        "client_token_accessor": HASHER.text("accessor-" + CANARY),
        "remote_address": "192.0.2.7",
        "remote_port": 40100,
    }
    data = {"data": {"password": HASHER.text(CANARY)}, "metadata": {"version": 3}}
    assert lines_of(broker, sink) == [
        {"time": "2026-01-02T03:04:05.250000000Z", "type": "request", "auth": auth, "request": request},
        {
            "time": "2026-01-02T03:04:05.750000000Z",
            "type": "response",
            "auth": auth,
            "request": request,
            "response": {"data": data},
        },
    ]


def test_a_write_shows_the_names_and_hashes_of_its_data(broker, sink):
    entry = begin(
        broker, target=AuditTarget("update", "secret/data/a", mount_point="secret/", mount_type="kv")
    )
    broker.request(entry, NOW, data=b'{"data":{"user":"%b","n":5},"options":{"cas":1}}' % CANARY.encode())
    broker.response(entry, NOW)
    request, response = lines_of(broker, sink)
    assert request["request"]["data"] == {
        "data": {"user": HASHER.text(CANARY), "n": 5},
        "options": {"cas": 1},
    }
    assert response["response"] == {}


def test_a_refusal_says_why_to_the_operator(broker, sink):
    entry = begin(broker, allowed=False, reason='no rule for "secret/data/*"')
    broker.request(entry, NOW, error="permission denied")
    broker.response(entry, NOW, error="permission denied")
    for line in lines_of(broker, sink):
        assert line["error"] == "permission denied"
        assert line["auth"]["policy_results"] == {"allowed": False, "reason": 'no rule for "secret/data/*"'}


def test_an_undecided_request_counts_as_not_allowed(broker, sink):
    broker.request(broker.entry(b"r", broker.auth(client_token="x"), READ), NOW)
    assert lines_of(broker, sink)[0]["auth"]["policy_results"] == {"allowed": False}


def test_nobody_leaves_no_hash_of_nothing(broker, sink):
    broker.request(broker.entry(b"r", broker.auth(client_token=""), READ, peer=""), NOW)
    (line,) = lines_of(broker, sink)
    assert line["auth"] == {"policy_results": {"allowed": False}}
    assert not {"client_token", "remote_address"} & set(line["request"])


def test_a_token_that_is_handed_out_is_hashed(broker, sink):
    entry = begin(broker)
    issued = broker.auth(client_token=CANARY, accessor=CANARY + "-a", policies=["default"], token_ttl=3600)
    broker.response(entry, NOW, auth=issued)
    broker.response(entry, NOW, auth=issued, data=b'{"k":1}')
    for line in lines_of(broker, sink):
        assert line["response"]["auth"] == {
            "client_token": HASHER.text(CANARY),
            "accessor": HASHER.text(CANARY + "-a"),
            "policies": ["default"],
            "token_ttl": 3600,
        }
    assert line["response"]["data"] == {"k": 1}


def test_a_deleted_version_has_metadata_and_no_data(broker, sink):
    broker.response(begin(broker), NOW, data=None, metadata=b'{"destroyed":true}')
    assert lines_of(broker, sink)[0]["response"] == {"data": {"data": None, "metadata": {"destroyed": True}}}


def test_no_canary_is_ever_in_clear(broker, sink):
    secret = json.dumps({"a": CANARY, "b": [CANARY, {"c": CANARY}], "d": {"e": {"f": CANARY}}}).encode()
    entry = begin(broker)
    broker.request(entry, NOW, data=secret)
    broker.response(entry, NOW, data=secret, auth=broker.auth(client_token=CANARY, accessor=CANARY))
    broker.response(entry, NOW, data=secret, metadata=b'{"version":1}')
    broker.flush()
    assert len(sink.lines) == 3
    assert CANARY.encode() not in b"".join(sink.writes)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('quote"and\\slash', id="quote"),
        pytest.param("line\nbreak", id="line break"),
        pytest.param("ünï/çødé🔑", id="unicode"),
        pytest.param("\u2028", id="line separator"),
    ],
)
def test_no_text_breaks_out_of_its_line(broker, sink, name):
    auth = broker.auth(client_token="t", display_name=name, policies=[name], metadata={name: name})
    target = AuditTarget("read", name, mount_point=name, namespace=name)
    entry = broker.entry(b"r", auth, target, peer=name, reason=name)
    broker.request(entry, NOW, error=name, data=json.dumps({name: name}).encode())
    broker.flush()
    (written,) = sink.writes
    assert written.count(b"\n") == 1
    line = json.loads(written)
    assert line["auth"]["display_name"] == line["request"]["path"] == line["error"] == name
    assert line["request"]["remote_address"] == name


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("127.0.0.1:8200", ("127.0.0.1", 8200)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
        pytest.param("/run/holdfast.sock", ("/run/holdfast.sock", None), id="a Unix socket with a name"),
    ],
)
def test_where_a_request_comes_from(broker, sink, peer, shown):
    broker.request(begin(broker, peer=peer), NOW)
    request = lines_of(broker, sink)[0]["request"]
    assert (request["remote_address"], request.get("remote_port")) == shown


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000000Z"),
        (1_767_323_045.999999, "2026-01-02T03:04:05.999999000Z"),
        (1_767_323_046.0, "2026-01-02T03:04:06.000000000Z"),
    ],
)
def test_times_are_utc_in_microseconds(broker, sink, now, text):
    broker.request(begin(broker), 5.0)
    broker.request(begin(broker), now)
    assert lines_of(broker, sink)[1]["time"] == text
