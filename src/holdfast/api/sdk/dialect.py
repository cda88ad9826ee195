"""The REST side of the table: one request in, one answer out. Route, gates, message, call, body.

A stream is answered with 200 once its request was found good, and then with one line for each response:

    {"result": {...}}
    {"error": {...}}     the last line, if it ends with an error

Each has a thread of its own, of which there are as many as there may be streams.

The work blocks (it runs programs, waits for the provider), so it happens in threads, of which there are more
while some of them wait (``threads``); the event loop only hands requests over and answers back. When too many
wait, a request is refused at once with 503 instead of queueing behind them.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import BoundedSemaphore, Event
from typing import Any, NamedTuple

from google.protobuf.message import Message

from holdfast.api.sdk.calls import Calls, Refusal, told
from holdfast.api.sdk.errors import error_answer, error_part
from holdfast.api.sdk.json_messages import message_object, read_body, set_parameter, write_body
from holdfast.api.sdk.pages import PAGES, Page
from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.streams import MAX_STREAMS, REFUSERS
from holdfast.api.sdk.table import NEVER, Call, Route, Row
from holdfast.api.sdk.threads import Threads
from holdfast.errors import (
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.formats.strict_json import encode
from holdfast.http.answers import Reply
from holdfast.http.message import Request, build_head, build_response
from holdfast.http.parts import Parts
from holdfast.model import parse_target
from holdfast.node.api import Api

FEW_WORKERS, MOST_WORKERS = 8, 64
MAX_UNANSWERED = 128
API_VERSION = "v1"


class Target(NamedTuple):
    """What a request is about: a row of the table, and how it was found.

    Attributes:
        row: the method.
        route: the way to it.
        parameters: fields of its request that stand in the path.
        query: those that stand behind it.
    """

    row: Row
    route: Route
    parameters: Mapping[str, str]
    query: tuple[tuple[str, str], ...]


class SdkDialect:
    """Answers requests of the SDK's gateway.

    Args:
        calls: the node's calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._pool = Threads(FEW_WORKERS, MOST_WORKERS, name="sdk")
        self._room = BoundedSemaphore(MAX_UNANSWERED)
        self._streaming = ThreadPoolExecutor(MAX_STREAMS + REFUSERS, thread_name_prefix="sdk-stream")
        self._stream_room = BoundedSemaphore(2 * MAX_STREAMS)
        found = [(tuple(route.path.split("/")), route, row) for row in ROWS for route in row.routes]
        # A path that is written out goes before one with a parameter in its place.
        self._routes = sorted(found, key=lambda entry: [part.startswith("{") for part in entry[0]])

    def __call__(self, request: Request, reply: Reply) -> None:
        """Take one request on the event loop's thread; ``reply`` is called there as well, once."""
        loop = asyncio.get_running_loop()
        if not self._room.acquire(blocking=False):
            reply(_refusal(UnavailableError("the node has too many requests under way; try again")))
            return

        def answer() -> None:
            try:
                answer = self.answer(request)
                if isinstance(answer, Target):
                    loop.call_soon_threadsafe(self._begin_stream, request, answer, reply)
                else:
                    loop.call_soon_threadsafe(reply, answer)
            finally:
                self._room.release()

        self._pool.submit(answer)

    def end_streams(self) -> None:
        """Tell every stream that it is over, and those that come."""
        self._calls.streams.end()

    def close(self) -> None:
        """Finish the requests under way."""
        self.end_streams()
        for _ in range(MAX_UNANSWERED):
            self._room.acquire()  # the last of them is free when the last request is answered
        self._pool.close()
        self._streaming.shutdown(cancel_futures=True)

    def answer(self, request: Request) -> bytes | Target:
        """Return the complete answer to one request, or which stream it asks for; never raises."""
        try:
            raw = parse_target(request.target)
            page = PAGES.get(tuple(filter(None, raw.path.segments)))
            if page is not None and request.method == "GET":
                return self._show(page, request)
            target = Target(*self._find(request.method, raw.path.segments), raw.query)
            return target if target.row.streams else build_response(200, self._call(request, target))
        except Refusal as refusal:
            return _refusal(refusal.error, refusal.request)
        except Exception as error:  # noqa: BLE001 - the last resort: a defect is logged and answered
            return _refusal(told(error))

    def _show(self, page: Page, request: Request) -> bytes:
        if page.api is not None:
            with self._passing(page.api, request):
                return page.answer(self._calls)
        return page.answer(self._calls)

    def _passing(self, api: Api, request: Request, over: Event = NEVER) -> AbstractContextManager[Call]:
        headers = request.headers
        return self._calls.passing(
            api,
            headers.get(b"authorization", b""),
            headers.get(b"correlation-context-id", b""),
            peer=request.peer,
            over=over,
        )

    def _call(self, request: Request, target: Target) -> bytes:
        with self._passing(target.row.api, request) as call:
            answer: Message = target.row.handle(call, _read(target, request.body))
            return write_body(answer)

    def _begin_stream(self, request: Request, target: Target, reply: Reply) -> None:
        """Give a stream a thread; on the event loop's thread, as everything that replies."""
        if not self._stream_room.acquire(blocking=False):
            reply(_refusal(UnavailableError("the node has too many requests under way; try again")))
            return
        loop, chunked = asyncio.get_running_loop(), request.takes_chunks
        parts = Parts(build_head(chunked=chunked), chunked=chunked)

        def work() -> None:
            try:
                refused = self._stream(
                    request, target, parts, lambda: loop.call_soon_threadsafe(reply, parts)
                )
                if refused is not None:
                    loop.call_soon_threadsafe(reply, refused)
            finally:
                self._stream_room.release()

        self._streaming.submit(work)

    def _stream(
        self, request: Request, target: Target, parts: Parts, begin: Callable[[], object]
    ) -> bytes | None:
        """Answer in parts; return a refusal that came before the first of them."""
        row, streams, has_begun = target.row, self._calls.streams, False
        try:
            with (
                streams.listening(parts.over),
                self._passing(row.api, request, parts.over) as call,
                streams.counted(call.admission.principal),
            ):
                responses: Iterator[Message] = row.handle(call, _read(target, request.body))
                begin()
                has_begun = True
                for response in responses:
                    if not parts.send(_line("result", message_object(response))):
                        break
        except Refusal as refusal:
            if not has_begun:
                return _refusal(refusal.error, refusal.request)
            parts.send(_line("error", error_part(refusal.error, request=refusal.request)))
        parts.end()
        return None

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


def _read(target: Target, body: bytes) -> Message:
    """Put the request message together from body, query and path."""
    row, route, parameters, query = target
    if not row.served:
        return row.request()  # whatever is asked for, the answer is that it is not served
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


def _line(name: str, value: Mapping[str, Any]) -> bytes:
    return encode({name: value}) + b"\n"


def _refusal(error: HoldfastError, request: str = "") -> bytes:
    status, body = error_answer(error, request=request)
    return build_response(status, body)
