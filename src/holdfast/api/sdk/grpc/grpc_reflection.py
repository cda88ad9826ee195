"""The standard reflection service: what services and messages there are, for those who may ask.

It is guarded like every other API: of the default roles only ``system.admin`` reaches it. Both names that
tools ask for are served; the messages are the same.
"""

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha.reflection import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from holdfast.api.sdk.grpc.grpc_calls import GrpcCalls
from holdfast.api.sdk.grpc.grpc_health import SERVICE as HEALTH
from holdfast.api.sdk.grpc.grpc_types import Handler, Handlers
from holdfast.api.sdk.rows import SERVICE_NAMES
from holdfast.api.sdk.table import Call
from holdfast.errors import InvalidInputError
from holdfast.node.apis import REFLECTION

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection(Handlers):
    """Describes the SDK.

    Args:
        calls: the gRPC side of the table.
    """

    def __init__(self, calls: GrpcCalls) -> None:
        self._servicer: Any = ReflectionServicer((*SERVICE_NAMES, HEALTH, *SERVICES))
        handler = calls.stream_handler(REFLECTION, self._answer)
        self._handlers = {f"/{service}/{REFLECTION.method}": handler for service in SERVICES}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of a method; ``None`` makes gRPC answer that there is none."""
        return self._handlers.get(handler_call_details.method)

    def _answer(self, requests: Iterator[bytes], call: Call) -> Iterator[bytes]:
        for response in self._servicer.ServerReflectionInfo(_read(requests, call), None):
            yield response.SerializeToString()


def _read(requests: Iterator[bytes], call: Call) -> Iterator[ServerReflectionRequest]:
    for body in requests:
        call.recheck()
        request = ServerReflectionRequest()
        try:
            request.ParseFromString(body)
        except DecodeError:
            raise InvalidInputError("expected a message ServerReflectionRequest") from None
        yield request
