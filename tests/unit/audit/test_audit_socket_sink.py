"""Lines reach whoever listens at a socket; who is slow, dead or away costs others nothing, and shows."""

import json
import socket
import time
from xml.etree import ElementTree as ET

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.ports import free_port
from tests.support.receivers import DatagramReceiver, StreamReceiver, eventually

from holdfast.audit import (
    AuditBroker,
    AuditConfigurationError,
    AuditDevice,
    AuditFailedError,
    AuditSinkError,
    AuditTarget,
    DeviceSettings,
    Fault,
    SocketSink,
    Verifier,
    chain_key,
)
from holdfast.audit.place import SocketPlace
from holdfast.audit.socket_sink import MAX_WAITING_BYTES

SALT = b"0123456789abcdef0123456789abcdef"
TARGET = AuditTarget("read", "secret/data/team/db")
NOW = 1_700_000_000.0


_opened = []


@pytest.fixture(autouse=True)
def close():
    """Leave no socket open behind a test."""
    yield
    while _opened:
        _opened.pop().close()


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


class StoppableClock:
    """The true time, until it is made to stand still."""

    stands_at = None

    def __call__(self):
        return time.monotonic() if self.stands_at is None else self.stands_at

    def stop(self):
        self.stands_at = self()


class Requests:
    """Requests that are put on record by one process."""

    def __init__(self, *devices):
        self.broker = AuditBroker(devices)
        _opened.append(self.broker)
        self.count = 0

    def serve(self, count=1):
        for _ in range(count):
            self.count += 1
            entry = self.broker.entry(b"request-%d" % self.count, self.broker.auth(client_token="t"), TARGET)
            self.broker.request(entry, NOW, data=b'{"k":"v"}')
            self.broker.flush()
        return self


def sink_to(kind, address, **options):
    sink = SocketSink(SocketPlace(kind, address), **options)
    _opened.append(sink)
    return sink


def device(kind, address, **options):
    return AuditDevice("socket", SALT, sink_to(kind, address, **options))


def faults(lines, *, headers=False):
    verifier = Verifier(chain_key(SALT), headers=headers)
    verifier.read("capture", lines)
    return [finding.fault for finding in verifier.findings]


@pytest.fixture(params=["tcp", "unix"])
def receiver(request, tmp_path):
    with StreamReceiver(tmp_path / "log.sock" if request.param == "unix" else ("127.0.0.1", 0)) as running:
        running.kind = request.param
        yield running


def fill(sink):
    for _ in range(64):
        sink.write(b"x" * (MAX_WAITING_BYTES // 16) + b"\n")


def closed_port():
    return f"127.0.0.1:{free_port()}"


def test_every_line_arrives_in_order_and_verifies(receiver):
    Requests(device(receiver.kind, receiver.text)).serve(50)
    lines = eventually(lambda: len(receiver.lines) == 50 and receiver.lines)
    assert [json.loads(line)["request"]["id"] for line in lines] == [f"request-{n}" for n in range(1, 51)]
    assert faults(lines) == []


def test_a_receiver_that_comes_back_is_found_and_the_break_shows_in_the_chain(receiver):
    requests = Requests(device(receiver.kind, receiver.text), AuditDevice("other", SALT, CollectingSink()))
    requests.serve(3)
    eventually(lambda: len(receiver.lines) == 3)
    receiver.stop()
    requests.serve(3)  # another device takes these
    receiver.start()

    def serve_one():
        requests.broker.keep_up()
        requests.serve()
        return len(receiver.lines) >= 5

    eventually(serve_one)
    [socket_device, _] = requests.broker.devices
    assert socket_device.failures > 0
    assert not socket_device.is_failing
    # The lines that nobody took are missed by the chain that follows, and every other one is as it was.
    assert set(faults(receiver.lines)) <= {Fault.CUT_OFF, Fault.MISSING}
    assert faults(receiver.lines)
    assert b'"after"' in bytes(receiver.capture)


def test_a_connection_that_was_closed_is_made_again_at_once_and_loses_nothing_that_was_read(receiver):
    requests = Requests(device(receiver.kind, receiver.text)).serve(2)
    eventually(lambda: len(receiver.lines) == 2)
    [connection] = receiver.connections
    connection.shutdown(socket.SHUT_RDWR)
    requests.serve(3)  # none of them is refused
    eventually(lambda: len(receiver.lines) == 5)
    assert requests.broker.devices[0].failures == 0
    assert requests.broker.devices[0].sink.breaks == 1
    assert faults(receiver.lines) == []
    assert sum(b'"after"' in line for line in receiver.lines) == 1


def test_without_a_receiver_requests_are_refused_and_it_is_not_looked_for_each_time():
    clock = Clock()
    requests = Requests(device("tcp", closed_port(), clock=clock))
    for _ in range(3):
        with pytest.raises(AuditFailedError):
            requests.serve()
    assert "looked for again" in requests.broker.devices[0].last_failure
    clock.time += 1
    with pytest.raises(AuditFailedError):
        requests.serve()
    assert "REFUSED" in requests.broker.devices[0].last_failure


def test_a_stalled_receiver_is_given_up_after_the_write_timeout_and_then_costs_nothing(receiver):
    receiver.reads.clear()
    clock = StoppableClock()
    requests = Requests(device(receiver.kind, receiver.text, write_timeout=0.2, clock=clock))
    with pytest.raises(AuditFailedError, match="could not be audited"):
        requests.serve(100_000)
    clock.stop()
    [stalled] = requests.broker.devices
    assert "write timeout" in stalled.last_failure
    with pytest.raises(AuditFailedError):
        requests.serve()
    assert "looked for again" in stalled.last_failure  # nobody waits for it now


def test_a_stalled_receiver_keeps_nobody_waiting_where_another_device_took_the_lines(receiver):
    receiver.reads.clear()
    clock, sink = Clock(), CollectingSink()
    stalled = device(receiver.kind, receiver.text, clock=clock)
    requests = Requests(AuditDevice("other", SALT, sink), stalled)
    while not stalled.sink.due < float("inf"):
        requests.serve()  # until the buffers of the kernel are full
    requests.serve(10)  # time stands still, so waiting for it would last for ever
    assert not stalled.is_failing
    assert len(sink.lines) == requests.count

    def is_given_up():
        clock.time += 3
        # A kernel that was late to pass on what it has makes room for some more.
        return any(requests.serve() and stalled.is_failing for _ in range(100))

    eventually(is_given_up)
    assert "write timeout" in stalled.last_failure
    assert len(sink.lines) == requests.count
    receiver.reads.set()
    clock.time += 60
    requests.serve()
    eventually(lambda: requests.broker.keep_up() or not stalled.is_failing)
    requests.serve()
    eventually(lambda: b'"id":"request-%d"' % requests.count in receiver.capture)
    assert Fault.ALTERED not in faults(receiver.lines)


def test_a_receiver_that_is_slow_and_catches_up_misses_nothing(receiver):
    receiver.reads.clear()
    slow = device(receiver.kind, receiver.text, write_timeout=30)
    requests = Requests(AuditDevice("other", SALT, CollectingSink()), slow)
    while not slow.sink.due < float("inf"):
        requests.serve()
    requests.serve(5)
    receiver.reads.set()
    eventually(lambda: requests.broker.keep_up() or len(receiver.lines) == requests.count)
    assert slow.failures == 0
    assert faults(receiver.lines) == []


def test_what_waits_is_bounded(receiver):
    receiver.reads.clear()
    sink = sink_to(receiver.kind, receiver.text, clock=Clock())
    with pytest.raises(AuditSinkError, match="too slow"):
        fill(sink)
    assert sink.due == float("inf")
    sink.close()


def test_a_line_that_a_break_cuts_in_two_is_sent_again_as_a_whole(receiver):
    receiver.reads.clear()
    sink = sink_to(receiver.kind, receiver.text, write_timeout=30)
    line = b"a" * 3_000_000 + b"\n"
    assert sink.write(line)  # a part of it is on its way
    eventually(lambda: receiver.connections)
    receiver.connections[0].shutdown(socket.SHUT_RDWR)
    receiver.reads.set()
    eventually(lambda: not sink.push())
    sink.write(b"b\n")
    eventually(lambda: receiver.lines[-1:] == [b"b"])
    assert receiver.lines[-2] == line.rstrip()
    assert sink.breaks == 1
    sink.close()


def test_reopening_connects_anew_with_a_chain_that_follows(receiver):
    requests = Requests(device(receiver.kind, receiver.text)).serve(2)
    requests.broker.reopen()
    requests.serve(2)
    eventually(lambda: len(receiver.lines) == 4)
    assert len(receiver.connections) == 2
    assert faults(receiver.lines) == []


def test_closing_sends_what_can_be_sent_and_is_safe_twice(receiver):
    sink = sink_to(receiver.kind, receiver.text)
    sink.write(b"last\n")
    sink.close()
    sink.close()
    eventually(lambda: receiver.lines == [b"last"])


class TestDatagrams:
    def test_each_line_is_one_over_udp(self):
        with DatagramReceiver() as receiver:
            Requests(device("udp", f"127.0.0.1:{receiver.port}")).serve(5)
            eventually(lambda: len(receiver.datagrams) == 5)
            assert faults(receiver.datagrams) == []

    def test_a_restarted_receiver_at_a_path_is_found_at_once(self, tmp_path):
        path = tmp_path / "log"
        with DatagramReceiver(path) as receiver:
            requests = Requests(device("unixgram", str(path))).serve(2)
            eventually(lambda: len(receiver.datagrams) == 2)
            receiver.stop()
            with pytest.raises(AuditFailedError):
                requests.serve()
            requests.broker.reopen()
            receiver.start()
            requests.serve(2)
            eventually(lambda: len(receiver.datagrams) == 4)
            receiver.stop()
            receiver.start()
            requests.serve()  # nobody was told to look for it
            eventually(lambda: len(receiver.datagrams) == 5)

    def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_not(self):
        with DatagramReceiver() as receiver:
            sink = sink_to("udp", f"127.0.0.1:{receiver.port}")
            with pytest.raises(AuditSinkError, match="longer than a datagram"):
                sink.write(b"x" * 70_000 + b"\n")
            assert not sink.write(b"short\n")
            eventually(lambda: receiver.datagrams == [b"short\n"])


class TestSyslog:
    def settings(self, **options):
        return DeviceSettings("syslog", "syslog", options)

    def test_the_old_form_at_a_path_names_facility_tag_and_process(self, tmp_path):
        path = tmp_path / "log"
        with DatagramReceiver(path) as receiver:
            opened = self.settings(address=str(path), facility="LOCAL3", tag="vault").open(SALT)
            Requests(opened).serve(3)
            datagrams = eventually(lambda: len(receiver.datagrams) == 3 and receiver.datagrams)
        head, brace, _ = datagrams[0].partition(b"{")
        assert head.startswith(b"<%d>" % (19 * 8 + 6))
        assert head.rstrip().endswith(b"]:")
        assert b" vault[" in head
        assert brace
        assert faults(datagrams) != []
        assert faults(datagrams, headers=True) == []

    @pytest.mark.parametrize("kind", ["udp", "tcp"])
    def test_the_new_form_over_a_network(self, kind):
        receiver = DatagramReceiver() if kind == "udp" else StreamReceiver()
        with receiver:
            port = receiver.port if kind == "udp" else receiver.address[1]
            opened = self.settings(address=f"{kind}://127.0.0.1:{port}", prefix="@cee: ").open(SALT)
            Requests(opened).serve(3)
            lines = eventually(
                lambda: len(lines := receiver.datagrams if kind == "udp" else receiver.lines) == 3 and lines
            )
        words = lines[0].split(b" ")
        assert words[0] == b"<38>1"  # AUTH, information
        assert words[3] == b"holdfast"
        assert words[5:8] == [b"-", b"-", b"@cee:"]
        assert faults(lines, headers=True) == []


class TestForms:
    def test_xml_verifies_and_a_change_in_it_is_noticed(self):
        sink = CollectingSink()
        opened = AuditDevice(
            "xml", SALT, sink, DeviceSettings("xml", "file", {"format": "jsonx", "prefix": "p "}).lines
        )
        Requests(opened).serve(3)
        assert all(line.startswith(b"p <json:object ") for line in sink.lines)
        assert faults(sink.lines) == []
        changed = [sink.lines[0], sink.lines[1].replace(b"team", b"TEAM"), sink.lines[2]]
        assert faults(changed) == [Fault.ALTERED]

    def test_xml_is_well_formed_whatever_is_in_a_path(self):
        sink = CollectingSink()
        opened = AuditDevice("xml", SALT, sink, DeviceSettings("xml", "file", {"format": "jsonx"}).lines)
        broker = AuditBroker([opened])
        hostile = 'secret/</json:object>&"\n\x01\ud7ff'
        target = AuditTarget("read", hostile)
        broker.request(
            broker.entry(b"r", broker.auth(client_token="t"), target), NOW, data=b'{"a\\u0000":[1.50,null]}'
        )
        broker.flush()
        [line] = sink.lines
        root = ET.fromstring(line.decode())
        name = "{http://www.ibm.com/xmlns/prod/2009/jsonx}"
        [path] = [e.text for e in root.iter(f"{name}string") if e.get("name") == "path"]
        assert path == hostile.replace("\x01", "\ufffd")
        assert next(e.text for e in root.iter(f"{name}number")) == "1.50"

    def test_raw_lines_show_what_they_are_told_to_and_stay_one_line(self):
        sink = CollectingSink()
        opened = AuditDevice("raw", SALT, sink, DeviceSettings("raw", "file", {"log_raw": "true"}).lines)
        broker = AuditBroker([opened])
        entry = broker.entry(b"r", broker.auth(client_token="hvs.t", accessor="acc"), TARGET)
        broker.request(entry, NOW, data=b'{"k":\n"v"}')
        broker.flush()
        [line] = map(json.loads, sink.lines)
        assert (line["auth"]["client_token"], line["auth"]["accessor"]) == ("hvs.t", "acc")
        assert line["request"]["data"] == {"k": "v"}

    def test_accessors_alone_can_be_in_clear(self):
        sink = CollectingSink()
        opened = AuditDevice("a", SALT, sink, DeviceSettings("a", "file", {"hmac_accessor": "false"}).lines)
        broker = AuditBroker([opened])
        entry = broker.entry(b"r", broker.auth(client_token="hvs.t", accessor="acc"), TARGET)
        broker.request(entry, NOW, data=b'{"accessor":"acc"}')
        wrap = b'{"token":"hvs.w","accessor":"one","wrapped_accessor":"two","ttl":60}'
        broker.response(entry, NOW, wrap_info=wrap)
        broker.flush()
        request, response = map(json.loads, sink.lines)
        assert request["auth"]["accessor"] == request["request"]["client_token_accessor"] == "acc"
        assert request["auth"]["client_token"].startswith("hmac-sha256:")
        assert request["request"]["data"]["accessor"].startswith("hmac-sha256:")
        shown = response["response"]["wrap_info"]
        assert (shown["accessor"], shown["wrapped_accessor"]) == ("one", "two")
        assert shown["token"].startswith("hmac-sha256:")

    @pytest.mark.parametrize("operation", ["list", "scan", "read"])
    def test_answers_to_lists_can_be_numbers(self, operation):
        sink = CollectingSink()
        opened = AuditDevice(
            "a", SALT, sink, DeviceSettings("a", "file", {"elide_list_responses": "true"}).lines
        )
        broker = AuditBroker([opened])
        entry = broker.entry(b"r", broker.auth(client_token="t"), AuditTarget(operation, "secret/metadata/"))
        broker.response(entry, NOW, data=b'{"keys":["a","b"],"key_info":{"a":{},"b":{}}}')
        broker.flush()
        [line] = map(json.loads, sink.lines)
        shown = line["response"]["data"]
        if operation == "read":
            assert shown["keys"][0].startswith("hmac-sha256:")
        else:
            assert shown == {"keys": 2, "key_info": 2}


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        pytest.param("http", {}, "type", id="unknown-type"),
        pytest.param("file", {}, "file_path", id="no-path"),
        pytest.param("file", {"file_path": "relative"}, "file_path", id="relative-path"),
        pytest.param("file", {"file_path": "/a", "mode": "0666"}, "mode", id="others-may-write"),
        pytest.param("file", {"file_path": "/a", "mode": "0755"}, "mode", id="executable"),
        pytest.param("file", {"file_path": "/a", "mode": "rw"}, "mode", id="no-mode"),
        pytest.param("file", {"file_path": "/a", "mode": "0400"}, "mode", id="owner-may-not-write"),
        pytest.param("file", {"file_path": "/a", "format": "yaml"}, "format", id="format"),
        pytest.param("file", {"file_path": "/a", "prefix": "a\nb"}, "prefix", id="prefix-with-a-line-feed"),
        pytest.param("file", {"file_path": "/a", "prefix": "a" * 300}, "prefix", id="long-prefix"),
        pytest.param("file", {"file_path": "/a", "log_raw": "perhaps"}, "log_raw", id="no-switch"),
        pytest.param("file", {"file_path": "/a", "hunter2": "x"}, "options", id="unknown-option"),
        pytest.param("socket", {}, "address", id="no-address"),
        pytest.param("socket", {"address": "somewhere"}, "address", id="no-port"),
        pytest.param("socket", {"address": "127.0.0.1:0"}, "address", id="port-0"),
        pytest.param("socket", {"address": "127.0.0.1:65536"}, "address", id="port-too-high"),
        pytest.param("socket", {"address": "a:1", "socket_type": "sctp"}, "socket_type", id="socket-type"),
        pytest.param("socket", {"address": "a/b", "socket_type": "unix"}, "address", id="relative-socket"),
        pytest.param(
            "socket", {"address": "/" + "a" * 120, "socket_type": "unix"}, "address", id="long-socket"
        ),
        pytest.param("socket", {"address": "a:1", "write_timeout": "1h"}, "write_timeout", id="too-patient"),
        pytest.param("socket", {"address": "a:1", "write_timeout": "0"}, "write_timeout", id="impatient"),
        pytest.param("syslog", {"facility": "hunter2"}, "facility", id="facility"),
        pytest.param("syslog", {"tag": "a b"}, "tag", id="tag"),
        pytest.param("syslog", {"syslog_format": "x"}, "syslog_format", id="syslog-format"),
        pytest.param("syslog", {"address": "udp://10.0.0.1:514"}, "address", id="off-loopback"),
        pytest.param("syslog", {"address": "udp://127.0.0.1.example.org:514"}, "address", id="like-loopback"),
        pytest.param("syslog", {"address": "ftp://127.0.0.1:514"}, "address", id="scheme"),
    ],
)
def test_what_is_no_device_is_refused_by_the_name_of_its_option(kind, options, field):
    with pytest.raises(AuditConfigurationError, match=rf"^{field}: ") as raised:
        DeviceSettings("a", kind, options).check()
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize("name", ["", "a/b", "..\n", "a b", "x" * 65])
def test_a_device_has_a_plain_name(name):
    with pytest.raises(AuditConfigurationError, match=r"^path: "):
        DeviceSettings(name, "file", {"file_path": "/a"}).check()
