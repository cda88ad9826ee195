"""Where each entry goes, and which cannot go anywhere: decided on names alone, before anything is read.

The rules for names are the store's own (``holdfast.model.path``), so what passes here is not refused there.
Entries that would land on one path are refused all together, because any order among them would be a guess.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.cli.errors import UsageError
from holdfast.cli.migrate.entry import Entry
from holdfast.errors import HoldfastError
from holdfast.model import parse_path


@dataclass(frozen=True, slots=True)
class Step:
    """One entry and its place.

    Attributes:
        entry: what to import.
        path: in the store; only for display where there is a problem.
        problem: why it cannot go there; empty if it can.
    """

    entry: Entry
    path: str
    problem: str = ""


def prefix_of(into: str) -> str:
    """Return a prefix as text to put before names: empty, or ending in one slash.

    Raises:
        UsageError: it is no path.
    """
    try:
        return parse_path(into.strip("/"), field="--into").as_directory().text
    except HoldfastError as error:
        raise UsageError(error.message) from None


def plan(entries: Iterable[Entry], *, prefix: str) -> list[Step]:
    """Return a step for each entry, in the same order."""
    steps = [_step(entry, prefix) for entry in entries]
    times = Counter(step.path for step in steps if not step.problem)
    return [
        Step(step.entry, step.path, "several entries of the source have this path; rename all but one")
        if times[step.path] > 1
        else step
        for step in steps
    ]


def _step(entry: Entry, prefix: str) -> Step:
    wanted = prefix + entry.name.removeprefix("/")
    try:
        path = parse_path("/" + wanted)  # of leading slashes it drops one, which is this
    except HoldfastError as error:
        return Step(entry, wanted, error.message)
    if path.is_directory:
        return Step(entry, wanted, "path: expected the name of a secret, not of a directory")
    return Step(entry, path.text)
