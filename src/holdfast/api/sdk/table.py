"""The shape of the one table that every call goes through, whichever way it came.

A row says which method of which service it is, what it takes and gives, how to make the call once the caller
was admitted, and where the REST side finds it. gRPC and REST read the same rows, so that there is one gate,
one handler and one answer. A method without a handler still has a row: the gates come before "not served".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from holdfast.errors import InternalError, UnsupportedError
from holdfast.node.api import Admission, Api, Operation
from holdfast.node.node import Node

PACKAGE = "openstorage.api"
PREFIX = "OpenStorage"
NEVER = Event()  # is never set

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose caller was admitted.

    Attributes:
        node: the node.
        admission: of the caller.
        over: set when the caller is gone or the node stops; for calls that go on for long.
        recheck: raises once the caller may not make this call any more; likewise.
    """

    node: Node
    admission: Admission
    over: Event
    recheck: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the REST side finds a method.

    Attributes:
        verb: HTTP method.
        path: below ``/v1``; a segment in braces is a field of the request.
    """

    verb: str
    path: str

    @property
    def has_body(self) -> bool:
        """Whether the request message travels in the body; otherwise in path and query."""
        return self.verb in {"POST", "PUT"}


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Attributes:
        api: service and method, as roles and the audit log name them.
        request: what it takes.
        response: what it gives; for a stream, each part.
        handle: makes the call.
        routes: the REST side's ways to it.
        streams: it answers with any number of responses.
        served: it does something; otherwise it says that it does not.
        summary: what it does, in one line.
    """

    api: Api
    request: type[Message]
    response: type[Message]
    handle: Callable[[Call, Any], Any]
    routes: tuple[Route, ...]
    streams: bool = False
    served: bool = True
    summary: str = ""


def serve(
    operation: Operation[Any, Any, Any],
    request: type[Request],
    response: type[Response],
    handle: Callable[[Call, Request], Response],
    *routes: str,
) -> Row:
    """Return the row of a method that answers once.

    Args:
        operation: what is called; names service and method.
        request: what the method takes.
        response: what it gives.
        handle: reads the request, makes the call, words the answer.
        routes: verb and path of each way that the REST side has to it, such as ``GET volumes``.
    """
    return Row(operation.api, request, response, handle, _routes(routes), summary=_summary(operation))


def stream(
    operation: Operation[Any, Any, Any],
    request: type[Request],
    response: type[Response],
    handle: Callable[[Call, Request], Iterator[Response]],
    *routes: str,
) -> Row:
    """Return the row of a method that answers with any number of responses."""
    return Row(
        operation.api,
        request,
        response,
        handle,
        _routes(routes),
        streams=True,
        summary=_summary(operation),
    )


def unserved(service: str, method: str, *routes: str) -> Row:
    """Return the row of a method that the SDK has and this node does not serve."""
    described = describe(service, method)
    return Row(
        Api(service, method),
        GetMessageClass(described.input_type),
        GetMessageClass(described.output_type),
        _refuse,
        _routes(routes),
        streams=described.server_streaming,
        served=False,
    )


def describe(service: str, method: str) -> MethodDescriptor:
    """Return what the ``.proto`` files say about a method.

    Raises:
        InternalError: they do not have it.
    """
    try:
        found = descriptor_pool.Default().FindServiceByName(f"{PACKAGE}.{PREFIX}{service}")
        return found.methods_by_name[method]
    except KeyError:
        raise InternalError(f"{service}.{method} is in no .proto file") from None


def _refuse(call: Call, request: Message) -> Message:  # noqa: ARG001 - the shape of a handler
    api = call.admission.api
    raise UnsupportedError(f"{api.service}.{api.method} is not offered by this node")


def _routes(texts: tuple[str, ...]) -> tuple[Route, ...]:
    return tuple(Route(*text.split(" ")) for text in texts)


def _summary(operation: Operation[Any, Any, Any]) -> str:
    return (operation.__doc__ or "").partition("\n")[0]
