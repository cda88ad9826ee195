"""Both wires of a storage node in this process: one way to call a method, and one form of answer."""

import asyncio
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.dialect import SdkDialect
from holdfast.api.sdk.grpc.grpc_server import GrpcServer
from holdfast.api.sdk.rows import ROWS
from holdfast.http.message import Request

CALL_SECONDS = 60
_BY_NAME = {f"{row.api.service}.{row.api.method}": row for row in ROWS}


@dataclass
class Answer:
    """What came of a call: ``code`` is gRPC's, whichever wire it was; ``http`` is 0 for gRPC."""

    code: int
    body: dict = field(default_factory=dict)
    message: str = ""
    reason: str = ""
    metadata: dict = field(default_factory=dict)
    http: int = 0

    @property
    def gate(self) -> str:
        return self.metadata.get("gate", "")


class GrpcWire:
    """A gRPC server on a loopback port, and a channel to it."""

    name = "grpc"

    def __init__(self, calls: Calls) -> None:
        self.server = GrpcServer(calls)
        self.port = self.server.listen("127.0.0.1", 0)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")

    def close(self) -> None:
        self.channel.close()
        self.server.stop(1)

    def call(self, name, request=None, *, token=None, authorization=None, metadata=()) -> Answer:
        row = _BY_NAME[name]
        metadata = (*metadata, *(("authorization", value) for value in _credentials(token, authorization)))
        method = self.channel.unary_unary(
            row.api.full_method, lambda message: message.SerializeToString(), row.response.FromString
        )
        try:
            response = method(
                ParseDict(request or {}, row.request()), metadata=metadata, timeout=CALL_SECONDS
            )
        except grpc.RpcError as error:
            return grpc_refusal(error)
        return Answer(0, MessageToDict(response, preserving_proto_field_name=True))


def grpc_refusal(error) -> Answer:
    """Return what a failed call said: code, text, and the details in its trailing metadata."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status, info = Status.FromString(value), ErrorInfo()
            assert (status.code, status.message) == (error.code().value[0], error.details())
            assert status.details[0].Unpack(info)
            return Answer(
                status.code, message=status.message, reason=info.reason, metadata=dict(info.metadata)
            )
    return Answer(error.code().value[0], message=error.details())


class RestWire:
    """The REST side, request bytes to answer bytes, without a socket."""

    name = "rest"

    def __init__(self, calls: Calls) -> None:
        self.dialect = SdkDialect(calls)

    def close(self) -> None:
        self.dialect.close()

    def call(self, name, request=None, *, token=None, authorization=None, metadata=()) -> Answer:
        row, request = _BY_NAME[name], dict(request or {})
        (route, *_) = row.routes
        path = "/".join(
            request.pop(part[1:-1], "-") if part.startswith("{") else part for part in route.path.split("/")
        )
        body = json.dumps(request).encode() if route.has_body else b""
        query = "" if route.has_body or not request else "?" + urlencode(request)
        headers = {key.encode(): value.encode() for key, value in metadata}
        values = _credentials(token, authorization)
        if values:
            headers[b"authorization"] = ", ".join(values).encode()  # as the listener joins several
        target = f"/v1/{path}{query}".encode()
        answer = self.dialect.answer(
            Request(route.verb, target, headers, body, "127.0.0.1:9", asyncio.Transport())
        )
        head, _, payload = answer.partition(b"\r\n\r\n")
        status, told = int(head.split()[1]), json.loads(payload)
        if status == 200:
            return Answer(0, told, http=status)
        (detail,) = told["details"]
        assert told["error"] == told["message"]
        return Answer(
            told["code"],
            message=told["message"],
            reason=detail["reason"],
            metadata=detail.get("metadata", {}),
            http=status,
        )


def _credentials(token, authorization) -> list[str]:
    if authorization is None:
        return [] if token is None else [f"bearer {token}"]
    return [authorization] if isinstance(authorization, str) else list(authorization)
