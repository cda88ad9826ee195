"""The node's audit log: every line has its place in a chain, and one that is not taken stops the request."""

import json
import threading

import pytest
from tests.support.collecting_sink import CollectingSink

from holdfast.audit.verify import Verifier
from holdfast.clock import ManualClock
from holdfast.errors import UnavailableError
from holdfast.model import Principal
from holdfast.node.access.decision_log import DecisionLog

KEY = b"k" * 32


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def log(sink):
    return DecisionLog(sink, key=KEY, clock=ManualClock())


def verified(lines):
    verifier = Verifier(KEY)
    verifier.read("log", lines)
    return verifier


def record(log, **fields):
    log.record("allowed", Principal(name="alice", subject="alice", issuer="test"), **fields)


def test_lines_are_one_chain(log, sink):
    for number in range(3):
        record(log, api="volume.inspect", resource=str(number))
    assert (verified(sink.lines).chains, verified(sink.lines).faults) == (1, 0)
    assert [json.loads(line)["chain"]["seq"] for line in sink.lines] == [0, 1, 2]


@pytest.mark.parametrize("harm", ["altered", "removed", "moved", "inserted"])
def test_what_was_done_to_a_line_is_noticed(log, sink, harm):
    for number in range(4):
        record(log, resource=str(number))
    lines = sink.lines
    match harm:
        case "altered":
            lines[1] = lines[1].replace(b'"alice"', b'"mallo"', 1)
        case "removed":
            del lines[1]
        case "moved":
            lines[1], lines[2] = lines[2], lines[1]
        case "inserted":
            lines.insert(1, b'{"time":"2026-01-01T00:00:00Z","decision":"allowed"}')
    assert verified(lines).faults


def test_a_line_not_taken_stops_the_request_and_the_next_chain_says_where_this_one_ended(log, sink):
    record(log)
    sink.refuses = True
    with pytest.raises(UnavailableError, match="audit log cannot be written"):
        record(log)
    sink.refuses = False
    record(log)
    first, second = (json.loads(line) for line in sink.lines)
    assert second["chain"]["id"] != first["chain"]["id"]
    assert second["after"]["id"] == first["chain"]["id"]


def test_lines_of_many_threads_are_in_one_order(log, sink):
    threads = [threading.Thread(target=lambda: [record(log) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verified(sink.lines).lines, verified(sink.lines).faults) == (400, 0)


def test_after_rotation_a_new_chain_follows_the_old_one(log, sink):
    record(log)
    log.reopen()
    record(log)
    first, second = (json.loads(line) for line in sink.lines)
    assert sink.reopened == 1
    assert second["after"] == {"id": first["chain"]["id"], "seq": 0}


def test_empty_fields_are_left_out_and_zero_is_not(log, sink):
    record(log, resource="", rule=None, after={"replicas": 0}, count=0)
    line = json.loads(sink.lines[0])
    assert "resource" not in line
    assert "rule" not in line
    assert (line["after"], line["count"]) == ({"replicas": 0}, 0)
