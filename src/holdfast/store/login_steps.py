"""The steps of a login, whichever kind it is: some wait, and whatever one of them raises is put on record.

A login begins without a token. Each of its steps goes on to the next, or hands slow work to somebody else who
comes back with the outcome; the last one answers. Before each step the process is as new as the moment
demands, since the step before may have changed something, or another node meanwhile. Whatever a step raises
ends the login in a refusal that is on record; a defect fails closed like the rest.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from holdfast.audit import AuditEntry
from holdfast.clock import Clock
from holdfast.errors import HoldfastError, SealedError
from holdfast.store.audit.trail import AuditTrail
from holdfast.store.command import Command
from holdfast.store.open_store import OpenStore
from holdfast.store.refusal import refusal_of
from holdfast.store.request import Answer, Done

Offload = Callable[[Callable[[], Any], Callable[[Any], None]], None]
"""Runs work elsewhere; its result, or the exception that it raised, comes back to the second argument."""


def run_here(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """Run work at once, for a store without an event loop."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for the result
        result = error
    done(result)


class Host(Protocol):
    """What a login needs of the store that it is for."""

    @property
    def opened(self) -> OpenStore | None:
        """The open store; ``None`` while it is sealed."""
        ...

    def submit(self, command: Command, done: Done) -> None:
        """Hand a command to the keeper; ``done`` gets its outcome."""
        ...

    def follow_nodes(self) -> None:
        """Be as new as the moment demands, on storage that nodes share."""
        ...


class Desk(Protocol):
    """Where logins of one kind arrive."""

    host: Host
    audit: AuditTrail
    clock: Clock
    offload: Offload


class LoginSteps:
    """One login on its way.

    Args:
        desk: where it arrived.
        request_id: names it in the log.
        done: gets the answer.
        again: serves the login anew if another node was in its way, and tells whether it does.

    Attributes:
        entry: its line on record, once there is one.
    """

    def __init__(
        self, desk: Desk, request_id: str, done: Done, *, again: Callable[[Exception], bool] | None = None
    ) -> None:
        self.entry: AuditEntry | None = None
        self._desk = desk
        self._request_id = request_id
        self._done = done
        self._again = again or (lambda _error: False)

    @property
    def opened(self) -> OpenStore:
        """The open store, asked for anew: it may have been sealed, or rotated, since the last step."""
        opened = self._desk.host.opened
        if opened is None:
            raise SealedError
        return opened

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._desk.clock.now()

    def step(self, step: Callable[[], None]) -> None:
        """Take a step."""
        try:
            self._desk.host.follow_nodes()
            step()
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            self._refuse(error)

    def then(self, step: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what takes the outcome of something slow and goes on with ``step``, or refuses."""

        def proceed(outcome: Any) -> None:
            if isinstance(outcome, Exception):
                self._refuse(outcome)
            else:
                self.step(partial(step, outcome))

        return proceed

    def work(self, work: Callable[[], Any], step: Callable[[Any], None]) -> None:
        """Have ``work`` done beside the event loop; it takes the processor. Then take the next step."""
        self._desk.offload(work, self.then(step))

    def ask(self, command: Command, step: Callable[[Answer], None]) -> None:
        """Hand the keeper a command. Then take the next step."""
        self._desk.host.submit(command, self.then(step))

    def tell(self, command: Command) -> None:
        """Tell the keeper something whose outcome does not matter to this login."""
        self._desk.host.submit(command, _forget)

    def _refuse(self, error: Exception) -> None:
        if self._again(error):
            return
        refusal = refusal_of(self._request_id, error)
        if self.entry is None:
            self._done(refusal)
        else:
            self._desk.audit.failed(self.entry, refusal, self.now, self._done, remark=refusal.detail)


def _forget(_outcome: Answer | HoldfastError) -> None:
    """Take an outcome that changes nothing for the login."""
