"""What is changed, removed, inserted, repeated or moved in an audit file is noticed, and nothing else is."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink

from holdfast.audit import AuditBroker, AuditDevice, AuditTarget, Fault, Verifier, chain_key

SALT = b"0123456789abcdef0123456789abcdef"
TARGET = AuditTarget("read", "secret/data/team/db")


class Process:
    """One process that writes lines to a place that it may share with others."""

    def __init__(self, sink, *, salt=SALT):
        self.device = AuditDevice("file", salt, sink)
        self.broker = AuditBroker([self.device])
        self.count = 0

    def write(self, requests=1):
        for _ in range(requests):
            self.count += 1
            entry = self.broker.entry(b"request-%d" % self.count, self.broker.auth(client_token="t"), TARGET)
            self.broker.request(entry, 1_700_000_000.0 + self.count)
            self.broker.flush()
        return self


@pytest.fixture
def sink():
    return CollectingSink()


def verify(*files):
    verifier = Verifier(chain_key(SALT))
    for number, lines in enumerate(files):
        verifier.read(f"file-{number}", lines)
    return verifier


def faults(*files):
    return [(finding.line, finding.fault) for finding in verify(*files).findings]


def test_lines_of_several_processes_are_as_they_were_written(sink):
    ada, ben = Process(sink), Process(sink)
    for _ in range(3):
        ada.write(2)
        ben.write()
    found = verify(sink.lines)
    assert (found.lines, found.chains, found.faults) == (9, 2, 0)


def test_every_line_is_still_one_json_object(sink):
    Process(sink).write(2)
    assert [json.loads(line)["chain"]["seq"] for line in sink.lines] == [0, 1]


@pytest.mark.parametrize("position", range(0, 700, 13))
def test_every_changed_byte_is_noticed(sink, position):
    Process(sink).write(3)
    line = bytearray(sink.lines[1].rstrip(b"\n"))
    line[position % len(line)] ^= 1
    lines = [sink.lines[0], bytes(line), sink.lines[2]]
    assert faults(lines)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda a, b, c, d: [a, c, d], [(2, Fault.MISSING)], id="removed"),
        pytest.param(lambda a, b, c, d: [b, c, d], [(1, Fault.HEADLESS)], id="first-removed"),
        pytest.param(lambda a, b, c, d: [a, b, b, c, d], [(3, Fault.REPEATED)], id="repeated"),
        pytest.param(
            lambda a, b, c, d: [a, c, b, d],
            [(2, Fault.MISSING), (3, Fault.REPEATED)],
            id="moved",
        ),
        pytest.param(
            lambda a, b, c, d: [a, b, b'{"type":"request"}\n', c, d], [(3, Fault.NOT_CHAINED)], id="inserted"
        ),
        pytest.param(
            lambda a, b, c, d: [a, b, c[:40], d], [(3, Fault.NOT_CHAINED), (4, Fault.MISSING)], id="torn"
        ),
        pytest.param(lambda a, b, c, d: [a, b"\n", b, c, d], [], id="empty-line"),
        pytest.param(lambda a, b, c, d: [], [], id="empty-file"),
        pytest.param(lambda a, b, c, d: [b"\xff\x00" * 99], [(1, Fault.NOT_CHAINED)], id="another-file"),
    ],
)
def test_what_was_done_to_a_file_is_said(sink, change, expected):
    Process(sink).write(4)
    assert faults(change(*sink.lines)) == expected


def test_a_line_of_another_device_is_no_line_of_this(sink):
    Process(sink, salt=b"another key of another device...").write()
    assert faults(sink.lines) == [(1, Fault.ALTERED)]


def test_a_line_that_somebody_without_the_key_makes_is_noticed(sink):
    Process(sink).write()
    forged = CollectingSink()
    Process(forged, salt=b"a key that somebody made up.....").write(2)
    assert (2, Fault.ALTERED) in faults([*sink.lines, *forged.lines])


class TestRotation:
    @pytest.fixture
    def files(self, sink):
        process = Process(sink).write(3)
        process.device.reopen()
        process.write(2)
        return sink.lines[:3], sink.lines[3:]

    def test_each_file_and_both_together_are_in_order(self, files):
        assert [verify(*case).faults for case in (files, files[:1], files[1:])] == [0, 0, 0]

    def test_lines_cut_off_the_first_are_missed_by_the_second(self, files):
        assert faults(files[0][:2], files[1]) == [(1, Fault.CUT_OFF)]


def test_lines_that_a_full_disk_lost_are_owned_up_to(sink):
    process = Process(sink)
    process.write(2)
    sink.refuses = True
    entry = process.broker.entry(b"request", process.broker.auth(client_token="t"), TARGET)
    process.broker.request(entry, 1_700_000_000.0)
    assert not process.device.flush()
    sink.refuses = False
    process.write(2)
    assert faults(sink.lines) == [(3, Fault.CUT_OFF)]


@pytest.mark.parametrize("failures", [2, 3, 10])
def test_lines_that_were_lost_in_a_row_of_failures_are_owned_up_to(sink, failures):
    process = Process(sink)
    process.write(2)
    sink.refuses = True
    for _ in range(failures):
        entry = process.broker.entry(b"request", process.broker.auth(client_token="t"), TARGET)
        process.broker.request(entry, 1_700_000_000.0)
        assert not process.device.flush()
    sink.refuses = False
    process.write(2)
    assert faults(sink.lines) == [(3, Fault.CUT_OFF)]


def test_findings_are_bounded_and_all_are_counted():
    verifier = verify([b"nothing of ours"] * 3000)
    assert (verifier.faults, len(verifier.findings)) == (3000, 1000)
