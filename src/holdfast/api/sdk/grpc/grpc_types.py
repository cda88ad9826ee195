"""The types of gRPC that our handlers are of: bytes in, bytes out."""

from typing import TYPE_CHECKING, TypeAlias

import grpc

if TYPE_CHECKING:
    Handlers: TypeAlias = grpc.GenericRpcHandler[bytes, bytes]
    Handler: TypeAlias = grpc.RpcMethodHandler[bytes, bytes]
else:
    Handlers = grpc.GenericRpcHandler
    Handler = grpc.RpcMethodHandler
