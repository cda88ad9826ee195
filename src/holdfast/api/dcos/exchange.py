"""One request of the DC/OS Secrets API and the one answer to it."""

from collections.abc import Callable
from functools import partial

from holdfast.api.credentials import token_of
from holdfast.api.dcos.errors import DOES_NOT_EXIST, refuse
from holdfast.engines.kv2 import Precondition
from holdfast.errors import HoldfastError, NotFoundError
from holdfast.formats.strict_json import JsonObject
from holdfast.http.message import Request, build_response
from holdfast.model.path import Target
from holdfast.store.core import Store
from holdfast.store.keeper_commands import KeeperCommand
from holdfast.store.request import EMPTY_BODY, Answer, Operation, StoreRequest

Reply = Callable[[bytes], None]
Render = Callable[[Answer], bytes]


class Exchange:
    """See the module.

    Args:
        store: where requests go.
        request: as it came.
        target: its target, parsed.
        request_id: for both audit lines.
        reply: called exactly once, now or after a commit.

    Attributes:
        token: as sent; empty if there was none.
    """

    __slots__ = ("_id", "_store", "reply", "request", "target", "token")

    def __init__(self, store: Store, request: Request, target: Target, request_id: str, reply: Reply) -> None:
        self._store = store
        self._id = request_id
        self.request = request
        self.target = target
        self.reply = reply
        self.token = token_of(request.method, request.headers)

    def flag(self, name: str) -> bool:
        """Whether a query parameter is on."""
        return self.target.parameter(name) in {"true", "1"}

    def serve(
        self,
        operation: Operation,
        path: str,
        render: Render,
        *,
        body: JsonObject = EMPTY_BODY,
        query: tuple[tuple[str, str], ...] = (),
        condition: Precondition = Precondition.NONE,
        secret_bytes: int = -1,
        otherwise: Callable[[Answer], None] | None = None,
    ) -> None:
        """Send one request through the store, and answer with what comes back.

        Args:
            operation: what to do.
            path: canonical path in the store.
            render: turns the answer into a response.
            body: of the request in the store.
            query: of the request in the store.
            condition: what must be at the path.
            secret_bytes: size of the secret in ``body``.
            otherwise: takes the answer in the place of ``render``, and answers itself.
        """
        store_request = StoreRequest(
            id=self._id,
            operation=operation,
            path=path,
            token=self.token,
            body=body,
            query=query,
            precondition=condition,
            peer=self.request.peer,
            secret_bytes=secret_bytes,
        )
        self._store.serve(store_request, partial(self._finish, render, otherwise))

    def control(self, command: KeeperCommand, render: Render) -> None:
        """Have the keeper do something that needs no token, and answer with what it says."""
        self._store.control(command, partial(self._finish, render, None))

    def refuse(self, error: HoldfastError) -> None:
        """Answer with an error."""
        self.reply(refuse(error))

    def _finish(
        self,
        render: Render,
        otherwise: Callable[[Answer], None] | None,
        outcome: Answer | HoldfastError,
    ) -> None:
        if isinstance(outcome, HoldfastError):
            self.refuse(outcome)
        elif otherwise is not None:
            otherwise(outcome)
        else:
            try:
                answer = render(outcome)
            except HoldfastError as error:
                answer = refuse(error)
            self.reply(answer)


def done_with(status: int, body: bytes = b"") -> Render:
    """Return what renders a success that says nothing but that; or that there was nothing."""

    def render(answer: Answer) -> bytes:
        if answer.missing:
            return refuse(NotFoundError(DOES_NOT_EXIST))
        return build_response(status, body)

    return render
