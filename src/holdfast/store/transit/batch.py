"""One thing or a batch of them in one request: each succeeds or fails by itself.

    read        what was asked for: the body itself, or the objects in its ``batch_input``
    prepare     for each, read what it needs of storage, or note why it cannot be done
    respond     compute, here or elsewhere

A thing that fails alone is a refusal. One that fails in a batch is an answer, which says for each what came
of it, in the order in which they were sent, with the caller's own ``reference`` beside it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from holdfast.engines.transit.records import Key, KeyVersion, load_version
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer, Failed
from holdfast.store.route import Deferred

MAX_MILLISECONDS_HERE = 10.0

# Rough costs of one private operation, to tell what is too slow for the process that serves requests.
_MILLISECONDS = {
    "rsa-2048": 1.0,
    "rsa-3072": 3.0,
    "rsa-4096": 6.0,
    "ecdsa-p256": 0.1,
    "ecdsa-p384": 1.0,
    "ecdsa-p521": 1.0,
    "ed25519": 0.2,
}
_MILLISECONDS_OTHERWISE = 0.03
_MILLISECONDS_PER_MIB = 5.0

Outcome = Answer | Command | Deferred

Job = Callable[[], dict[str, Any]]
"""Computes one thing, from what it was given alone."""


class Problem(msgspec.Struct, frozen=True, tag=True):
    """Why one thing cannot be done."""

    text: str


class Batch(msgspec.Struct, frozen=True):
    """What a request asks for.

    Attributes:
        things: the members of each.
        is_single: whether the request is one thing, not a batch.
    """

    things: tuple[dict[str, Any], ...]
    is_single: bool

    @property
    def references(self) -> tuple[str, ...]:
        """What the caller calls each of them."""
        return tuple(fields.text(thing, "reference") for thing in self.things)

    def each(self, read: Callable[[dict[str, Any]], Any]) -> list[Any]:
        """Return what ``read`` makes of each thing, or a ``Problem``."""
        return [attempt(partial(read, thing)) for thing in self.things]


class Versions:
    """The versions of one key, each read once.

    Args:
        reader: the mount, in one state.
        name: the key.
        key: its record.
    """

    def __init__(self, reader: Reader, name: str, key: Key) -> None:
        self.key = key
        self._reader = reader
        self._name = name
        self._known: dict[int, KeyVersion] = {}

    def get(self, number: int) -> KeyVersion:
        """Return a version.

        Raises:
            InvalidInputError: the key has no such version, or no longer.
        """
        if number not in self._known:
            self._known[number] = load_version(self._reader, self._name, number)
        return self._known[number]


def read_batch(values: dict[str, Any]) -> Batch:
    """Return what a request body asks for.

    Raises:
        InvalidInputError: it has a batch that is none.
    """
    things = values.get("batch_input")
    if things is None:
        return Batch((values,), is_single=True)
    if not isinstance(things, list) or any(not isinstance(thing, dict) for thing in things):
        raise InvalidInputError("failed to parse batch input: expected a list of objects")
    if not things:
        raise InvalidInputError("missing batch input to process")
    return Batch(tuple(things), is_single=False)


def attempt(work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns, or the ``Problem`` that it raised about what was sent."""
    try:
        return work()
    except InvalidInputError as error:
        return Problem(error.message)


def answer(
    prepared: list[Job | Problem],
    references: tuple[str, ...],
    *,
    is_single: bool,
    empty: dict[str, Any],
    tells_failure: bool,
) -> Answer:
    """Compute what was prepared, and return the answer.

    Args:
        prepared: one for each thing.
        references: likewise.
        is_single: see ``Batch``.
        empty: members that the result of a failed thing has beside its error.
        tells_failure: whether the answer counts as failed if things in a batch failed.

    Raises:
        InvalidInputError: a single thing failed.
    """
    done = [thing if isinstance(thing, Problem) else attempt(thing) for thing in prepared]
    if is_single:
        if isinstance(done[0], Problem):
            raise InvalidInputError(done[0].text)
        return Answer(data=encode(done[0]))
    results = [
        ({**empty, "error": one.text} if isinstance(one, Problem) else one) | {"reference": reference}
        for one, reference in zip(done, references, strict=True)
    ]
    problems = sum(isinstance(one, Problem) for one in done)
    failed = None
    if problems and tells_failure:
        failed = Failed.ALL if problems == len(done) else Failed.SOME
    return Answer(data=encode({"batch_results": results}), failed=failed)


def check_contexts(batch: Batch) -> None:
    """Refuse a batch in which some name a context and some do not.

    Raises:
        InvalidInputError: it is one.
    """
    if len({bool(thing.get("context")) for thing in batch.things}) > 1:
        raise InvalidInputError("context should be set either in all the request blocks or in none")


def respond(
    visit: MountVisit,
    key: Key,
    batch: Batch,
    prepared: list[Job | Problem],
    *,
    empty: dict[str, Any] | None = None,
    tells_failure: bool = True,
) -> Answer | Deferred:
    """Compute what was prepared, here or elsewhere, and return the answer."""
    work = partial(
        answer,
        prepared,
        batch.references,
        is_single=batch.is_single,
        empty=empty or {},
        tells_failure=tells_failure,
    )
    cost = len(prepared) * _MILLISECONDS.get(key.type_name, _MILLISECONDS_OTHERWISE)
    cost += len(visit.body.raw) / 2**20 * _MILLISECONDS_PER_MIB
    return Deferred(work) if cost > MAX_MILLISECONDS_HERE else work()
