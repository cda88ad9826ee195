"""The IAM API below ``/acs/api/v1/``: bytes in, one store request; one answer, bytes out.

Nothing is decided here. All paths but those below ``auth/`` need the token of a superuser: a user of the IAM,
or the root token of the store.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from secrets import token_hex

import msgspec

from holdfast.api.credentials import is_from_elsewhere, token_of
from holdfast.api.iam import session
from holdfast.api.iam.errors import MediaTypeError, NotAcceptableError, refuse
from holdfast.api.iam.openapi import document
from holdfast.api.iam.rows import Row, find_row
from holdfast.api.iam.target import Query, Segments, read_target, store_path
from holdfast.errors import HoldfastError, PermissionDeniedError
from holdfast.formats.strict_json import JsonObject, decode_object, encode
from holdfast.http.message import Request, build_response
from holdfast.http.wrong_method import WrongMethodError
from holdfast.store.core import Store
from holdfast.store.request import EMPTY_BODY, Answer, Operation, StoreRequest

JSON_TYPES = frozenset({b"", b"application/json"})
_ACCEPTED = frozenset({b"", b"*/*", b"application/*", b"application/json"})

LOGIN = ("auth", "login")
LOGOUT = ("auth", "logout")
JWKS = ("auth", "jwks")
PROVIDERS = ("auth", "providers")
DOCUMENT = ("openapi.json",)

Reply = Callable[[bytes], None]


class IamDialect:
    """Answers requests below ``/acs/api/v1/``.

    Args:
        store: where requests go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids = count()
        self._id_prefix = token_hex(10)

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request; ``reply`` is called exactly once, now or later."""
        try:
            segments, query = read_target(request.target)
            _check_accept(request.headers)
            if segments in {LOGIN, LOGOUT, JWKS, PROVIDERS, DOCUMENT}:
                self._session(request, segments, reply)
            else:
                self._serve(request, segments, query, find_row(request.method, segments), reply)
        except HoldfastError as error:
            reply(refuse(error))

    def _session(self, request: Request, segments: Segments, reply: Reply) -> None:
        secure = request.transport.get_extra_info("ssl_object") is not None
        if segments in {LOGIN, LOGOUT} and is_from_elsewhere(request.headers):
            # Its answer would set or take a cookie here, for a page that knows the visitor as somebody else.
            raise PermissionDeniedError(
                "Origin: expected that of this address; log in and out on its own page"
            )
        match segments, request.method:
            case (("auth", "login"), "POST"):
                attempt = session.read_login(_body(request), request_id=self._next_id(), peer=request.peer)
                self._store.log_in(attempt, partial(session.finish_login, reply, secure=secure))
            case (("auth", "logout"), "GET"):
                self._store.serve(
                    self._request(request, Operation.WRITE, segments),
                    partial(session.finish_logout, reply, secure=secure),
                )
            case (("auth", "jwks"), "GET"):
                reply(session.jwks(self._store.token_keys()))
            case (("auth", "providers"), "GET"):
                reply(session.providers())
            case (("openapi.json",), "GET"):
                reply(build_response(200, document()))
            case _:
                raise WrongMethodError(["POST" if segments == LOGIN else "GET"])

    def _serve(self, request: Request, segments: Segments, query: Query, row: Row, reply: Reply) -> None:
        store_request = self._request(request, row.operation, segments)
        store_request.query = query
        if row.operation in {Operation.WRITE, Operation.PATCH}:
            store_request.body = _body(request)
        self._store.serve(store_request, partial(_finish, reply, row, segments))

    def _request(self, request: Request, operation: Operation, segments: Segments) -> StoreRequest:
        return StoreRequest(
            id=self._next_id(),
            operation=operation,
            path=store_path(segments),
            token=token_of(request.method, request.headers),
            peer=request.peer,
        )

    def _next_id(self) -> str:
        return f"{self._id_prefix}-{next(self._ids):x}"


def _body(request: Request) -> JsonObject:
    if not request.body:
        return EMPTY_BODY
    content_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type not in JSON_TYPES:
        raise MediaTypeError("Content-Type: expected application/json")
    return decode_object(request.body)


def _check_accept(headers: dict[bytes, bytes]) -> None:
    ranges = headers.get(b"accept", b"").lower().split(b",")
    if all(one.partition(b";")[0].strip() not in _ACCEPTED for one in ranges):
        raise NotAcceptableError("Accept: expected application/json among them")


def _finish(reply: Reply, row: Row, segments: Segments, outcome: Answer | HoldfastError) -> None:
    if isinstance(outcome, HoldfastError):
        reply(refuse(outcome))
    elif row.show is None:
        reply(build_response(row.status, b"" if row.status == 204 else b"{}"))  # noqa: PLR2004
    else:
        facts = msgspec.json.decode(outcome.data or b"null")
        reply(build_response(row.status, encode(row.show(facts, segments))))
