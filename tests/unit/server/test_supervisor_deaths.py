"""What the parent of a server's processes does as they end: it signals none whose number may be another's."""

import os

import pytest

from holdfast.server import supervisor
from holdfast.server.writer_loop import WORKER_ID


class Parent:
    """A supervisor with children that have ended, and that nobody has reaped yet."""

    def __init__(self, monkeypatch):
        self.it = supervisor._Supervisor(1, print, print, None, 10.0)
        self.it._news.setblocking(False)
        self.it._was_ready = True
        self.signalled = []
        monkeypatch.setattr(supervisor.os, "kill", self._signal)

    def adopt(self):
        writer, worker = (_ended_child() for _ in range(2))
        self.it._writer = supervisor._Child(writer, 1, "writer")
        self.it._workers = {0: supervisor._Child(worker, 2, "worker 0")}

    def _signal(self, process, _number):
        assert _is_unreaped(process), "a signal to whoever has that number by now"
        self.signalled.append(process)


def _ended_child():
    process = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    return process


def _is_unreaped(process):
    try:
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@pytest.fixture
def parent(monkeypatch):
    made = Parent(monkeypatch)
    yield made
    made.it._close()


def test_workers_that_ended_with_the_writer_are_signalled_before_they_are_reaped_or_not_at_all(parent):
    parent.adopt()
    worker = parent.it._workers[0].process
    parent.it._reap()
    assert parent.it._children() == ()
    assert not _is_unreaped(worker)
    assert set(parent.signalled) <= {worker}


def test_what_goes_wrong_as_all_are_ready_is_not_taken_for_the_end_of_the_news(parent):
    def fail():
        raise BlockingIOError

    parent.adopt()
    parent.it._was_ready, parent.it._on_ready = False, fail
    parent.it._announce.send(WORKER_ID.pack(0, 2))
    with pytest.raises(BlockingIOError):
        parent.it._on_news()
    parent.it._was_ready = True
    parent.it._reap()
