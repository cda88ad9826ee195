"""The Vault HTTP API: bytes in, one store request; one answer, bytes out. Nothing is decided here.

``/v1/<path>`` carries the request path; ``X-Vault-Token`` or ``Authorization: Bearer`` the token. GET
reads, LIST (or GET with ``list=true``) lists, POST and PUT write, PATCH and DELETE do what they say; GET with
``help=1`` explains the path.
``X-Vault-Namespace``, the beginning of the path, or both name a namespace.
The paths that work while the store is sealed are in ``status``.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import count
from secrets import token_bytes

import msgspec

from holdfast.api.vault.body import says_nothing
from holdfast.api.vault.envelope import wrap
from holdfast.api.vault.errors import NOTHING_THERE, MediaTypeError, refuse
from holdfast.api.vault.form import decode_form
from holdfast.api.vault.namespace_header import NAMESPACE, echoing, read_namespace
from holdfast.api.vault.open_ceremonies import OpenCeremonies
from holdfast.api.vault.results import results_of
from holdfast.api.vault.status import StatusPaths
from holdfast.errors import HoldfastError, InvalidInputError, TooLargeError, UnsupportedError
from holdfast.formats.strict_json import JsonObject, decode_object
from holdfast.http.message import Request, build_response
from holdfast.model import MAX_REMEMBERED_BYTES, parse_duration, parse_path, read_target
from holdfast.model.path import Target
from holdfast.store.bundle import Answers
from holdfast.store.core import Store
from holdfast.store.description.path_help import HELP
from holdfast.store.metrics.routes import METRICS
from holdfast.store.namespaces.server_wide import refuse_server_wide
from holdfast.store.request import EMPTY_BODY, Answer, Failed, Operation, StoreRequest
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS
from holdfast.store.wrapping.routes import UNWRAP

PREFIX = b"/v1/"
MERGE_PATCH = b"application/merge-patch+json"
FORM = b"application/x-www-form-urlencoded"
WRAP_TTL = b"x-vault-wrap-ttl"

_OPERATIONS = {
    "GET": Operation.READ,
    "HEAD": Operation.READ,
    "LIST": Operation.LIST,
    "SCAN": Operation.SCAN,
    "POST": Operation.WRITE,
    "PUT": Operation.WRITE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
}
_WITH_BODY = frozenset({Operation.WRITE, Operation.PATCH})
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})  # what Go takes for true, and clients send

# What a client may choose to be told when a part of a batch failed: no 1xx, after which it would wait for
# another answer, none that has no body, and none that sends it elsewhere.
_CODES_OF_ANSWERS_WITH_BODY = frozenset({*range(200, 300), *range(400, 600)} - {204, 205})

_IGNORED = "Endpoint ignored these unrecognized parameters: [{}]"
# Below these, in whichever namespace.
_WHERE_CERTIFICATES_COUNT = ("/auth/", "/sys/leases/renew", "/sys/renew")
# What a browser may do with the few pages of this API: show them, by themselves, and send their form back.
_OF_PAGES = (
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
)
MAX_REMEMBERED_LINES = 16_384

Reply = Callable[[bytes], None]


class _Call(msgspec.Struct, frozen=True, gc=False):
    """What a request line asks for.

    Attributes:
        target: the parsed target, with the prefix.
        operation: what to do.
        path: to what, as the store spells it.
    """

    target: Target
    operation: Operation
    path: str


class VaultDialect:
    """Answers requests below ``/v1/``.

    Args:
        store: where requests go.
        ceremonies: what share holders may do here without a token.
        max_json_strings: how many strings one request body may hold.
        open_metrics: whether metrics are shown to anybody, while the store is sealed as well.
    """

    def __init__(
        self,
        store: Store,
        ceremonies: OpenCeremonies | None = None,
        *,
        max_json_strings: int = 1000,
        open_metrics: bool = False,
    ) -> None:
        self._store = store
        self._status = StatusPaths(store)
        self._ceremonies = ceremonies or OpenCeremonies(store)
        self._max_json_strings = max_json_strings
        self._open_metrics = open_metrics
        self._ids = _request_ids()

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request; ``reply`` is called exactly once, now or after a commit."""
        request_id = next(self._ids)
        if request.method == "HEAD":
            reply = _without_body(reply)
        namespace = ""
        try:
            read = _remembered_line if len(request.target) <= MAX_REMEMBERED_BYTES else _read_line
            call = read(request.method, request.target)
            if NAMESPACE in request.headers and (namespace := read_namespace(request)):
                refuse_server_wide(call.path)
                reply = echoing(reply, namespace)
            if self._status.handle(request, call.target, reply):
                return
            if self._ceremonies.handle(request, call.operation, call.path, reply):
                return
            if self._open_metrics and call.path == METRICS and call.operation is Operation.READ:
                metrics = self._store.metrics(call.target.parameter("format") or "")
                reply(build_response(200, metrics.raw or b"", content_type=metrics.media_type))
                return
            store_request = self._translate(request, call, request_id, namespace)
        except HoldfastError as error:
            reply(refuse(error))
            return
        self._store.serve(store_request, partial(_finish, store_request, reply))

    def _translate(self, request: Request, call: _Call, request_id: str, namespace: str) -> StoreRequest:
        headers = request.headers
        return StoreRequest(
            id=request_id,
            operation=call.operation,
            path=call.path,
            token=_token(headers),
            namespace=namespace,
            body=EMPTY_BODY if says_nothing(request.body) else self._body(request, call.operation),
            query=call.target.query,
            peer=request.peer,
            certificate=_certificate(request, call),
            wrap_seconds=_wrap_seconds(headers[WRAP_TTL]) if WRAP_TTL in headers else 0,
            headers=headers,
        )

    def _body(self, request: Request, operation: Operation) -> JsonObject:
        if operation not in _WITH_BODY:
            return EMPTY_BODY
        content_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if operation is Operation.PATCH and content_type != MERGE_PATCH:
            raise MediaTypeError("Content-Type: expected application/merge-patch+json")
        if content_type == FORM and request.body[:1] not in {b"{", b"["}:
            return decode_form(request.body)
        try:
            return decode_object(request.body, max_strings=self._max_json_strings)
        except TooLargeError as error:
            raise InvalidInputError(error.message) from None  # clients know 413 for the body as a whole


def _read_line(method: str, raw_target: bytes) -> _Call:
    """Say what a request line asks for; the same line always asks for the same."""
    target = read_target(raw_target, collapse_slashes=True)
    operation = _OPERATIONS.get(method)
    if operation is None:
        raise UnsupportedError("unsupported operation")
    path = target.path.text[len(PREFIX) - 1 :]
    if method == "GET" and target.parameter("help") in _TRUE:
        path = HELP + path.rstrip("/")
        return _Call(Target(parse_path(f"v1/{path}")), operation, path)
    if operation is Operation.READ and target.query:
        operation = _listing(target) or operation
    if operation in {Operation.LIST, Operation.SCAN}:
        path = path if path.endswith("/") else path + "/"
        # No limit at all is what some clients call a limit of -1.
        target = Target(target.path, tuple(pair for pair in target.query if pair != ("limit", "-1")))
    elif operation in _WITH_BODY:
        if path.endswith("/"):
            raise InvalidInputError("cannot write to a path ending in '/'")
    else:
        # One spelling for what is read or removed, so that no rule for ``a`` is passed by as ``a/``.
        path = path.rstrip("/")
    return _Call(target, operation, path)


_remembered_line = lru_cache(maxsize=MAX_REMEMBERED_LINES)(_read_line)


def _certificate(request: Request, call: _Call) -> bytes:
    """Return the client's certificate where it can be a credential: at a login, or a renewal of its token."""
    if call.operation is not Operation.WRITE or not any(
        part in f"/{call.path}" for part in _WHERE_CERTIFICATES_COUNT
    ):
        return b""
    return request.client_certificate() or b""


def _listing(target: Target) -> Operation | None:
    lists, scans = (target.parameter(name) in _TRUE for name in ("list", "scan"))
    if lists and scans:
        raise InvalidInputError("list and scan: expected one of them, not both")
    return Operation.LIST if lists else Operation.SCAN if scans else None


def _token(headers: dict[bytes, bytes]) -> str:
    token = headers.get(b"x-vault-token")
    if b"authorization" in headers:
        scheme, _, credential = headers[b"authorization"].partition(b" ")
        if scheme.lower() == b"bearer":
            credential = credential.strip()
            if token is not None and token != credential:
                raise InvalidInputError("X-Vault-Token and Authorization: expected one token, not two")
            token = credential
    if token is None:
        return ""
    if not token.isascii():
        raise InvalidInputError("X-Vault-Token: expected ASCII text")
    return token.decode("ascii")


def _wrap_seconds(header: bytes) -> int:
    seconds = parse_duration(header.decode("ascii", "replace"), field="X-Vault-Wrap-TTL")
    if seconds > SYSTEM_MAX_TTL_SECONDS:
        raise InvalidInputError(f"X-Vault-Wrap-TTL: expected at most {SYSTEM_MAX_TTL_SECONDS} seconds")
    return seconds


def _finish(request: StoreRequest, reply: Reply, outcome: Answer | HoldfastError) -> None:
    if isinstance(outcome, HoldfastError):
        reply(refuse(outcome))
    elif isinstance(outcome, Answers):
        reply(build_response(200, wrap(request.id, Answer(data=results_of(outcome)))))
    elif outcome.is_empty:
        reply(build_response(404, NOTHING_THERE) if outcome.missing else build_response(204))
    elif outcome.raw is not None:
        headers = _OF_PAGES if outcome.media_type.startswith("text/html") else ()
        reply(build_response(200, outcome.raw, content_type=outcome.media_type, headers=headers))
    else:
        if request.ignored:
            outcome.warnings = (*outcome.warnings, _IGNORED.format(" ".join(request.ignored)))
        reply(build_response(_status_of(request, outcome), wrap(_id_of(request), outcome)))


def _id_of(request: StoreRequest) -> str:
    """Return the request id as the answer shows it; what was unwrapped is an answer from before."""
    return "" if request.path == UNWRAP else request.id


def _status_of(request: StoreRequest, answer: Answer) -> int:
    if answer.missing:
        return 404
    if answer.failed is None:
        return 202 if answer.accepted else 200
    wanted = request.body.values.get("partial_failure_response_code")
    if answer.failed is Failed.SOME and type(wanted) is int and wanted in _CODES_OF_ANSWERS_WITH_BODY:
        return wanted
    return 400


def _without_body(reply: Reply) -> Reply:
    """Answer a HEAD: everything that a GET would have said up to the end of the headers."""
    return lambda response: reply(response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")


def _request_ids() -> Iterator[str]:
    """Yield request ids in UUID form: a random prefix of this process, then a counter."""
    prefix = token_bytes(10).hex()
    head = f"{prefix[:8]}-{prefix[8:12]}-{prefix[12:16]}-{prefix[16:20]}-"
    return (f"{head}{number:012x}" for number in count())
