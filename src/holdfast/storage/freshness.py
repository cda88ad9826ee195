"""Catching up with other nodes, once for all requests that wait for it.

A request that arrives while somebody else's question is under way waits for the next one: the answer to a
question that was asked before the request came may be older than what its client was told elsewhere. All
that wait meanwhile share that next question, so that a busy node does not ask once per request.
"""

import threading

from holdfast.storage.interface import Storage


class Freshness:
    """Keeps what is read at least as new as every change that was answered before; safe for threads.

    Args:
        storage: costs nothing where no other node changes it.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._turn = threading.Condition()
        self._begun = 0
        self._ended = 0  # the newest question, of those that were answered
        self._is_asking = False

    def catch_up(self) -> None:
        """Return once what is read is as new as it was anywhere when this was called.

        Raises:
            StorageUnavailableError: it cannot be told.
        """
        if not self._storage.shared:
            return
        with self._turn:
            wanted = self._begun + 1
            while self._is_asking and self._ended < wanted:
                self._turn.wait()
            if self._ended >= wanted:
                return
            self._is_asking = True
            self._begun += 1
            question = self._begun
        answered = 0
        try:
            self._storage.catch_up()
            answered = question
        finally:
            with self._turn:
                self._is_asking = False
                self._ended = max(self._ended, answered)
                self._turn.notify_all()
