"""The stores of the DC/OS API as a whole: are they there, are they sealed, how were they initialised.

All stores are mounts behind one seal. What a sealed store must still answer needs no token, as there is
nothing to check one against; it is status, and messages that only the holder of a private key can read.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import msgspec

from holdfast.api.dcos.errors import NOT_KNOWN, UNKNOWN_STORE, refuse
from holdfast.api.dcos.exchange import Exchange, done_with
from holdfast.api.dcos.values import JSON, media_type
from holdfast.errors import ConflictError, InvalidInputError, NotFoundError, UnauthenticatedError
from holdfast.formats.strict_json import JsonObject, decode_object, encode
from holdfast.http.message import build_response
from holdfast.iam.resource import is_store_name
from holdfast.store import fields
from holdfast.store.core import Store
from holdfast.store.keeper_commands import (
    AutoUnseal,
    InitializeStore,
    ReadInitialization,
    ReadSealStatus,
    SubmitShare,
)
from holdfast.store.request import Answer, Operation

DRIVER = "holdfast"
KNOWN_DRIVERS = frozenset({DRIVER, "vault"})
DESCRIPTION = "Holdfast KV version 2"
THIS_NODE = "this_node"
FORCE = "force"

BAD_STORE_NAME = "store: expected 1 to 96 letters, digits and characters of - _ . and neither list nor space"
NOT_WHILE_SEALED = "the store is initialised and sealed: unseal it first; then it can be given other keys"

Handler = Callable[[Exchange, str], None]

_NOTHING_KEPT = Answer()


class Backends:
    """Answers everything but secrets.

    Args:
        store: whose state is shown and changed.
        mount_of: returns the mount of a store by name, or raises ``NotFoundError``.
    """

    def __init__(self, store: Store, mount_of: Callable[[str, str], str]) -> None:
        self._store = store
        self._mount_of = mount_of
        self.handlers: dict[tuple[str, str], Handler] = {
            ("ping", "GET"): self._ping,
            ("seal-status", "GET"): self._seal_status,
            ("seal", "PUT"): self._seal,
            ("unseal", "PUT"): self._unseal,
            ("auto-unseal", "PUT"): self._auto_unseal,
            ("init", "GET"): self._read_init,
            ("init", "PUT"): self._init,
            ("store", "GET"): self._show_stores,
            ("store", "PUT"): self._create_store,
            ("store", "DELETE"): self._remove_store,
        }

    def _ping(self, exchange: Exchange, rest: str) -> None:
        kind, _, name = rest.partition("/")
        if kind == "backends" and name and name != "all":
            self._mount_of(name, exchange.token)
        elif kind not in {"", "backends"}:
            raise NotFoundError("no such endpoint")
        exchange.reply(build_response(200, b"pong", content_type="text/plain"))

    def _seal_status(self, exchange: Exchange, name: str) -> None:
        self._mount_of(name, exchange.token)
        exchange.control(ReadSealStatus(), _show_seal_status)

    def _seal(self, exchange: Exchange, name: str) -> None:
        self._mount_of(name, exchange.token)
        if self._store.is_sealed:
            # Who wants to be sure that the store is sealed shall not be told of an error.
            exchange.reply(build_response(200, b"{}"))
            return
        exchange.serve(Operation.WRITE, "sys/seal", done_with(200, b"{}"), query=exchange.target.query)

    def _unseal(self, exchange: Exchange, name: str) -> None:
        self._mount_of(name, exchange.token)
        share = fields.required_text(_body(exchange).values, "key")
        exchange.control(SubmitShare(share=share, this_node=exchange.flag(THIS_NODE)), _show_seal_status)

    def _auto_unseal(self, exchange: Exchange, name: str) -> None:
        """Open with the private key that the configuration names. The encrypted key may come along."""
        self._mount_of(name, exchange.token)
        if self._store.is_sealed and not exchange.token:
            # Whose a token is, is known only once the keys are decrypted: not worth the work for none.
            raise UnauthenticatedError(NOT_KNOWN)
        message = fields.text(_body(exchange).values, "key") if exchange.request.body else ""
        exchange.control(
            AutoUnseal(token=exchange.token, message=message, this_node=exchange.flag(THIS_NODE)),
            _show_seal_status,
        )

    def _read_init(self, exchange: Exchange, name: str) -> None:
        self._mount_of(name, exchange.token)
        if self._store.is_sealed or not exchange.token:
            exchange.control(ReadInitialization(), _show_initialization)
            return
        # A superuser is shown the first root token too, if the configuration had it kept.
        exchange.serve(
            Operation.READ,
            "sys/first-root-token",
            _show_initialization,
            otherwise=lambda kept: exchange.control(
                ReadInitialization(), partial(_show_initialization, kept=kept)
            ),
        )

    def _init(self, exchange: Exchange, name: str) -> None:
        self._mount_of(name, exchange.token)
        body = _body(exchange)
        pgp_keys = fields.words(body.values, "pgp_keys")
        shares = fields.integer(body.values, "shares", max(1, len(pgp_keys)))
        threshold = fields.integer(body.values, "threshold", 1)
        if not self._store.is_initialized():
            command = InitializeStore(shares=shares, threshold=threshold, pgp_keys=pgp_keys)
            exchange.control(command, _show_initialization)
        elif self._store.is_sealed:
            raise InvalidInputError(NOT_WHILE_SEALED)
        else:
            exchange.serve(Operation.WRITE, "sys/shares", _show_initialization, body=body)

    def _show_stores(self, exchange: Exchange, name: str) -> None:
        if name:
            self._mount_of(name, exchange.token)
        render = partial(self._render_stores, name)
        if self._store.is_sealed:
            exchange.reply(render(Answer()))
        else:
            # Without a token both would show what anybody may see, and here nobody may see anything.
            path = "sys/internal/ui/mounts" if exchange.token else "sys/mounts"
            exchange.serve(Operation.READ, path, render)

    def _render_stores(self, name: str, answer: Answer) -> bytes:
        """Show stores: those of the configuration to all, each other one to those who reach into it."""
        reached = msgspec.json.decode(answer.data)["secret"] if answer.data is not None else {}
        names = sorted(
            known
            for known, mount in self._store.secret_stores().items()
            if name in {"", known} and (mount in reached or mount != f"{known}/")
        )
        if name and not names:
            return refuse(NotFoundError(UNKNOWN_STORE))
        stores = [
            {
                "name": known,
                "description": DESCRIPTION,
                "driver": DRIVER,
                "initialized": self._store.is_initialized(),
                "sealed": self._store.is_sealed,
            }
            for known in names
        ]
        return build_response(200, encode(stores[0] if name else {"array": stores}))

    def _create_store(self, exchange: Exchange, name: str) -> None:
        """Make another store: a versioned KV mount of the same name."""
        values = _body(exchange).values if exchange.request.body else {}
        if fields.text(values, "driver", DRIVER) not in KNOWN_DRIVERS:
            raise NotFoundError(f"driver: expected {DRIVER}")
        if not is_store_name(name):
            raise InvalidInputError(BAD_STORE_NAME)
        if self._store.mount_of_store(name, exchange.token) is not None:
            raise ConflictError("the store already exists")
        mount = {
            "type": "kv",
            "description": fields.text(values, "description", DESCRIPTION),
            "options": {"version": "2"},
        }
        exchange.serve(
            Operation.WRITE,
            f"sys/mounts/{name}",
            done_with(201, b"{}"),
            body=decode_object(encode(mount)),
        )

    def _remove_store(self, exchange: Exchange, name: str) -> None:
        """Remove a store that is empty, or, when told so, with everything in it."""
        mount = self._mount_of(name, exchange.token)
        if mount != f"{name}/":
            raise ConflictError("the store belongs to the configuration and stays")
        query = () if exchange.flag(FORCE) else (("unless_used", "true"),)
        exchange.serve(Operation.DELETE, f"sys/mounts/{name}", done_with(204), query=query)


def _body(exchange: Exchange) -> JsonObject:
    if media_type(exchange.request.headers.get(b"content-type", b"")) not in {b"", JSON.encode()}:
        raise InvalidInputError(f"Content-Type: expected {JSON}")
    return decode_object(exchange.request.body)


def _show_initialization(answer: Answer, kept: Answer = _NOTHING_KEPT) -> bytes:
    document = {"recovery_keys": [], **msgspec.json.decode(answer.data or b"{}")}
    document.pop("keys_base64", None)
    if kept.data is not None:
        document |= msgspec.json.decode(kept.data)
    return build_response(HTTPStatus.OK, encode(document))


def _show_seal_status(answer: Answer) -> bytes:
    status = msgspec.json.decode(answer.data or b"{}")
    names = ("sealed", "threshold", "shares", "progress")
    document = {name: status[name] for name in names}
    if answer.warnings:
        document["warnings"] = list(answer.warnings)
    return build_response(HTTPStatus.OK, encode(document))
