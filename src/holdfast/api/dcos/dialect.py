"""The DC/OS Secrets API: bytes in, one store request; one answer, bytes out. Nothing is decided here.

``/secrets/v1/secret/<store>/<path>`` is the KV entry ``{"value": ...}`` at ``<path>`` of the mount that
backs the store; an entry of another shape reads as its JSON text. PUT creates, PATCH updates, and neither
does the other's work. Deleted versions count as absent: DC/OS clients see the newest version or none.

The token comes as ``Authorization: token=<token>`` or ``Authorization: Bearer <token>``.
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from secrets import token_hex

import msgspec

from holdfast.api.dcos.errors import (
    ALREADY_EXISTS,
    DOES_NOT_EXIST,
    NOT_KNOWN,
    UNKNOWN_STORE,
    error_body,
    status_of,
    title_of,
)
from holdfast.engines.kv2 import Precondition
from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
)
from holdfast.formats.strict_json import JsonObject, decode_object, encode
from holdfast.http.message import Request, build_response
from holdfast.model import parse_target
from holdfast.model.path import Target
from holdfast.store import fields
from holdfast.store.core import Store
from holdfast.store.keeper_commands import KeeperCommand, ReadSealStatus, SubmitShare
from holdfast.store.request import EMPTY_BODY, Answer, Operation, StoreRequest

PREFIX = "secrets/v1/"
BACKEND_DESCRIPTION = "Holdfast KV version 2"
JSON_TYPES = frozenset({b"", b"application/json"})

Reply = Callable[[bytes], None]
Render = Callable[[Answer], bytes]


class DcosDialect:
    """Answers requests below ``/secrets/v1/``.

    Args:
        store: where requests go.
        stores: which mount backs which store name.
    """

    def __init__(self, store: Store, *, stores: Mapping[str, str]) -> None:
        self._store = store
        self._stores = stores
        self._ids = count()
        self._id_prefix = token_hex(10)

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request; ``reply`` is called exactly once, now or after a commit."""
        try:
            target = parse_target(request.target, collapse_slashes=True)
            section, _, rest = target.path.text.removeprefix(PREFIX).partition("/")
            if section == "secret":
                self._secret(request, target, rest, reply)
            else:
                self._backend(request, section, rest, reply)
        except HoldfastError as error:
            reply(_refuse(error))

    def _secret(self, request: Request, target: Target, rest: str, reply: Reply) -> None:
        store_name, _, path = rest.partition("/")
        mount = self._mount(store_name)
        if target.parameter("list") in {"true", "1"} and request.method == "GET":
            below = path if not path or path.endswith("/") else path + "/"
            self._serve(request, Operation.SCAN, f"{mount}metadata/{below}", reply, _render_list)
            return
        if not path or path.endswith("/"):
            raise InvalidInputError("path: expected the name of a secret, without a slash at its end")
        place = f"{mount}data/{path}"
        if request.method == "GET":
            self._serve(request, Operation.READ, place, reply, _render_secret)
        elif request.method == "PUT":
            body = _value_body(request)
            render = partial(_render_done, status=201, body=b"{}")
            self._serve(
                request,
                Operation.WRITE,
                place,
                reply,
                render,
                body=body,
                condition=Precondition.MUST_BE_ABSENT,
            )
        elif request.method == "PATCH":
            body = _value_body(request)
            self._serve(
                request,
                Operation.WRITE,
                place,
                reply,
                _render_done,
                body=body,
                condition=Precondition.MUST_EXIST,
            )
        elif request.method == "DELETE":
            self._serve(
                request, Operation.DELETE, place, reply, _render_done, condition=Precondition.MUST_EXIST
            )
        else:
            raise UnsupportedError("method: expected GET, PUT, PATCH or DELETE")

    def _backend(self, request: Request, section: str, rest: str, reply: Reply) -> None:
        if (section, request.method) == ("ping", "GET"):
            self._ping(rest, reply)
        elif (section, request.method) == ("seal-status", "GET"):
            self._mount(rest)
            self._control(ReadSealStatus(), reply, _render_seal_status)
        elif (section, request.method) == ("unseal", "PUT"):
            self._mount(rest)
            share = fields.required_text(_decode(request).values, "key")
            self._control(SubmitShare(share=share), reply, _render_seal_status)
        elif (section, request.method) == ("seal", "PUT"):
            self._mount(rest)
            self._serve(
                request, Operation.WRITE, "sys/seal", reply, partial(_render_done, status=200, body=b"{}")
            )
        elif (section, request.method) == ("store", "GET"):
            self._describe_stores(rest, reply)
        else:
            raise NotFoundError("no such endpoint")

    def _ping(self, rest: str, reply: Reply) -> None:
        kind, _, name = rest.partition("/")
        if kind == "backends" and name != "all":
            self._mount(name)
        elif kind not in {"", "backends"}:
            raise NotFoundError("no such endpoint")
        reply(build_response(200, b"pong", content_type="text/plain"))

    def _describe_stores(self, name: str, reply: Reply) -> None:
        names = [name] if name else list(self._stores)
        stores = [
            {
                "name": known,
                "description": BACKEND_DESCRIPTION,
                "driver": "holdfast",
                "initialized": self._store.is_initialized(),
                "sealed": self._store.is_sealed,
            }
            for known in names
            if self._mount(known)
        ]
        reply(build_response(200, encode(stores[0] if name else {"array": stores})))

    def _mount(self, store_name: str) -> str:
        try:
            return self._stores[store_name]
        except KeyError:
            raise NotFoundError(UNKNOWN_STORE) from None

    def _serve(
        self,
        request: Request,
        operation: Operation,
        path: str,
        reply: Reply,
        render: Render,
        *,
        body: JsonObject = EMPTY_BODY,
        condition: Precondition = Precondition.NONE,
    ) -> None:
        store_request = StoreRequest(
            id=f"{self._id_prefix}-{next(self._ids):x}",
            operation=operation,
            path=path,
            token=_token(request.headers),
            body=body,
            precondition=condition,
            peer=request.peer,
        )
        self._store.serve(store_request, partial(_finish, reply, render))

    def _control(self, command: KeeperCommand, reply: Reply, render: Render) -> None:
        self._store.control(command, partial(_finish, reply, render))


def _token(headers: dict[bytes, bytes]) -> str:
    sent = headers.get(b"authorization", b"")
    if sent[:6].lower() == b"token=":
        credential = sent[6:]
    elif sent[:7].lower() == b"bearer ":
        credential = sent[7:]
    else:
        credential = b""
    credential = credential.strip()
    if credential and headers.get(b"x-vault-token", credential) != credential:
        raise InvalidInputError("Authorization and X-Vault-Token: expected one token, not two")
    return credential.decode("ascii") if credential.isascii() else ""


def _decode(request: Request) -> JsonObject:
    content_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type not in JSON_TYPES:
        raise InvalidInputError("Content-Type: expected application/json")
    return decode_object(request.body)


def _value_body(request: Request) -> JsonObject:
    """Return the KV entry for a DC/OS secret; unknown members are ignored, as real clients send some."""
    value = _decode(request).values.get("value")
    if not isinstance(value, str):
        raise InvalidInputError("value: expected a string")
    return decode_object(b'{"data":{"value":%b}}' % encode(value))


def _render_secret(answer: Answer) -> bytes:
    if answer.missing or answer.data is None:
        return _refuse(NotFoundError(DOES_NOT_EXIST))
    entry = answer.data
    value = msgspec.json.decode(entry)
    if set(value) == {"value"} and isinstance(value["value"], str):
        return build_response(200, entry)
    return build_response(200, encode({"value": entry.decode()}))


def _render_list(answer: Answer) -> bytes:
    names = [] if answer.data is None else msgspec.json.decode(answer.data)["keys"]
    return build_response(200, encode({"array": names}))


def _render_done(answer: Answer, *, status: int = 204, body: bytes = b"") -> bytes:
    if answer.missing:
        return _refuse(NotFoundError(DOES_NOT_EXIST))
    return build_response(status, body)


def _render_seal_status(answer: Answer) -> bytes:
    status = msgspec.json.decode(answer.data or b"{}")
    names = ("sealed", "threshold", "shares", "progress")
    return build_response(200, encode({name: status[name] for name in names}))


def _finish(reply: Reply, render: Render, outcome: Answer | HoldfastError) -> None:
    reply(_refuse(outcome) if isinstance(outcome, HoldfastError) else render(outcome))


def _refuse(error: HoldfastError) -> bytes:
    status = status_of(error)
    description = error.message
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, UnauthenticatedError):
        description, headers = NOT_KNOWN, (("WWW-Authenticate", "acsjwt"),)
    elif isinstance(error, ConflictError):
        description = ALREADY_EXISTS
    elif isinstance(error, NotFoundError) and not description:
        description = DOES_NOT_EXIST
    return build_response(status, error_body(title_of(status), description), headers=headers)
