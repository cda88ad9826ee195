"""A change in one process is visible in another."""

import os

from holdfast.server.shared_counter import SharedCounter


def test_a_forked_process_sees_what_the_other_moved():
    counter = SharedCounter()
    counter.bump()
    child = os.fork()
    if child == 0:
        seen = counter.read()
        counter.bump()
        os._exit(seen)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert counter.read() == 2


def test_the_number_wraps_instead_of_failing():
    counter = SharedCounter()
    counter._cell[0] = 2**64 - 1
    counter.bump()
    assert counter.read() == 0
