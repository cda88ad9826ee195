"""The route table of the store's own paths: one row says what a path does and what it takes to call it.

The table is data, so that tests can walk it: every row times every kind of caller. Paths of secrets
engines are not in it; they are routed by the mount table.
"""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from holdfast.errors import UnsupportedError
from holdfast.store.bundle import Bundle
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.visit import Visit


@dataclass(frozen=True, slots=True)
class Deferred:
    """Work that is too slow for the process that serves requests, such as hashing a password.

    Attributes:
        work: runs elsewhere, on what it was given alone, and returns the answer or the change to make.
        outside: whether it waits for another machine rather than for the processor.
    """

    work: Callable[[], Answer | Command]
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Stepwise:
    """Reading that takes long, in small steps: other requests are served between them.

    Attributes:
        steps: yields after each step, and returns the answer. What it has read so far may have changed when
            it goes on.
    """

    steps: Generator[None, None, Answer]


Handler = Callable[[Visit], Answer | Command | Deferred | Bundle | Stepwise]

Plan = tuple[Callable[[], Answer | Command | Deferred | Bundle | Stepwise], list[str]]
"""What to do once the request is on record, and warnings that go with its answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        pattern: a path; ``{}`` in it stands for one or more segments, ``<>`` for exactly one.
        operation: what the caller wants to do.
        handler: what does it.
        sudo: whether the caller needs the ``sudo`` capability on the path, beside the operation's own.
        superuser: whether the caller must be allowed everything.
        anybody: whether it takes no token at all; the handler decides by itself what is said.
        without_token: whether somebody without a token may ask as well; he is told what anybody may know.
        any_token: whether a live token is all it takes; the handler decides by itself what is said.
    """

    pattern: str
    operation: Operation
    handler: Handler
    sudo: bool = False
    superuser: bool = False
    anybody: bool = False
    any_token: bool = False
    without_token: bool = False


class RouteTable:
    """Finds the row for a path. An exact pattern wins over a placeholder, a longer one over a shorter.

    Args:
        routes: all rows; two rows for the same pattern and operation are a defect.
    """

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self._exact: dict[str, dict[Operation, Route]] = {}
        self._patterns: dict[str, dict[Operation, Route]] = {}
        for route in routes:
            table = self._patterns if _PLACEHOLDER.search(route.pattern) else self._exact
            row = table.setdefault(route.pattern, {})
            if route.operation in row:
                raise ValueError(f"two routes for {route.operation} {route.pattern}")
            row[route.operation] = route
        self._ordered = [
            (_matcher(pattern), self._patterns[pattern])
            for pattern in sorted(self._patterns, key=len, reverse=True)
        ]

    def find(self, path: str, operation: Operation) -> tuple[Route, str] | None:
        """Return the row and what its placeholders stand for, or ``None`` when no row has this path.

        What several placeholders stand for is joined with slashes.

        Raises:
            UnsupportedError: the path exists, the operation does not.
        """
        found = self._match(path)
        if found is None and path.endswith("/"):
            found = self._match(path.rstrip("/"))
        if found is None:
            return None
        row, argument = found
        route = row.get(operation)
        if route is None:
            raise UnsupportedError("unsupported operation")
        return route, argument

    def _match(self, path: str) -> tuple[dict[Operation, Route], str] | None:
        if path in self._exact:
            return self._exact[path], ""
        for matches, row in self._ordered:
            match = matches(path)
            if match:
                return row, "/".join(match.groups())
        return None


_PLACEHOLDER = re.compile(r"\{\}|<>")


def _matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Return a function that matches the paths of a pattern with placeholders."""
    expression = re.escape(pattern).replace(r"\{\}", "(.+)").replace("<>", "([^/]+)")
    return re.compile(expression, re.DOTALL).fullmatch
