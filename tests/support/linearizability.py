"""Is a recorded history one that a single register, asked by one caller at a time, could have had?

The search is that of Wing and Gong with the memory that Lowe added: take some call that no other call had
ended before, try it on the model, go on from there, and go back when nothing fits. A set of calls together
with the state it led to is tried once only.

A call whose outcome nobody knows may have happened at any time after it began, or not at all. It never ends,
so it may be taken at any point, and need not be taken.

The register is a secret with versions: every write makes the next version, a write may demand which version
it replaces, and a read returns version and value. No two writes store the same value. Four things follow that
keep the search short where much is unknown:

* a call that fits and changes nothing can be taken at once: later it fits at best as well;
* of a write that somebody read the outcome is known after all;
* unknown writes that nobody read differ in what they demand only, so the oldest goes first;
* a version that a known write made was made by no unknown one.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

READ, WRITE = "read", "write"
CONFLICT = "conflict"
UNKNOWN = None
NEVER = math.inf

State = tuple[int, Any]
ABSENT: State = (0, None)


@dataclass(frozen=True, slots=True)
class Call:
    """One call and what came of it.

    Attributes:
        kind: ``READ`` or ``WRITE``.
        started: when it was sent.
        ended: when its answer came; ``NEVER`` if none did.
        outcome: of a read the version and the value; of a write the version, ``CONFLICT``, or ``UNKNOWN``.
        value: what a write stores.
        expected: the version that a write demands to replace; ``None`` for any.
        who: for people who read a history.
    """

    kind: str
    started: float
    ended: float
    outcome: Any
    value: Any = None
    expected: int | None = None
    who: str = ""

    @property
    def is_known(self) -> bool:
        return self.outcome is not UNKNOWN


class UndecidedError(Exception):
    """The search took longer than it may."""


def step(state: State, call: Call) -> State | None:
    """Return the state after a call, ``None`` if it could not have had its outcome in this state."""
    version, _ = state
    if call.kind == READ:
        return state if call.outcome == state else None
    fits = call.expected is None or call.expected == version
    if call.outcome == CONFLICT:
        return None if fits else state
    if not fits or (call.is_known and call.outcome != version + 1):
        return None
    return version + 1, call.value


def is_linearizable(history: Iterable[Call], *, start: State = ABSENT, seconds: float = 60.0) -> bool:
    """Whether some order of the calls explains all outcomes, and agrees with who ended before whom began.

    Raises:
        UndecidedError: not found out within ``seconds``.
    """
    calls = sorted(history, key=lambda call: call.started)
    return _Search(calls, start, time.monotonic() + seconds).run()


class _Search:
    def __init__(self, calls: Sequence[Call], start: State, deadline: float) -> None:
        self._calls = _settled(calls)
        self._start = start
        self._deadline = deadline
        self._made = {call.outcome for call in self._calls if call.kind == WRITE}
        count = len(calls)
        # Those that are not taken yet, as a list in which each knows its neighbours; ``count`` is both ends.
        self._next = [*range(1, count + 1), 0]
        self._previous = [count, *range(count)]

    def run(self) -> bool:
        state, taken = self._start, 0
        missing = sum(1 for call in self._calls if call.is_known)
        tried: set[tuple[int, State]] = set()
        way: list[tuple[int, State, Iterator[int]]] = []
        candidates = iter(self._candidates(state))
        while missing:
            if time.monotonic() > self._deadline:
                raise UndecidedError
            for index in candidates:
                after = step(state, self._calls[index])
                if after is None or (taken | 1 << index, after) in tried:
                    continue
                way.append((index, state, candidates))
                self._take(index)
                state, taken = after, taken | 1 << index
                tried.add((taken, state))
                missing -= self._calls[index].is_known
                candidates = iter(self._candidates(state))
                break
            else:
                if not way:
                    return False
                index, state, candidates = way.pop()
                self._put_back(index)
                taken &= ~(1 << index)
                missing += self._calls[index].is_known
        return True

    def _candidates(self, state: State) -> list[int]:
        """Return the calls that may come next: no other that is left had ended before they began."""
        known: list[int] = []
        unknown: dict[int | None, int] = {}
        end = NEVER
        index = self._next[-1]
        while index < len(self._calls) and self._calls[index].started <= end:
            call = self._calls[index]
            if not call.is_known:
                unknown.setdefault(call.expected, index)
            elif step(state, call) == state:
                return [index]
            else:
                known.append(index)
            end = min(end, call.ended)
            index = self._next[index]
        return known if state[0] + 1 in self._made else [*known, *unknown.values()]

    def _take(self, index: int) -> None:
        before, after = self._previous[index], self._next[index]
        self._next[before], self._previous[after] = after, before

    def _put_back(self, index: int) -> None:
        self._next[self._previous[index]] = self._previous[self._next[index]] = index


def _settled(calls: Sequence[Call]) -> list[Call]:
    """Return the calls with what others tell about the unknown ones: what somebody read was written."""
    seen: dict[Any, Call] = {}
    for call in calls:
        if call.kind == READ:
            first = seen.setdefault(call.outcome[1], call)
            if call.ended < first.ended:
                seen[call.outcome[1]] = call
    settled = []
    for call in calls:
        if not call.is_known:
            witness = seen.get(call.value)
            ended, outcome = (witness.ended, witness.outcome[0]) if witness else (NEVER, UNKNOWN)
            value = call.value if witness else "what nobody read"
            settled.append(Call(call.kind, call.started, ended, outcome, value, call.expected, call.who))
        else:
            settled.append(call)
    return settled
