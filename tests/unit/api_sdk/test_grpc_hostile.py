"""A gRPC server among people who mean it no good: each gets a refusal, and the others are served."""

import socket
import threading
import time
from contextlib import suppress

import grpc
import pytest
from tests.support.node_under_test import new_node, release
from tests.support.sdk_wires import GrpcWire, grpc_refusal

from holdfast.api.sdk import streams
from holdfast.api.sdk.calls import MAX_CALLS_OF_ONE, Calls
from holdfast.api.sdk.grpc import (
    grpc_calls,
    grpc_health,
    grpc_patience,
    grpc_server,
)
from holdfast.api.sdk.grpc.grpc_server import MAX_MESSAGE_BYTES, MAX_METADATA_BYTES
from holdfast.api.sdk.proto.watch_pb2 import SdkWatchRequest, SdkWatchResponse
from holdfast.node.volume.watch_service import POLL_SECONDS

VERSION = "/openstorage.api.OpenStorageIdentity/Version"
CREATE = "/openstorage.api.OpenStorageVolume/Create"
WATCH = "/openstorage.api.OpenStorageWatch/Watch"
SECONDS = 30
SETTINGS, HEADERS, DATA, RST_STREAM, GOAWAY, PING = 4, 1, 0, 3, 7, 6


@pytest.fixture
def wire(tmp_path):
    under_test = new_node(tmp_path, guest_access=True)
    made = GrpcWire(Calls(under_test.node))
    made.t = under_test
    made.user = (("authorization", f"bearer {under_test.token('alice')}"),)
    made.viewer = (("authorization", f"bearer {under_test.token('eve', roles=('system.view',))}"),)
    yield made
    made.close()
    release(under_test)


def raw(wire, method, body, metadata=()):
    """Send bytes as they are; return code and text of the refusal, or the answer's bytes."""
    try:
        return wire.channel.unary_unary(method)(body, metadata=metadata, timeout=SECONDS)
    except grpc.RpcError as error:
        return error.code(), error.details()


def still_serves(wire):
    return isinstance(raw(wire, VERSION, b"", wire.user), bytes)


def serves_in_the_end(wire):
    """As ``still_serves``, where the node is so impatient that a busy machine may lose it a sound call."""
    deadline = time.monotonic() + SECONDS
    while not still_serves(wire):
        if time.monotonic() > deadline:
            return False
    return True


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"\xff\xff\xff", "bytes that are none", id="garbage"),
        pytest.param(b"\x0a\x7fshort", "bytes that are none", id="cut-off"),
        pytest.param(b"\x0a\x02\xff\xfe", "bytes that are none", id="not-utf8"),
        pytest.param(b"\xa0\x1f\x01", "SdkVolumeCreateRequest: expected no field", id="unknown-field"),
        pytest.param(
            b"\x12\x04\xa2\x3f\x01x",
            "SdkVolumeCreateRequest.spec: expected no field",
            id="unknown-field-inside",
        ),
        pytest.param(
            b"\x12\x0d\x8a\x02\x0a\x12\x08\x0a\x06\x0a\x01a\x1a\x01x",
            "SdkVolumeCreateRequest.spec.ownership.acls: expected no field",
            id="unknown-field-deeper",
        ),
        pytest.param(b"\x12\x02\x18\x63", "spec.format", id="unknown-enum-number"),
        pytest.param(b"\x0a\x09../canary", "name: expected", id="path-as-name"),
    ],
)
def test_messages_that_are_none_are_refused_and_not_repeated(wire, body, text):
    code, told = raw(wire, CREATE, body, wire.user)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text in told
    assert "canary" not in told


def test_gates_come_before_the_bytes(wire):
    code, told = raw(wire, "/openstorage.api.OpenStorageRole/Create", b"\xff\xff", wire.user)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "OpenStorageRole/Create denied" in told


def test_a_message_over_the_limit_is_refused(wire):
    name = b"a" * MAX_MESSAGE_BYTES
    body = b"\x0a" + varint(len(name)) + name
    code, _ = raw(wire, CREATE, body, wire.user)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert still_serves(wire)


def test_metadata_over_the_limit_are_refused(wire):
    code, _ = raw(wire, VERSION, b"", (*wire.user, ("x-filling", "a" * 2 * MAX_METADATA_BYTES)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert still_serves(wire)


@pytest.mark.parametrize(
    "method",
    [
        "/openstorage.api.OpenStorageVolume/Nothing",
        "/openstorage.api.OpenStorageNothing/Create",
        "/openstorage.api.OpenStorageVolume",
        "/../Create",
        "/",
    ],
)
def test_an_unknown_method_is_not_served(wire, method):
    assert raw(wire, method, b"", wire.user)[0] is grpc.StatusCode.UNIMPLEMENTED


def test_reflection_is_for_administrators(wire):
    listing = b"\x3a\x01*"  # list_services
    for version in ("v1", "v1alpha"):
        method = wire.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        )
        for refused in ((), wire.user, wire.viewer):
            with pytest.raises(grpc.RpcError) as error:
                list(method(iter([listing]), metadata=refused, timeout=SECONDS))
            assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
        admin = (("authorization", f"bearer {wire.t.admin}"),)
        (answer,) = method(iter([listing]), metadata=admin, timeout=SECONDS)
        assert b"openstorage.api.OpenStorageVolume" in answer
        assert b"grpc.health.v1.Health" in answer


def test_health_is_open_and_says_no_more_than_that(wire):
    check = "/grpc.health.v1.Health/Check"
    serving = b"\x08\x01"
    assert raw(wire, check, b"") == serving
    volume = b"openstorage.api.OpenStorageVolume"
    assert raw(wire, check, b"\x0a" + varint(len(volume)) + volume) == serving
    assert raw(wire, check, b"\x0a\x04none")[0] is grpc.StatusCode.NOT_FOUND
    assert raw(wire, check, b"\xff")[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert volume in raw(wire, "/grpc.health.v1.Health/List", b"")
    assert raw(wire, "/grpc.health.v1.Health/Watch", b"")[0] is grpc.StatusCode.UNIMPLEMENTED


@pytest.fixture
def impatient(monkeypatch):
    for module in (grpc_calls, grpc_health):
        monkeypatch.setattr(module, "MESSAGE_SECONDS", 0.5)
    monkeypatch.setattr(grpc_patience, "_LOOK_SECONDS", 0.1)


@pytest.mark.parametrize("credential", ["none", "forged", "good"])
def test_headers_without_a_message_keep_no_thread(impatient, wire, credential):
    metadata = {
        "none": (),
        "forged": (("authorization", "bearer a.b.c"),),
        "good": (("authorization", f"bearer {wire.t.token('carol')}"),),  # whose calls may be counted out
    }[credential]
    ended = threading.Event()
    held = [
        wire.channel.stream_unary(VERSION).future(_never(ended), metadata=metadata, timeout=SECONDS)
        for _ in range(MAX_CALLS_OF_ONE)
    ]
    assert serves_in_the_end(wire)
    codes = {call.exception().code() for call in held}
    ended.set()
    assert codes <= {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAUTHENTICATED}


def test_a_caller_who_sends_no_message_and_is_gone_counts_as_one_who_sent_none(impatient, tmp_path):
    """It is no defect of the node, and not logged as one."""
    under_test = new_node(tmp_path)
    calls = Calls(under_test.node)
    wire, ended = GrpcWire(calls), threading.Event()
    user = (("authorization", f"bearer {under_test.token('alice')}"),)
    cut_off = wire.channel.stream_unary(VERSION).future(_never(ended), metadata=user, timeout=SECONDS)
    assert cut_off.exception().code() is grpc.StatusCode.CANCELLED
    ended.set()
    deadline = time.monotonic() + SECONDS
    while not (counts := calls.counts()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {outcome for _, outcome in counts} == {"INVALID_ARGUMENT"}
    wire.close()
    release(under_test)


def test_more_calls_than_may_wait_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(grpc_server, "MAX_UNANSWERED", 3)
    monkeypatch.setattr(grpc_server, "MAX_STREAMS", 0)
    under_test = new_node(tmp_path, guest_access=True)
    wire = GrpcWire(Calls(under_test.node))
    ended = threading.Event()
    grpc.channel_ready_future(wire.channel).result(SECONDS)  # calls that wait for it come in any order
    held = [wire.channel.stream_unary(VERSION).future(_never(ended), timeout=SECONDS) for _ in range(3)]
    refused = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!")
    assert raw(wire, VERSION, b"") == refused
    ended.set()  # the callers give up, and there is room again
    assert {call.exception().code() for call in held} == {grpc.StatusCode.INVALID_ARGUMENT}
    deadline = time.monotonic() + SECONDS
    while (answer := raw(wire, VERSION, b"")) == refused:  # a call counts until a moment after its answer
        assert time.monotonic() < deadline
    assert isinstance(answer, bytes)
    wire.close()
    release(under_test)


def test_health_calls_without_a_message_do_not_keep_others_out(impatient, wire):
    ended = threading.Event()
    health = wire.channel.stream_unary("/grpc.health.v1.Health/Check")
    held = [health.future(_never(ended), timeout=SECONDS) for _ in range(20)]
    assert serves_in_the_end(wire)
    assert {call.exception().code() for call in held} == {grpc.StatusCode.CANCELLED}
    ended.set()


def _never(ended):
    ended.wait(SECONDS)
    yield from ()


def watch(wire, metadata):
    method = wire.channel.unary_stream(WATCH, SdkWatchRequest.SerializeToString, SdkWatchResponse.FromString)
    return method(SdkWatchRequest(volume_event={}), metadata=metadata, timeout=2 * SECONDS)


def listener(wire, name, **fields):
    token = wire.t.token(name, roles=("system.user", "system.view"), **fields)
    return (("authorization", f"bearer {token}"),)


def do(wire, name, request, token):
    """Call a method that must succeed: what follows waits for what comes of it."""
    answer = wire.call(name, request, token=token)
    assert answer.code == 0, answer


def make(wire, name, token):
    do(wire, "Volume.Create", {"name": name, "spec": {"size": str(16 << 20)}}, token)


def test_a_watch_shows_what_its_caller_may_see_and_no_more(wire):
    alice, bob = wire.t.token("alice"), wire.t.token("bob")
    make(wire, "first", alice)
    events = watch(wire, listener(wire, "alice"))
    assert next(events).volume_event.name == "first"
    make(wire, "bobs", bob)
    make(wire, "second", alice)
    seen = [next(events).volume_event]
    while seen[-1].volume.holdfast.stage != "formatted":  # it may be seen while it is made
        seen.append(next(events).volume_event)
    assert {(event.name, event.volume.locator.name) for event in seen} == {("second", "second")}
    shared = {"volume_id": "bobs", "spec": {"ownership": {"acls": {"collaborators": {"alice": "Read"}}}}}
    do(wire, "Volume.Update", shared, bob)
    assert next(events).volume_event.name == "bobs"
    do(wire, "Volume.Update", {"volume_id": "bobs", "spec": {"ownership": {}}}, bob)
    gone = next(events).volume_event
    assert (gone.name, gone.volume.state) == ("bobs", 7)  # as if it were deleted
    events.cancel()


def test_a_watch_ends_with_its_token(wire):
    make(wire, "vol1", wire.t.token("alice"))
    events = watch(wire, listener(wire, "alice", lifetime=60))
    next(events)
    wire.t.clock.advance(61)
    with pytest.raises(grpc.RpcError) as error:
        next(events)
    answer = grpc_refusal(error.value)
    assert (answer.reason, answer.gate) == ("expired", "token")
    assert wire.t.sink.lines[-1]["reason"] == "expired"


def test_a_watch_ends_with_its_role(wire):
    role = {"name": "watcher", "rules": [{"services": ["watch"], "apis": ["*"]}]}
    admin = wire.t.admin
    do(wire, "Role.Create", {"role": role}, admin)
    token = wire.t.token("alice", roles=("watcher",))
    make(wire, "vol1", wire.t.token("alice"))
    events = watch(wire, (("authorization", f"bearer {token}"),))
    next(events)
    do(wire, "Role.Delete", {"name": "watcher"}, admin)
    with pytest.raises(grpc.RpcError) as error:
        next(events)
    assert grpc_refusal(error.value).gate == "role"


def test_listeners_have_a_limit_and_leave_room_for_calls(wire, monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAMS", 12)
    make(wire, "vol1", wire.t.token("root", roles=("system.admin",)))
    open_ = []
    for name in ("alice", "bob"):
        credential = listener(wire, name, groups=("*",))
        for _ in range(streams.MAX_STREAMS_OF_ONE if name == "alice" else 4):
            events = watch(wire, credential)
            next(events)
            open_.append(events)
        with pytest.raises(grpc.RpcError) as error:
            next(watch(wire, credential))
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert still_serves(wire)
    for events in open_:
        events.cancel()
    deadline = time.monotonic() + SECONDS
    while True:  # the server notices soon
        events = watch(wire, listener(wire, "alice", groups=("*",)))
        try:
            next(events)
            break
        except grpc.RpcError:
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)
    events.cancel()


def test_who_listens_and_does_not_read_keeps_nobody_from_calling(wire):
    for number in range(3):
        make(wire, f"vol{number}", wire.t.token("alice"))
    idle = [watch(wire, listener(wire, "alice")) for _ in range(streams.MAX_STREAMS_OF_ONE)]
    assert all(still_serves(wire) for _ in range(20))
    for events in idle:
        events.cancel()


def test_stopping_tells_listeners_and_takes_no_more(wire):
    make(wire, "vol1", wire.t.token("alice"))
    events = watch(wire, listener(wire, "alice"))
    next(events)
    wire.server.stop(5)
    with pytest.raises(grpc.RpcError) as error:
        next(events)
    assert (error.value.code(), error.value.details()) == (
        grpc.StatusCode.UNAVAILABLE,
        "the node is stopping; connect again",
    )
    assert raw(wire, VERSION, b"", wire.user)[0] is grpc.StatusCode.UNAVAILABLE


def test_connections_have_a_limit(tmp_path, monkeypatch):
    few = tuple(
        (name, 4 if name == "grpc.max_allowed_incoming_connections" else value)
        for name, value in grpc_server._OPTIONS
    )
    monkeypatch.setattr(grpc_server, "_OPTIONS", few)
    under_test = new_node(tmp_path)
    wire = GrpcWire(Calls(under_test.node))
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)
    connections, greeted = [], 0
    for _ in range(8):
        connection = socket.create_connection(("127.0.0.1", wire.port), timeout=SECONDS)
        connections.append(connection)
        with suppress(ConnectionError):  # closed
            connection.sendall(hello)
            greeted += bool(connection.recv(100))
    for connection in connections:
        connection.close()
    assert greeted == 4
    wire.close()
    release(under_test)


# What no gRPC library would send, frame by frame.


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header(name: bytes, value: bytes) -> bytes:
    """A literal header without indexing and without Huffman coding (RFC 7541, 6.2.2)."""
    return b"\x00" + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    return b"\x7f" + varint(len(text) - 127) + text


def speak(wire, *extra: bytes) -> set[int]:
    """Call Version with raw headers added; return the kinds of frames that came back."""
    headers = b"".join(
        header(name, value)
        for name, value in (
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", VERSION.encode()),
            (b":authority", b"localhost"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
        )
    )
    sent = (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, 4, 1, headers + b"".join(extra))
        + frame(DATA, 1, 1, b"\x00\x00\x00\x00\x00")
    )
    kinds = set()
    with socket.create_connection(("127.0.0.1", wire.port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        received = b""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and not kinds & {DATA, RST_STREAM, GOAWAY}:
            try:
                piece = connection.recv(65536)
            except OSError:
                return kinds | {GOAWAY}
            if not piece:
                return kinds | {GOAWAY}
            received += piece
            while len(received) >= 9 and len(received) >= 9 + int.from_bytes(received[:3], "big"):
                size = int.from_bytes(received[:3], "big")
                kind, flags, stream = received[3], received[4], int.from_bytes(received[5:9], "big")
                received = received[9 + size :]
                kinds.add(kind)
                if kind == HEADERS and flags & 1 and stream == 1:
                    return kinds
    return kinds


def test_a_newline_in_a_token_opens_nothing(wire):
    token = wire.user[0][1].encode()
    assert DATA in speak(wire, header(b"authorization", token))  # the hand-made call itself is sound
    for bad in (token + b"\n", token + b"\r\nx-more: 1", b"bearer\n" + token[7:], token + b"\x00"):
        before = len(wire.t.sink.lines)
        assert DATA not in speak(wire, header(b"authorization", bad))
        assert all(line["decision"] == "denied" for line in wire.t.sink.lines[before:])
    assert still_serves(wire)


def test_two_credentials_are_none(wire):
    token = wire.user[0][1].encode()
    once = header(b"authorization", token)
    assert DATA not in speak(wire, once, once)
    assert all(line["decision"] == "denied" for line in wire.t.sink.lines)
    assert still_serves(wire)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="http-1"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="tls-hello"),
        pytest.param(b"\x00" * 4096, id="zeros"),
        pytest.param(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(HEADERS, 4, 1, b"\xff" * 64),
            id="header-block-that-is-none",
        ),
        pytest.param(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + frame(SETTINGS, 0, 0)
            + frame(PING, 0, 0, b"12345678") * 2000,
            id="ping-flood",
        ),
    ],
)
def test_bytes_that_are_no_call_end_their_connection_alone(wire, sent):
    with socket.create_connection(("127.0.0.1", wire.port), timeout=SECONDS) as connection:
        with suppress(OSError):  # closed already
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        assert still_serves(wire)
    assert still_serves(wire)
