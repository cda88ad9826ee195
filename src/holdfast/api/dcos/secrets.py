"""Single secrets of the DC/OS API, and their names.

    PUT      sys path <mount>data/<path>      WRITE, must be absent
    PATCH    <mount>data/<path>               WRITE, must exist
    GET      <mount>data/<path>               READ
    DELETE   <mount>data/<path>               DELETE, must exist
    ?list    <mount>metadata/<path>/          SCAN

Deleted versions count as absent: DC/OS clients see the newest version or none.
"""

import msgspec

from holdfast.api.dcos.errors import DOES_NOT_EXIST
from holdfast.api.dcos.exchange import Exchange, done_with
from holdfast.api.dcos.values import read_value, show_value
from holdfast.engines.kv2 import Precondition
from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.formats.strict_json import encode
from holdfast.http.message import build_response
from holdfast.http.wrong_method import WrongMethodError
from holdfast.store.request import Answer, Operation

METHODS = ("GET", "PUT", "PATCH", "DELETE")


def serve_secret(exchange: Exchange, mount: str, path: str) -> None:
    """Answer a request for one secret, or for the names below a path.

    Raises:
        InvalidInputError: the path names no secret, or the body is none.
        WrongMethodError: the method is not one of this API.
    """
    method = exchange.request.method
    if method == "GET" and exchange.flag("list"):
        below = path if not path or path.endswith("/") else path + "/"
        exchange.serve(Operation.SCAN, f"{mount}metadata/{below}", _show_names)
        return
    if not path or path.endswith("/"):
        raise InvalidInputError("path: expected the name of a secret, without a slash at its end")
    place = f"{mount}data/{path}"
    if method == "GET":
        accept = exchange.request.headers.get(b"accept", b"")
        exchange.serve(Operation.READ, place, lambda answer: _show(answer, accept))
    elif method == "PUT":
        _write(exchange, place, Precondition.MUST_BE_ABSENT, 201, b"{}")
    elif method == "PATCH":
        _write(exchange, place, Precondition.MUST_EXIST, 204)
    elif method == "DELETE":
        exchange.serve(Operation.DELETE, place, done_with(204), condition=Precondition.MUST_EXIST)
    else:
        raise WrongMethodError(METHODS)


def _write(exchange: Exchange, place: str, condition: Precondition, status: int, answer: bytes = b"") -> None:
    body, size = read_value(exchange.request)
    exchange.serve(
        Operation.WRITE,
        place,
        done_with(status, answer),
        body=body,
        condition=condition,
        secret_bytes=size,
    )


def _show(answer: Answer, accept: bytes) -> bytes:
    if answer.missing or answer.data is None:
        raise NotFoundError(DOES_NOT_EXIST)
    kind, body = show_value(answer.data, accept)
    return build_response(200, body, content_type=kind)


def _show_names(answer: Answer) -> bytes:
    names = [] if answer.data is None else msgspec.json.decode(answer.data)["keys"]
    return build_response(200, encode({"array": names}))
