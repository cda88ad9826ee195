"""A stream over REST is what it is over gRPC: the same gates, limits and ends. Each response is a line."""

import json
import socket
import time

import pytest
from tests.support.node_under_test import new_node, release
from tests.support.rest_server import SECONDS, RestServer, Stream
from tests.support.sdk_face import Face
from tests.support.sdk_wires import GrpcWire

from holdfast.api.sdk import streams
from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.proto.watch_pb2 import SdkWatchRequest, SdkWatchResponse
from holdfast.node import apis
from holdfast.node.volume import watch_service

ALL = {"volume_event": {}}


class Served:
    """A node, its REST side on a port, and the same without a port for calls in between."""

    def __init__(self, under_test):
        self.t = under_test
        self.calls = Calls(under_test.node)
        self.rest = RestServer(self.calls)
        self.call = Face(under_test)
        self.make = self.call.create
        self.open = []

    def token(self, name, **fields):
        return self.t.token(name, roles=("system.user", "system.view"), **fields)

    def watch(self, token, body=None):
        stream = Stream(self.rest.port, "/v1/watch", ALL if body is None else body, token=token)
        self.open.append(stream)
        return stream

    def ended(self):
        """Return how many watches have ended, however."""
        return sum(number for (api, _), number in self.calls.counts().items() if api == apis.WATCH)

    def wait_for_end(self, number=1):
        until = time.monotonic() + SECONDS
        while self.ended() < number:
            assert time.monotonic() < until, "the node did not notice"
            time.sleep(0.02)


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_service, "POLL_SECONDS", 0.05)
    made = Served(new_node(tmp_path))
    yield made
    for stream in made.open:
        stream.close()
    made.rest.close()
    made.call.dialect.close()
    release(made.t)


def event(line):
    return line["result"]["volume_event"]


def test_a_watch_shows_what_its_caller_may_see_and_no_more(served):
    bob = served.t.token("bob")
    served.make("first")
    events = served.watch(served.token("alice"))
    assert (events.status, events.answer.getheader("Content-Type")) == (200, "application/json")
    assert events.answer.getheader("Transfer-Encoding") == "chunked"
    first = event(next(events))
    assert (first["name"], first["volume"]["locator"]["name"]) == ("first", "first")
    served.make("bobs", token=bob)
    shared = {"spec": {"ownership": {"acls": {"collaborators": {"alice": "Read"}}}}}
    assert served.call("PUT", "/v1/volumes/bobs", shared, token=bob).status == 200
    assert event(next(events))["name"] == "bobs"
    assert served.call("DELETE", "/v1/volumes/bobs", token=bob).status == 200
    seen = event(next(events))
    while seen["volume"]["state"] != "VOLUME_STATE_DELETED":  # it may be seen on its way
        seen = event(next(events))
    assert seen["name"] == "bobs"


def expire(served, token):
    served.t.clock.advance(61)


def revoke(served, token):
    everything = {"issuer": "test", "subject": "alice"}
    assert served.call("POST", "/v1/tokens/revoke", everything, token=served.t.admin).status == 200
    served.t.clock.advance(1)


def lose_role(served, token):
    assert served.call("DELETE", "/v1/roles/watcher", token=served.t.admin).status == 200


@pytest.mark.parametrize(
    ("happening", "codes", "reason", "gate"),
    [
        pytest.param(expire, (16, 401, "Unauthorized"), "expired", "token", id="token-expires"),
        pytest.param(revoke, (16, 401, "Unauthorized"), "revoked", "token", id="token-revoked"),
        pytest.param(lose_role, (7, 403, "Forbidden"), "role_denied", "role", id="role-taken"),
    ],
)
def test_a_watch_ends_with_what_allowed_it(served, happening, codes, reason, gate):
    role = {"name": "watcher", "rules": [{"services": ["watch"], "apis": ["*"]}]}
    served.call("POST", "/v1/roles", {"role": role}, token=served.t.admin)
    served.make("vol1")
    token = served.t.token("alice", roles=("watcher",), lifetime=60)
    events = served.watch(token)
    next(events)
    happening(served, token)
    error = next(events)["error"]
    assert (error["grpc_code"], error["http_code"], error["http_status"]) == codes
    (detail,) = error["details"]
    assert (detail["reason"], detail["metadata"]["gate"]) == (reason, gate)
    assert list(events) == []  # the answer is whole
    served.wait_for_end()
    denied = [line for line in served.t.sink.lines if line.get("api") == "watch.watch"][-1]
    assert (denied["decision"], denied["gate"]) == ("denied", gate)
    assert denied["request"] == detail["metadata"]["request"]


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        pytest.param("none", ALL, 403, id="no-token"),
        pytest.param("forged", ALL, 401, id="forged-token"),
        pytest.param("user", ALL, 403, id="no-role"),
        pytest.param("viewer", {}, 400, id="nothing-named"),
        pytest.param("viewer", {"volume_events": {}}, 400, id="misspelt"),
        pytest.param("user", {"volume_events": {}}, 403, id="gates-come-first"),
    ],
)
def test_what_is_refused_at_once_is_an_ordinary_refusal(served, who, body, status):
    token = {
        "none": None,
        "forged": served.t.token("alice", secret=b"x" * 32),
        "user": served.t.token("alice"),
        "viewer": served.token("alice"),
    }[who]
    refused = served.watch(token, body)
    assert refused.status == status
    answer = json.loads(refused.answer.read())
    assert answer["error"] == answer["message"]


def test_both_wires_count_as_one(served, monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAMS_OF_ONE", 2)
    served.make("vol1")
    grpc = GrpcWire(served.calls)
    method = grpc.channel.unary_stream(
        "/openstorage.api.OpenStorageWatch/Watch",
        SdkWatchRequest.SerializeToString,
        SdkWatchResponse.FromString,
    )
    metadata = (("authorization", f"bearer {served.token('alice')}"),)
    over_grpc = method(SdkWatchRequest(volume_event={}), metadata=metadata, timeout=2 * SECONDS)
    assert next(over_grpc).volume_event.name == "vol1"
    assert event(next(served.watch(served.token("alice"))))["name"] == "vol1"
    assert served.watch(served.token("alice")).status == 429
    assert served.watch(served.token("bob")).status == 200
    over_grpc.cancel()
    grpc.close()


def vanish(stream):
    stream.close()


def shut_down_writing(stream):
    stream.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [vanish, shut_down_writing])
def test_a_client_that_goes_away_is_noticed(served, leave):
    events = served.watch(served.token("alice"))  # nothing is ever sent to it
    assert events.status == 200
    leave(events)
    served.wait_for_end()


def test_stopping_tells_listeners(served):
    served.make("vol1")
    events = served.watch(served.token("alice"))
    next(events)
    served.rest.stop()
    error = next(events)["error"]
    assert (error["grpc_code"], error["message"]) == (14, "the node is stopping; connect again")
    assert list(events) == []


def test_a_client_of_http_1_0_gets_lines_without_chunks(served):
    served.make("vol1")
    token = served.token("alice", lifetime=60)
    with socket.create_connection(("127.0.0.1", served.rest.port), timeout=SECONDS) as link:
        body = json.dumps(ALL).encode()
        head = f"POST /v1/watch HTTP/1.0\r\nAuthorization: Bearer {token}\r\n"
        link.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        file = link.makefile("rb")
        while (line := file.readline()) != b"\r\n":
            assert b"chunked" not in line
        assert event(json.loads(file.readline()))["name"] == "vol1"
        served.t.clock.advance(61)
        assert json.loads(file.readline())["error"]["http_code"] == 401
        assert file.read() == b""


def test_calls_go_on_beside_many_streams(served, monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAMS", 12)
    listeners = [served.watch(served.token(f"user{number}")) for number in range(12)]
    assert {stream.status for stream in listeners} == {200}
    assert served.watch(served.token("late")).status == 429
    assert served.call("GET", "/v1/identities/version", token=served.t.admin).status == 200
    listeners[0].close()
    served.wait_for_end(2)  # the refused one, and the one that left
    assert served.watch(served.token("late")).status == 200
