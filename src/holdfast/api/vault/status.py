"""The paths of the Vault API that need no token and answer while the store is sealed.

``sys/init``, ``sys/unseal``, ``sys/seal-status``, ``sys/leader`` and ``sys/health``: documents without the
usual envelope, and for health a status code that load balancers act on. ``sys/seal`` is among them only
while there is nothing left to seal.
"""

import base64
import re
import time
from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.api.vault.body import says_nothing
from holdfast.api.vault.errors import refuse
from holdfast.errors import HoldfastError, InvalidInputError, UnsupportedError
from holdfast.formats.strict_json import decode_object, encode
from holdfast.http.message import Request, build_response
from holdfast.model.path import Target
from holdfast.store import fields
from holdfast.store.core import Store
from holdfast.store.keeper_commands import (
    InitializeStore,
    KeeperCommand,
    ReadSealStatus,
    ResetUnsealing,
    SubmitShare,
)
from holdfast.store.request import Answer
from holdfast.version import API_VERSION, BUILD_DATE

Reply = Callable[[bytes], None]
_WRITES = frozenset({"PUT", "POST"})
_READS = frozenset({"GET", "HEAD"})
_STATUS_CODE = re.compile(r"[2-5]\d\d")  # a 1xx would leave the client waiting for another answer
_WITHOUT_BODY = frozenset({204, 304})
_NEVER = "0001-01-01T00:00:00Z"
_HEALTH_CODES = {"activecode": 200, "sealedcode": 503, "uninitcode": 501}


class StatusPaths:
    """Answers those paths.

    Args:
        store: whose state they show and change.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handlers: dict[str, Callable[[Request, Target, Reply], None]] = {
            "v1/sys/init": self._init,
            "v1/sys/unseal": self._unseal,
            "v1/sys/seal-status": self._seal_status,
            "v1/sys/leader": self._leader,
            "v1/sys/health": self._health,
        }

    def handle(self, request: Request, target: Target, reply: Reply) -> bool:
        """Answer the request if it is for one of these paths; ``False`` if it is not."""
        handler = self._handlers.get(target.path.text)
        if handler is None:
            if target.path.text != "v1/sys/seal" or not self._store.is_sealed:
                return False
            handler = self._seal_again
        handler(request, target, reply)
        return True

    def _init(self, request: Request, _target: Target, reply: Reply) -> None:
        if request.method in _READS:
            _send(reply, {"initialized": self._store.is_initialized()})
            return
        values = _values(request)
        for name in ("recovery_shares", "recovery_threshold", "recovery_pgp_keys"):
            if values.get(name):
                raise InvalidInputError(f"{name}: parameters not applicable to seal type shamir")
        command = InitializeStore(
            shares=fields.integer(values, "secret_shares"),
            threshold=fields.integer(values, "secret_threshold"),
            pgp_keys=fields.words(values, "pgp_keys"),
            root_token_pgp_key=fields.text(values, "root_token_pgp_key"),
            token_in_clear=True,
        )
        self._control(command, reply, _describe_keys)

    def _unseal(self, request: Request, target: Target, reply: Reply) -> None:
        values = _values(request)
        if fields.boolean(values, "migrate"):
            raise InvalidInputError("migrate: seal migration is not offered")
        command: KeeperCommand
        if fields.boolean(values, "reset"):
            command = ResetUnsealing(this_node=target.parameter("this_node") == "true")
        else:
            share = fields.text(values, "key")
            if not share:
                raise InvalidInputError(
                    "'key' must be specified in request body as JSON, or 'reset' set to true"
                )
            command = SubmitShare(share=share, this_node=target.parameter("this_node") == "true")
        self._control(command, reply, self._describe)

    @staticmethod
    def _seal_again(request: Request, _target: Target, reply: Reply) -> None:
        """Nothing to do, and who wants to be sure that the store is sealed shall not be told of an error."""
        _writing(request)
        reply(build_response(204))

    def _seal_status(self, request: Request, _target: Target, reply: Reply) -> None:
        _reading(request)
        self._control(ReadSealStatus(), reply, self._describe)

    def _leader(self, request: Request, _target: Target, reply: Reply) -> None:
        _reading(request)
        _send(
            reply,
            {
                "ha_enabled": False,
                "is_self": False,
                "active_time": _NEVER,
                "leader_address": "",
                "leader_cluster_address": "",
                "performance_standby": False,
                "performance_standby_last_remote_wal": 0,
            },
        )

    def _health(self, request: Request, target: Target, reply: Reply) -> None:
        _reading(request)
        initialized, sealed = self._store.is_initialized(), self._store.is_sealed
        state = "uninitcode" if not initialized else "sealedcode" if sealed else "activecode"
        document = {
            "initialized": initialized,
            "sealed": sealed,
            "standby": sealed,
            "performance_standby": False,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": int(time.time()),
            "version": API_VERSION,
        }
        if cluster := self._store.cluster:
            document |= {"cluster_name": cluster.name, "cluster_id": cluster.id}
        _send(reply, document, status=_health_code(target, state))

    def _describe(self, status: dict[str, Any]) -> dict[str, Any]:
        """Say the keeper's status in the words of this API."""
        document = {
            "type": status["type"],
            "initialized": status["initialized"],
            "sealed": status["sealed"],
            "t": status["threshold"],
            "n": status["shares"],
            "progress": status["progress"],
            "nonce": status["nonce"],
            "version": API_VERSION,
            "build_date": BUILD_DATE,
            "commit_date": BUILD_DATE,
            "migration": False,
            "recovery_seal": False,
            "storage_type": self._store.storage_name,
        }
        if not status["sealed"]:
            document["cluster_name"] = status["cluster_name"]
            document["cluster_id"] = status["cluster_id"]
        return document

    def _control(
        self,
        command: KeeperCommand,
        reply: Reply,
        render: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        def finish(outcome: Answer | HoldfastError) -> None:
            if isinstance(outcome, HoldfastError):
                reply(refuse(outcome))
            else:
                _send(reply, render(msgspec.json.decode(outcome.data or b"{}")))

        self._store.control(command, finish)


def _describe_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Say what initialisation gave out in the words of this API: a token that is encrypted is in base64."""
    if message := document.pop("encrypted_root_token", None):
        document["root_token"] = base64.b64encode(bytes.fromhex(message)).decode()
    return {name: document[name] for name in ("keys", "keys_base64", "root_token")}


def _values(request: Request) -> dict[str, Any]:
    _writing(request)
    return {} if says_nothing(request.body) else decode_object(request.body).values


def _writing(request: Request) -> None:
    if request.method not in _WRITES:
        raise UnsupportedError("unsupported operation")


def _reading(request: Request) -> None:
    if request.method not in _READS:
        raise UnsupportedError("unsupported operation")


def _send(reply: Reply, document: dict[str, Any], *, status: int = 200) -> None:
    reply(build_response(status, b"" if status in _WITHOUT_BODY else encode(document)))


def _health_code(target: Target, state: str) -> int:
    wanted = target.parameter(state)
    if wanted is None:
        return _HEALTH_CODES[state]
    if not (wanted.isascii() and _STATUS_CODE.fullmatch(wanted)):
        raise InvalidInputError(f"{state}: expected a status code between 200 and 599")
    return int(wanted)
