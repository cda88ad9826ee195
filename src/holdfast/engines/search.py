"""Finding secrets by name, at any depth, a bounded piece of work at a time.

Whoever searches says which directories may be looked into, so that nothing is learnt of one that may not be
listed, not even how much lies in it. A page ends when it is full or when its effort is spent, whichever comes
first; the place it names is where the next one goes on, whatever was written or removed in between.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from holdfast.engines.names import list_names
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader

COST_OF_A_LIST = 16  # in names: a seek of its own, and on a network engine perhaps a round trip
_PAGE = 64

Judge = Callable[[str], bool]


class Effort:
    """How much work may still be done, in names looked at.

    Args:
        names: to begin with.
    """

    __slots__ = ("left",)

    def __init__(self, names: int) -> None:
        self.left = names

    def spend(self, names: int) -> None:
        """Note that work was done."""
        self.left -= names


class Found(NamedTuple):
    """One page of a search.

    Attributes:
        names: paths relative to the directory, sorted by their UTF-8 bytes.
        after: pass it to the next search; ``None`` when everything was looked at.
    """

    names: list[str]
    after: str | None


def search(
    reader: Reader,
    directory: str,
    *,
    may_enter: Judge,
    is_wanted: Judge,
    effort: Effort,
    after: str = "",
    limit: int = 100,
) -> Found:
    """Return secrets below ``directory`` that are wanted.

    Args:
        reader: the mount, in one state.
        directory: empty for the mount itself, or path text ending in a slash.
        may_enter: whether a directory, given as path text relative to the mount, may be looked into;
            ``directory`` itself is not asked about.
        is_wanted: whether a secret is, given as path text relative to ``directory``.
        effort: spent as the search goes on; at least one name is looked at.
        after: where the page before ended.
        limit: at most this many names.

    Raises:
        InvalidInputError: ``directory`` is not one, or ``limit`` is below 1.
    """
    if limit < 1:
        raise InvalidInputError("limit: expected at least 1")
    names: list[str] = []
    for step in _Walk(reader, may_enter, effort).steps(directory, after):
        effort.spend(1)
        if not step.endswith("/") and is_wanted(step):
            names.append(step)
        if len(names) == limit or effort.left <= 0:
            return Found(names, step)
    return Found(names, None)


class _Walk:
    """A walk through a mount that shows directories before what is in them, and enters only some."""

    __slots__ = ("_effort", "_may_enter", "_reader")

    def __init__(self, reader: Reader, may_enter: Judge, effort: Effort) -> None:
        self._reader = reader
        self._may_enter = may_enter
        self._effort = effort

    def steps(self, directory: str, after: str) -> Iterator[str]:
        """Yield every name that is met below ``directory``, relative to it."""
        first, below, rest = after.partition("/")
        if below:
            # Where the page before ended is the caller's word: it opens no door either.
            yield from self._into(directory, first + "/", rest)
            after = first + "/"
        while True:
            self._effort.spend(COST_OF_A_LIST)
            page = list_names(self._reader, directory, after=after, limit=_PAGE)
            for name in page:
                yield name
                if name.endswith("/"):
                    yield from self._into(directory, name, "")
            if len(page) < _PAGE:
                return
            after = page[-1]

    def _into(self, directory: str, name: str, after: str) -> Iterator[str]:
        if self._may_enter(directory + name):
            for step in self.steps(directory + name, after):
                yield name + step
