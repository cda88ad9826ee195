"""The REST side of the table: one request in, one answer out. Route, gates, message, call, body.

The work blocks (it runs programs, waits for the provider), so it happens in threads, of which there are more
while some of them wait (``threads``); the event loop only hands requests over and answers back. When too many
wait, a request is refused at once with 503 instead of queueing behind them.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from threading import BoundedSemaphore

from google.protobuf.message import Message

from holdfast.api.sdk.calls import Calls, Refusal, told
from holdfast.api.sdk.errors import error_answer
from holdfast.api.sdk.json_messages import read_body, set_parameter, write_body
from holdfast.api.sdk.pages import PAGES, Page
from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.table import Call, Route, Row
from holdfast.api.sdk.threads import Threads
from holdfast.errors import (
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.http.message import Request, build_response
from holdfast.model import parse_target
from holdfast.model.path import Target
from holdfast.node.api import Api

FEW_WORKERS, MOST_WORKERS = 8, 64
MAX_UNANSWERED = 128
API_VERSION = "v1"


class SdkDialect:
    """Answers requests of the SDK's gateway.

    Args:
        calls: the node's calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._pool = Threads(FEW_WORKERS, MOST_WORKERS, name="sdk")
        self._room = BoundedSemaphore(MAX_UNANSWERED)
        found = [(tuple(route.path.split("/")), route, row) for row in ROWS for route in row.routes]
        # A path that is written out goes before one with a parameter in its place.
        self._routes = sorted(found, key=lambda entry: [part.startswith("{") for part in entry[0]])

    def __call__(self, request: Request, reply: Callable[[bytes], None]) -> None:
        """Take one request on the event loop's thread; ``reply`` is called there as well, once."""
        loop = asyncio.get_running_loop()
        if not self._room.acquire(blocking=False):
            reply(_refusal(UnavailableError("the node has too many requests under way; try again")))
            return

        def work() -> None:
            try:
                loop.call_soon_threadsafe(reply, self.answer(request))
            finally:
                self._room.release()

        self._pool.submit(work)

    def close(self) -> None:
        """Finish the requests under way."""
        for _ in range(MAX_UNANSWERED):
            self._room.acquire()  # the last of them is free when the last request is answered
        self._pool.close()

    def answer(self, request: Request) -> bytes:
        """Return the complete answer to one request; never raises."""
        try:
            target = parse_target(request.target)
            page = PAGES.get(tuple(filter(None, target.path.segments)))
            if page is not None and request.method == "GET":
                return self._show(page, request)
            return build_response(200, self._call(request, target))
        except Refusal as refusal:
            return _refusal(refusal.error, refusal.request)
        except Exception as error:  # noqa: BLE001 - the last resort: a defect is logged and answered
            return _refusal(told(error))

    def _show(self, page: Page, request: Request) -> bytes:
        if page.api is not None:
            with self._passing(page.api, request):
                return page.answer(self._calls)
        return page.answer(self._calls)

    def _passing(self, api: Api, request: Request) -> AbstractContextManager[Call]:
        headers = request.headers
        return self._calls.passing(
            api,
            headers.get(b"authorization", b""),
            headers.get(b"correlation-context-id", b""),
            peer=request.peer,
        )

    def _call(self, request: Request, target: Target) -> bytes:
        row, route, parameters = self._find(request.method, target.path.segments)
        with self._passing(row.api, request) as call:
            if row.streams:
                raise UnsupportedError(f"{row.api.service}.{row.api.method} is a stream, which gRPC offers")
            message = _read(row, route, request.body, parameters, target.query)
            answer: Message = row.handle(call, message)
            return write_body(answer)

    def _find(self, verb: str, segments: tuple[str, ...]) -> tuple[Row, Route, Mapping[str, str]]:
        other_verb = False
        if segments[:1] == (API_VERSION,):
            for pattern, route, row in self._routes:
                parameters = _match(pattern, segments[1:])
                if parameters is not None:
                    if route.verb == verb:
                        return row, route, parameters
                    other_verb = True
        if other_verb:
            raise UnsupportedError("this path is there, but not for this method")
        raise NotFoundError("no such path; see the SDK's routes below /v1")


def _read(
    row: Row,
    route: Route,
    body: bytes,
    parameters: Mapping[str, str],
    query: tuple[tuple[str, str], ...],
) -> Message:
    """Put the request message together from body, query and path."""
    if route.has_body:
        if query:
            raise InvalidInputError("query: expected none; this API takes all of its request from the body")
        message = read_body(body, row.request)
        present = message.DESCRIPTOR.fields_by_name
        for name, text in parameters.items():
            if getattr(message, name) not in {present[name].default_value, text}:
                raise InvalidInputError(f"body.{name}: expected what the path says, or nothing")
    else:
        if body:
            raise InvalidInputError("body: expected none; this API takes its request from path and query")
        message = row.request()
        for name, text in query:
            if name in parameters:
                raise InvalidInputError(f"query: {name} stands in the path")
            set_parameter(message, name, text, where="query")
    for name, text in parameters.items():
        set_parameter(message, name, text, where="path")
    return message


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    parameters: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            parameters[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return parameters


def _refusal(error: HoldfastError, request: str = "") -> bytes:
    status, body = error_answer(error, request=request)
    return build_response(status, body)
