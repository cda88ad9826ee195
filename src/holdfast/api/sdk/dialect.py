"""One request in, one answer out: route, credential, gates, call, body.

The work blocks (it runs programs, waits for the provider), so it happens in a small pool of threads; the
event loop only hands requests over and answers back. When too many wait, a request is refused at once
with 503 instead of queueing behind them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from holdfast.api.sdk.errors import error_answer
from holdfast.api.sdk.routes import ROUTES, Call, Route
from holdfast.errors import (
    HoldfastError,
    InternalError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.formats.strict_json import encode
from holdfast.http.answers import report_defect
from holdfast.http.message import Request, build_response
from holdfast.model import parse_target
from holdfast.node.node import Node

WORKERS = 8
MAX_UNANSWERED = 64
API_VERSION = "v1"

_log = logging.getLogger(__name__)


class SdkDialect:
    """Answers requests of the SDK's gateway.

    Args:
        node: whose services are called.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sdk")
        self._room = BoundedSemaphore(MAX_UNANSWERED)
        self._routes = [(tuple(route.path.split("/")), route) for route in ROUTES]

    def __call__(self, request: Request, reply: Callable[[bytes], None]) -> None:
        """Take one request on the event loop's thread; ``reply`` is called there as well, once."""
        loop = asyncio.get_running_loop()
        if not self._room.acquire(blocking=False):
            reply(_refusal(UnavailableError("the node has too many requests under way; try again")))
            return

        def work() -> None:
            try:
                answer = self.answer(request)
            finally:
                self._room.release()
            loop.call_soon_threadsafe(reply, answer)

        self._pool.submit(work)

    def close(self) -> None:
        """Finish the requests under way."""
        self._pool.shutdown(wait=True)

    def answer(self, request: Request) -> bytes:
        """Return the complete answer to one request; never raises."""
        defect: Exception
        try:
            return build_response(200, encode(self._call(request)))
        except InternalError as error:
            defect = error
        except HoldfastError as error:
            if error.detail:
                _log.info("%s: %s", type(error).__name__, error.detail)
            return _refusal(error)
        except Exception as error:  # noqa: BLE001 - the last resort: a defect is logged and answered
            defect = error
        return _refusal(InternalError(report_defect(defect)))

    def _call(self, request: Request) -> dict[str, object]:
        route, parameters = self._find(request)
        token = bearer_token(request.headers)
        admission = self._node.admit(token, route.operation, peer=request.peer)
        return route.handle(Call(self._node, admission, parameters, request.body))

    def _find(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        segments = parse_target(request.target).path.segments
        other_method = False
        if segments[:1] == (API_VERSION,):
            for pattern, route in self._routes:
                parameters = _match(pattern, segments[1:])
                if parameters is not None:
                    if route.method == request.method:
                        return route, parameters
                    other_method = True
        if other_method:
            raise UnsupportedError("this path is there, but not for this method")
        raise NotFoundError("no such path; see the SDK's routes below /v1")


def bearer_token(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the token of a request, ``None`` if it has none and is a guest's.

    Raises:
        UnauthenticatedError: there is a credential, but not of the form ``bearer <token>``.
    """
    value = headers.get(b"authorization", b"").strip()
    if not value:
        return None
    scheme, blank, token = value.partition(b" ")
    if scheme.lower() != b"bearer" or not blank or not token.isascii():
        raise UnauthenticatedError("Invalid or missing authentication token", reason="malformed")
    return token.decode("ascii")


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


def _refusal(error: HoldfastError) -> bytes:
    status, body = error_answer(error)
    return build_response(status, body)
