"""From a gRPC call to the table and back: metadata, request bytes, response bytes, status.

gRPC hands over bytes, not messages: they are looked at only after the gates. The stream form of a handler is
used for unary calls, too, because the other form waits for the message before it calls anybody: then a caller
who may do nothing could keep a thread by sending headers and no more.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from holdfast.api.sdk.calls import Calls, Refusal
from holdfast.api.sdk.errors import Code, classify, status_details
from holdfast.api.sdk.grpc.grpc_metadata import all_of, first_of, peer_of
from holdfast.api.sdk.grpc.grpc_patience import MESSAGE_SECONDS, Patience
from holdfast.api.sdk.grpc.grpc_types import Handler, Handlers
from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.streams import MAX_STREAMS, REFUSERS
from holdfast.api.sdk.table import NEVER, Call, Row
from holdfast.errors import InvalidInputError
from holdfast.node.api import Api

M = TypeVar("M", bound=Message)
Answer = Callable[[Iterator[bytes], Call], Iterator[bytes]]


class GrpcCalls(Handlers):
    """Handlers of every row.

    Args:
        calls: the node's calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stream_pool = ThreadPoolExecutor(MAX_STREAMS + REFUSERS, thread_name_prefix="grpc-stream")
        self._patience = Patience(MESSAGE_SECONDS)
        self._handlers = {row.api.full_method: self._handler(row) for row in ROWS}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of a method; ``None`` makes gRPC answer that there is none."""
        return self._handlers.get(handler_call_details.method)

    def end_streams(self) -> None:
        """Tell every stream that it is over, and those that come."""
        self._calls.streams.end()

    def close(self) -> None:
        """Give the threads up, once the streams have ended."""
        self._patience.close()
        self._stream_pool.shutdown(cancel_futures=True)

    def stream_handler(self, api: Api, answer: Answer) -> Handler:
        """Return the handler of a method that answers for as long as the caller listens.

        Args:
            api: what is called.
            answer: makes responses of the call and its requests.
        """

        def behave(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            over, streams = Event(), self._calls.streams
            if not context.add_callback(over.set):
                over.set()
            with (
                _answering(context),
                streams.listening(over),
                self._passing(api, context, over) as call,
                streams.counted(call.admission.principal),
            ):
                yield from answer(self._patience.first(requests, context), call)

        # gRPC looks for this attribute, and lets the behaviour run there.
        behave.experimental_thread_pool = self._stream_pool  # type: ignore[attr-defined]
        return grpc.stream_stream_rpc_method_handler(behave)

    def _handler(self, row: Row) -> Handler:
        if row.streams:

            def answer(requests: Iterator[bytes], call: Call) -> Iterator[bytes]:
                for response in row.handle(call, read_message(requests, row.request)):
                    yield response.SerializeToString()

            return self.stream_handler(row.api, answer)

        def behave(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            with _answering(context), self._passing(row.api, context) as call:
                # Whatever is asked for of a method that is not served, the answer is that it is not.
                request = row.request()
                if row.served:
                    request = read_message(self._patience.first(requests, context), row.request)
                response: Message = row.handle(call, request)
                return response.SerializeToString()

        return grpc.stream_unary_rpc_method_handler(behave)

    @contextmanager
    def _passing(self, api: Api, context: grpc.ServicerContext, over: Event = NEVER) -> Iterator[Call]:
        metadata = context.invocation_metadata()
        with self._calls.passing(
            api,
            # Two of them make none that is well-formed.
            b", ".join(all_of(metadata, "authorization")),
            first_of(metadata, "correlation-context-id"),
            peer=peer_of(context.peer()),
            over=over,
        ) as call:
            yield call


def read_message(requests: Iterator[bytes], kind: type[M]) -> M:
    """Read the one message of a call.

    Raises:
        InvalidInputError: there is none, it is malformed, or it has fields that this node does not know: what
            they ask for would be left undone without a word.
    """
    name = kind.DESCRIPTOR.name
    body = next(requests, None)
    if body is None:
        raise InvalidInputError(f"expected a message {name}, and got none")
    message = kind()
    if not body:
        return message
    try:
        message.ParseFromString(body)
    except DecodeError:
        problem = f"expected a message {name}, and got bytes that are none"
    else:
        problem = ""
    if problem:
        raise InvalidInputError(problem)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        where = ".".join((name, *_way_to_unknown(kind.FromString(body))))
        raise InvalidInputError(f"{where}: expected no field that this API does not have")
    return message


def _way_to_unknown(message: Message) -> tuple[str, ...]:
    """Return which fields lead to the part of a message that has unknown ones; nothing if it does itself."""
    if len(UnknownFieldSet(message)):
        return ()
    for field, value in message.ListFields():
        for part in (value,) if isinstance(value, Message) else _parts(value):
            size = part.ByteSize()
            known = type(part).FromString(part.SerializeToString())
            known.DiscardUnknownFields()
            if known.ByteSize() != size:
                return (field.name, *_way_to_unknown(part))
    return ()


def _parts(value: Any) -> list[Message]:
    """Return the messages in a repeated field or a map; none if it has others."""
    values = value.values() if hasattr(value, "values") else value
    return [part for part in values if isinstance(part, Message)] if hasattr(values, "__iter__") else []


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn a refusal into a status, with its reason among the details."""
    try:
        yield
    except Refusal as refusal:
        code = classify(refusal.error)[0]
        details = status_details(refusal.error, request=refusal.request)
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        _abort(context, code, refusal.error.message)


def _abort(context: Any, code: Code, message: str) -> None:
    context.abort(grpc.StatusCode[code.name], message)
