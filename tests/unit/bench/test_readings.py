"""What the benchmarks read from others: wrk's output, and the kernel's counters."""

import os
import socket

import pytest
from bench.cpu import busy_ticks, children, cpu_seconds, ticks
from bench.memory import listeners_at, memory_of, sockets_of_listeners
from bench.workload import Workload, request_text
from bench.wrk import READS, WRITES, Run, parse_result, plan_text

RESULT = 'RESULT {"requests":1000,"seconds":2.0,"p50_us":100,"p99_us":900,"p999_us":1200,"errors":3}'


def test_a_result_is_found_among_what_wrk_prints():
    output = f"Running 2s test @ http://127.0.0.1\n  2 threads\n\n{RESULT}\n"
    run = parse_result(output)
    assert run == Run(requests=1000, seconds=2.0, p50_us=100, p99_us=900, p999_us=1200, errors=3)
    assert run.rate == 500.0


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("", id="nothing"),
        pytest.param("unable to connect to 127.0.0.1:1", id="no server"),
        pytest.param('RESULT {"requests":1', id="cut off"),
        pytest.param("RESULT {}", id="without figures"),
    ],
)
def test_output_without_a_result_is_refused(output):
    with pytest.raises(ValueError):
        parse_result(output)


@pytest.mark.parametrize("name", ["python", "a b", ") R 1 (", "((", ""])
def test_cpu_time_is_found_whatever_the_process_calls_itself(name):
    stat = f"42 ({name}) S 1 42 42 0 -1 4194304 100 200 0 0 17 5 9 9 20 0 1 0 100 0 0"
    assert ticks(stat) == 17 + 5


def test_a_machine_is_busy_in_all_but_idle_and_waiting_time_and_guests_count_once():
    assert busy_ticks("cpu  10 20 30 400 500 60 70 80 10 20\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 270


def test_a_process_that_is_gone_costs_nothing():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert cpu_seconds([child]) == 0
    assert children(child) == []


def test_own_cpu_time_grows_with_work():
    before = cpu_seconds([os.getpid()])
    while cpu_seconds([os.getpid()]) == before:
        sum(range(10_000))
    assert cpu_seconds([os.getpid()]) > before


def test_a_request_is_complete_and_carries_seven_headers():
    head, _, body = request_text("GET", "bench/data/a", "hvs.token").partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == "GET /v1/bench/data/a HTTP/1.1"
    assert len(headers) == 7
    assert "X-Vault-Token: hvs.token" in headers
    assert body == ""


def test_a_body_is_announced_in_bytes():
    head, _, body = request_text("POST", "bench/data/a", "hvs.token", '{"data":{"a":"é"}}').partition(
        "\r\n\r\n"
    )
    assert f"Content-Length: {len(body.encode())}" in head


def test_a_plan_of_reads_holds_no_writes_and_one_of_writes_holds_both():
    load = Workload(secrets=40, tokens=20)
    tokens = [f"hvs.{number}" for number in range(load.tokens)]
    reads, writes = plan_text(load, tokens, READS), plan_text(load, tokens, WRITES)
    assert (reads.count("GET /v1/"), reads.count("POST /v1/")) == (40, 0)
    assert (writes.count("GET /v1/"), writes.count("POST /v1/")) == (40, 40)
    assert "write_every = 1," in writes


def test_who_listens_at_an_address_of_this_host_is_found_and_at_another_host_nobody():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert listeners_at(f"http://127.0.0.1:{port}")() == [os.getpid()]
        assert listeners_at(f"http://192.0.2.1:{port}")() == []


def test_a_connection_is_no_listener():
    rows = (
        "0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 77",
        "1: 0100007F:1F90 0100007F:9C40 01 0:0 0:0 0 0 0 78",
    )
    assert sockets_of_listeners("  sl  local_address ...\n" + "\n".join(rows), 0x1F90) == {"77"}


def test_memory_is_that_of_all_processes_and_of_those_only_that_are_there():
    own = memory_of([os.getpid()])
    assert 1 << 20 < own.own_bytes <= own.total_bytes
    assert memory_of([]).total_bytes == 0
