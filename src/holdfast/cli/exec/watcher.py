"""Looks for changed secrets, in a thread of its own, until the process ends.

Every secret is read at each look, because only what a command was given tells whether that changed: a
version counts writes to all fields of a secret, and starts again at 1 once a secret was destroyed. What
is kept between looks is a keyed hash of each value, not the value.

Looks are an interval apart, give or take a tenth, so that many commands started together spread out. When
the store does not answer, or refuses, the wait doubles up to ``MAX_WAIT_SECONDS``; the command goes on
with what it has, and the person at the terminal is told once.
"""

import hashlib
import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from holdfast.cli.exec.binding import Binding
from holdfast.cli.exec.sources import Delivery
from holdfast.cli.output import remark
from holdfast.errors import HoldfastError

MIN_INTERVAL_SECONDS = 1
MAX_WAIT_SECONDS = 300.0
_JITTER = 0.1
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Change:
    """What one look found.

    Attributes:
        delivery: every secret as it is now.
        changed: the places whose content is new, with the versions if there are any.
    """

    delivery: Delivery
    changed: tuple[str, ...]


class Watcher:
    """One command's secrets, watched.

    Args:
        read: reads all of them.
        first: what the command started with.
        interval_seconds: the time between two looks.
        notify: called in the watching thread after a change was put in ``changes``.

    Attributes:
        changes: what was found and not yet taken, oldest first.
    """

    def __init__(
        self,
        read: Callable[[], Delivery],
        *,
        first: Delivery,
        interval_seconds: float,
        notify: Callable[[], None],
    ) -> None:
        self.changes: SimpleQueue[Change] = SimpleQueue()
        self._read = read
        self._interval_seconds = interval_seconds
        self._notify = notify
        self._key = secrets.token_bytes(32)
        self._versions = {binding: secret.version for binding, secret in first.items()}
        self._marks = self._marks_of(first)

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="watcher", daemon=True).start()

    def look(self) -> Change | None:
        """Read every secret; return what changed since the last look, ``None`` for nothing.

        Raises:
            HoldfastError: not every secret can be read.
        """
        delivery = self._read()
        marks = self._marks_of(delivery)
        versions = {binding: secret.version for binding, secret in delivery.items()}
        changed = tuple(
            _told(binding, self._versions[binding], versions[binding])
            for binding in delivery
            if marks[binding] != self._marks[binding]
        )
        self._marks, self._versions = marks, versions
        return Change(delivery, changed) if changed else None

    def _watch(self) -> None:
        failures = 0
        while True:
            time.sleep(wait_seconds(self._interval_seconds, failures, jitter=random.random()))  # noqa: S311
            try:
                change = self.look()
            except HoldfastError as error:
                failures += 1
                if failures == 1:
                    remark(f"holdfast exec: cannot look for changes, the command goes on: {error.message}")
                continue
            if failures:
                remark("holdfast exec: looking for changes works again")
                failures = 0
            if change:
                self.changes.put(change)
                self._notify()

    def _marks_of(self, delivery: Delivery) -> dict[Binding, bytes]:
        return {
            binding: hashlib.blake2b(secret.value.view(), key=self._key).digest()
            for binding, secret in delivery.items()
        }


def wait_seconds(interval_seconds: float, failures: int, *, jitter: float) -> float:
    """Return how long to wait before the next try.

    Args:
        interval_seconds: the wait when all is well.
        failures: how many tries in a row have failed.
        jitter: from 0 to 1, drawn anew each time.
    """
    longest = max(MAX_WAIT_SECONDS, interval_seconds)
    wait = min(interval_seconds * 2 ** min(failures, _MAX_DOUBLINGS), longest)
    return float(wait * (1 - _JITTER + 2 * _JITTER * jitter))


def _told(binding: Binding, before: int | None, now: int | None) -> str:
    return str(binding) if before == now else f"{binding}, version {before} to {now}"
