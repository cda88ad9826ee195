"""The DC/OS Secrets API: bytes in, one store request; one answer, bytes out. Nothing is decided here.

``/secrets/v1/secret/<store>/<path>`` is the KV entry at ``<path>`` of the mount that backs the store, see
``values``; everything else is about stores as a whole, see ``backends``. The token comes as
``Authorization: token=<token>``, ``Authorization: Bearer <token>`` or in the cookie of a login.
"""

from collections.abc import Callable
from itertools import count
from secrets import token_hex

from holdfast.api.dcos.backends import Backends
from holdfast.api.dcos.errors import UNKNOWN_STORE, not_implemented, refuse
from holdfast.api.dcos.exchange import Exchange
from holdfast.api.dcos.openapi import document
from holdfast.api.dcos.secrets import serve_secret
from holdfast.errors import HoldfastError, NotFoundError
from holdfast.http.message import Request, build_response
from holdfast.http.wrong_method import WrongMethodError
from holdfast.model import parse_target
from holdfast.store.core import Store

PREFIX = "secrets/v1/"

LEASES = frozenset({"renew", "revoke"})
"""Described by the API and never built: secrets have no leases. Answered with 501, as its clients expect."""

Reply = Callable[[bytes], None]


class DcosDialect:
    """Answers requests below ``/secrets/v1/``.

    Args:
        store: where requests go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._backends = Backends(store, self._mount_of)
        self._sections = {section for section, _ in self._backends.handlers}
        self._ids = count()
        self._id_prefix = token_hex(10)

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request; ``reply`` is called exactly once, now or after a commit."""
        try:
            target = parse_target(request.target, collapse_slashes=True)
            section, _, rest = target.path.text.removeprefix(PREFIX).partition("/")
            exchange = Exchange(self._store, request, target, f"{self._id_prefix}-{next(self._ids):x}", reply)
            if section == "secret":
                store_name, _, path = rest.partition("/")
                serve_secret(exchange, self._mount_of(store_name, exchange.token), path)
            elif (section, request.method) in self._backends.handlers:
                self._backends.handlers[section, request.method](exchange, rest)
            elif section in self._sections:
                known = self._backends.handlers
                raise WrongMethodError(method for name, method in known if name == section)
            elif section in LEASES:
                _require_method(request, "PUT")
                reply(not_implemented())
            elif (section, rest) == ("openapi.json", ""):
                _require_method(request, "GET")
                reply(build_response(200, document()))
            else:
                raise NotFoundError("no such endpoint")
        except HoldfastError as error:
            reply(refuse(error))

    def _mount_of(self, store_name: str, token: str) -> str:
        mount = self._store.mount_of_store(store_name, token)
        if mount is None:
            raise NotFoundError(UNKNOWN_STORE)
        return mount


def _require_method(request: Request, method: str) -> None:
    if request.method != method:
        raise WrongMethodError([method])
