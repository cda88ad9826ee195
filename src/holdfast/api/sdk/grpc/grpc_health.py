"""The standard health service (``grpc.health.v1``): open, because whoever asks may have no token yet.

``Watch`` is not offered: streams that need no token would let anybody take them all. Clients take that answer
for "healthy", as the standard has it. Health has threads of its own and little patience, for the same reason.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListResponse

from holdfast.api.sdk.grpc.grpc_patience import Patience
from holdfast.api.sdk.grpc.grpc_types import Handler, Handlers
from holdfast.api.sdk.rows import SERVICE_NAMES

SERVICE = "grpc.health.v1.Health"
MESSAGE_SECONDS = 2.0
_WORKERS = 4
_NAMES = frozenset({"", *SERVICE_NAMES})  # the empty name stands for the node as a whole


class Health(Handlers):
    """Says whether the node serves.

    Args:
        stopping: set when it stops.
        is_serving: whether its cluster lets it serve.
    """

    def __init__(self, stopping: Event, is_serving: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._is_serving = is_serving
        self._patience = Patience(MESSAGE_SECONDS)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="grpc-health")
        self._handlers = {
            f"/{SERVICE}/Check": self._handler(self._check),
            f"/{SERVICE}/List": self._handler(self._list),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of a method; ``None`` makes gRPC answer that there is none."""
        return self._handlers.get(handler_call_details.method)

    def close(self) -> None:
        """Give the threads up."""
        self._patience.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _handler(self, answer: Any) -> Handler:
        def behave(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            body = next(self._patience.first(requests, context), b"")
            response: bytes = answer(body, context)
            return response

        behave.experimental_thread_pool = self._pool  # type: ignore[attr-defined]
        return grpc.stream_unary_rpc_method_handler(behave)

    def _check(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        request = HealthCheckRequest()
        try:
            request.ParseFromString(body)
        except DecodeError:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "expected a message HealthCheckRequest")
        if request.service not in _NAMES:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return bytes(self._state().SerializeToString())

    def _list(self, body: bytes, context: grpc.ServicerContext) -> bytes:  # noqa: ARG002 - there is nothing in it
        states = HealthListResponse(statuses=dict.fromkeys(_NAMES, self._state()))
        return bytes(states.SerializeToString())

    def _state(self) -> HealthCheckResponse:
        serving = not self._stopping.is_set() and self._is_serving()
        return HealthCheckResponse(
            status=HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        )
