"""Catching up with other nodes: never older than the request, and one question for all that wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.freshness import Freshness
from holdfast.storage.memory import MemoryStorage


class Slow(MemoryStorage):
    """A storage whose questions take as long as the test wants."""

    def __init__(self, *, shared=True):
        super().__init__(shared=shared)
        self.asked = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.away = False

    def catch_up(self):
        self.asked += 1
        self.begun.release()
        assert self.go_on.acquire(timeout=60)
        if self.away:
            raise StorageUnavailableError("storage: away")


def test_a_storage_that_nobody_else_changes_is_not_asked():
    storage = Slow(shared=False)
    Freshness(storage).catch_up()
    assert storage.asked == 0


def test_who_comes_while_a_question_is_under_way_shares_the_next_one():
    storage = Slow()
    freshness = Freshness(storage)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(freshness.catch_up)
        assert storage.begun.acquire(timeout=60)
        others = [pool.submit(freshness.catch_up) for _ in range(8)]
        while len(freshness._turn._waiters) < 8:
            threading.Event().wait(0.001)
        storage.go_on.release()
        first.result(timeout=60)
        assert storage.begun.acquire(timeout=60)  # one of them asks anew: the first answer may be too old
        assert not any(other.done() for other in others)
        storage.go_on.release()
        for other in others:
            other.result(timeout=60)
    assert storage.asked == 2


def test_a_question_without_an_answer_lets_nobody_through():
    storage = Slow()
    storage.away = True
    freshness = Freshness(storage)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(freshness.catch_up) for _ in range(2)]
        for _ in both:
            assert storage.begun.acquire(timeout=60)
            storage.go_on.release()
        for one in both:
            with pytest.raises(StorageUnavailableError):
                one.result(timeout=60)
    assert storage.asked == 2
