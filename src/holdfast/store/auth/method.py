"""What an auth method is: paths for those who administer it, and a way in for those who have no token yet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from holdfast.barrier import BarrierReader
from holdfast.store.auth.issue import Defaults
from holdfast.store.auth.login import Login
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Handler, Route, RouteTable
from holdfast.store.tokens.records import TokenEntry

AuthHandler = Callable[[AuthVisit], Answer | Command | Deferred]


@dataclass(frozen=True, slots=True)
class AuthRoute:
    """One row.

    Attributes:
        pattern: a path below the mount; ``<>`` in it stands for exactly one segment.
        operation: what the caller wants to do.
        handler: what does it.
        creates: whether a write there may make something, for which the right to create is enough.
    """

    pattern: str
    operation: Operation
    handler: AuthHandler
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Somebody wants a token renewed that a login gave.

    Attributes:
        records: what the mount has stored.
        entry: of the token.
        certificate: of whoever asks, verified by the listener; empty if he shows none.
        now: Unix seconds.
    """

    records: BarrierReader
    entry: TokenEntry
    certificate: bytes
    now: float


Renew = Callable[[Renewal, Command], Command | Deferred]


def kept_by_name(place: str, *, read: AuthHandler, write: AuthHandler) -> tuple[AuthRoute, ...]:
    """Return the rows of what a mount keeps by name, with nothing else that goes when one of them goes.

    Args:
        place: where they are, as path and as record alike: ``role``.
        read: shows one.
        write: makes or changes one.
    """
    return (
        AuthRoute(place, Operation.LIST, lambda visit: visit.listing(f"{place}/")),
        AuthRoute(f"{place}/<>", Operation.READ, read),
        AuthRoute(f"{place}/<>", Operation.WRITE, write, creates=True),
        AuthRoute(f"{place}/<>", Operation.DELETE, lambda visit: visit.remove(f"{place}/{visit.name}")),
    )


class Method:
    """One auth method.

    Args:
        routes: what its mounts answer to callers with a token.
        log_in: begins a login; it must end in one of the ways that ``Login`` offers.
        defaults: what its tokens are like where nobody says otherwise.
        names_in_path: whether it is ``login/<name>`` rather than ``login``.
        shown: fields of a login that audit lines show, hashed; the others may be a secret.
        renew: what it takes to renew its tokens, given what would renew one; ``None`` if nothing more.
        further: paths on other ways to a token, each with what begins there; they take no token either.

    Attributes are as the arguments, and ``table``, in which the routes are found.
    """

    def __init__(
        self,
        routes: tuple[AuthRoute, ...],
        log_in: Callable[[Login], None],
        defaults: Defaults,
        *,
        names_in_path: bool = False,
        shown: frozenset[str] = frozenset({"role"}),
        renew: Renew | None = None,
        further: Mapping[tuple[str, Operation], Callable[[Login], None]] = MappingProxyType({}),
    ) -> None:
        self.table = RouteTable(tuple(_row(route) for route in routes))
        self.creating = frozenset(route.pattern for route in routes if route.creates)
        self.defaults = defaults
        self.names_in_path = names_in_path
        self.shown = shown
        self.renew = renew
        self.further = further
        self._log_in = log_in

    def entrance(self, path: str, operation: Operation) -> Callable[[Login], None] | None:
        """Return what begins at ``path``, below a mount, without a token; ``None`` if it takes one."""
        is_login = path == "login"
        if self.names_in_path:
            is_login = path.startswith("login/") and path.count("/") == 1
        if is_login and operation is Operation.WRITE:
            return self._log_in
        return self.further.get((path, operation))


def _row(route: AuthRoute) -> Route:
    # ``dispatch`` calls these handlers with an ``AuthVisit`` only.
    return Route(route.pattern, route.operation, cast("Handler", route.handler))
