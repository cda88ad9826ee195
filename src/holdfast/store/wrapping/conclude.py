"""The end of every request that was not refused: its answer, or a one-time token that stands for it."""

from collections.abc import Callable
from functools import partial

from holdfast.audit import AuditEntry
from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.store.audit.trail import AuditTrail
from holdfast.store.command import Command
from holdfast.store.request import Answer, Done, StoreRequest
from holdfast.store.wrapping.commands import WrapAnswer

Submit = Callable[[Command, Done], None]


def refuse_wrapping(request: StoreRequest) -> None:
    """Return unless an answer that anybody can have is to be kept: nobody fills the store without a token.

    Raises:
        InvalidInputError: it is.
    """
    if request.wrap_seconds:
        raise InvalidInputError("X-Vault-Wrap-TTL: expected none; what anybody is told is not kept for later")


class Conclusion:
    """Gives answers, wrapped for those who asked for that.

    Args:
        submit: hands a command to the keeper.
        audit: the audit trail; an answer that is wrapped is on record only as what stands for it.
        clock: stamps the lines.
    """

    def __init__(self, submit: Submit, audit: AuditTrail, clock: Clock) -> None:
        self._submit = submit
        self._audit = audit
        self._clock = clock

    def give(self, request: StoreRequest, entry: AuditEntry, answer: Answer, now: float, done: Done) -> None:
        """Record the answer and send it; or keep it, and record and send what stands for it.

        An answer that says nothing is not worth a token, and what stands for an answer is not wrapped again.
        """
        if not request.wrap_seconds or answer.is_empty or answer.wrapped is not None:
            self._audit.answered(entry, answer, now, done)
            return
        command = WrapAnswer(path=request.path, seconds=request.wrap_seconds, answer=answer)
        self._submit(command.within(request.within.uuid), partial(self._kept, entry, done))

    def _kept(self, entry: AuditEntry, done: Done, outcome: Answer | HoldfastError) -> None:
        if isinstance(outcome, HoldfastError):
            self._audit.failed(entry, outcome, self._clock.now(), done)
        else:
            self._audit.answered(entry, outcome, self._clock.now(), done)
