"""A few threads do the calls, and a call that waits for something keeps nobody else waiting."""

import threading
import time

import pytest

from holdfast.api.sdk.threads import Threads

SECONDS = 30


@pytest.fixture
def threads():
    made = Threads(2, 4, name="test-call")
    yield made
    made.close()
    until(lambda: running() == 0)  # or the next test would count them, too


def running():
    return sum(thread.name == "test-call" for thread in threading.enumerate())


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_calls_return_and_fail_as_they_do(threads):
    def broken():
        raise ValueError("no")

    assert threads.submit(lambda number: number + 1, 1).result(SECONDS) == 2
    assert isinstance(threads.submit(broken).exception(SECONDS), ValueError)


def test_calls_that_wait_are_worked_around(threads):
    go_on = threading.Event()
    waiting = [threads.submit(go_on.wait, SECONDS) for _ in range(2)]
    assert threads.submit(lambda: "done").result(SECONDS) == "done"
    go_on.set()
    assert all(future.result(SECONDS) for future in waiting)


def test_there_are_never_more_than_allowed_and_few_again_afterwards(threads):
    go_on = threading.Event()
    waiting = [threads.submit(go_on.wait, SECONDS) for _ in range(12)]
    until(lambda: running() == 4)
    time.sleep(0.1)
    assert running() == 4
    go_on.set()
    assert all(future.result(SECONDS) for future in waiting)
    until(lambda: threads.submit(int).result(SECONDS) == 0 and running() == 2)


def test_quick_calls_need_no_more_threads(threads):
    futures = [threads.submit(int) for _ in range(2000)]
    assert {future.result(SECONDS) for future in futures} == {0}
    assert running() <= 4


def test_what_was_cancelled_does_not_run(threads):
    go_on, ran = threading.Event(), []
    waiting = [threads.submit(go_on.wait, SECONDS) for _ in range(4)]
    until(lambda: running() == 4)
    future = threads.submit(ran.append, 1)
    assert future.cancel()
    go_on.set()
    assert all(each.result(SECONDS) for each in waiting)
    assert threads.submit(lambda: list(ran)).result(SECONDS) == []


def test_closing_waits_for_what_has_begun_and_lets_every_thread_go(threads):
    begun, go_on, ran = threading.Event(), threading.Event(), []

    def call():
        begun.set()
        go_on.wait(SECONDS)
        ran.append(1)

    threads.submit(call)
    begun.wait(SECONDS)
    closing = threading.Thread(target=threads.close)
    closing.start()
    time.sleep(0.05)
    assert closing.is_alive()
    go_on.set()
    closing.join(SECONDS)
    assert ran == [1]
    until(lambda: running() == 0)
