"""The route table of the store's own paths: one row says what a path does and what it takes to call it.

The table is data, so that tests can walk it: every row times every kind of caller. Paths of secrets
engines are not in it; they are routed by the mount table.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.errors import UnsupportedError
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.visit import Visit

Handler = Callable[[Visit], Answer | Command]


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        pattern: a path; ``{}`` in it stands for one or more segments.
        operation: what the caller wants to do.
        handler: what does it.
        sudo: whether the caller needs the ``sudo`` capability on the path, beside the operation's own.
    """

    pattern: str
    operation: Operation
    handler: Handler
    sudo: bool = False


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
            table = self._patterns if "{}" in route.pattern else self._exact
            row = table.setdefault(route.pattern, {})
            if route.operation in row:
                raise ValueError(f"two routes for {route.operation} {route.pattern}")
            row[route.operation] = route
        self._ordered = sorted(self._patterns, key=len, reverse=True)

    def find(self, path: str, operation: Operation) -> tuple[Route, str] | None:
        """Return the row and what ``{}`` stands for, or ``None`` when no row has this path.

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
        for pattern in self._ordered:
            prefix, _, suffix = pattern.partition("{}")
            if path.startswith(prefix) and path.endswith(suffix) and len(path) > len(prefix) + len(suffix):
                return self._patterns[pattern], path[len(prefix) : len(path) - len(suffix)]
        return None
