"""What tools ask a Vault server for and has one fixed answer here: who leads, foreign pages, plugins.

No node leads: each reads and writes. Pages of other origins are told nothing. Engines and auth methods are
part of the program. The paths are here because clients call them before, or after, what they really want.
"""

import base64
import binascii
from typing import Any

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.policy.acl import Acl
from holdfast.store import fields
from holdfast.store.auth.methods import METHODS
from holdfast.store.host_info import hostname
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.secrets_engines import KINDS
from holdfast.store.visit import Visit
from holdfast.version import API_VERSION

MAX_TOKEN_BYTES = 512


def _nodes(visit: Visit) -> Answer:
    """Show the node that answers: it is as active as any other."""
    node = {
        "hostname": hostname(),
        "api_address": "",
        "cluster_address": "",
        "active_node": True,
        "last_echo": None,
        "echo_duration_ms": 0,
        "clock_skew_ms": 0,
        "version": API_VERSION,
        "upgrade_version": API_VERSION,
        "redundancy_zone": "",
        "server_time": rfc3339(visit.now),
    }
    return Answer(data=encode({"nodes": [node]}), flat=True)


def _step_down(_visit: Visit) -> Answer:
    """Give up a lead that no node has: nothing is to be done."""
    return Answer()


def _read_cors(_visit: Visit) -> Answer:
    return Answer(data=encode({"enabled": False, "allowed_origins": [], "allowed_headers": []}), flat=True)


def _write_cors(visit: Visit) -> Answer:
    if fields.boolean(visit.values, "enabled", default=True):
        raise InvalidInputError("enabled: expected false; pages of other origins cannot be let in")
    return Answer()


def _remove_cors(_visit: Visit) -> Answer:
    return Answer()


def _decode_token(visit: Visit) -> Answer:
    """Undo what hides a new root token; whoever has both halves could do it himself."""
    otp = fields.required_text(visit.values, "otp").encode()
    encoded = fields.required_text(visit.values, "encoded_token")
    try:
        hidden = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("encoded_token: expected base64") from None
    if not len(hidden) == len(otp) <= MAX_TOKEN_BYTES:
        raise InvalidInputError("otp: expected as many characters as the token has")
    token = bytes(a ^ b for a, b in zip(hidden, otp, strict=True))
    if not (token.isascii() and token.decode("ascii").isprintable()):
        raise InvalidInputError("otp: expected the one that the token was hidden with")
    return Answer(data=encode({"token": token.decode("ascii")}))


def _resultant_acl(visit: Visit) -> Answer:
    """Show the caller the rules that count for him."""
    acl = visit.caller.acl
    exact: dict[str, Any] = {}
    glob: dict[str, Any] = {}
    for pattern, capabilities in acl.rules() if isinstance(acl, Acl) else ():
        into = glob if pattern.endswith("*") or "+" in pattern.split("/") else exact
        into[pattern.removesuffix("*")] = {"capabilities": list(capabilities)}
    return Answer(data=encode({"root": acl.is_root, "exact_paths": exact, "glob_paths": glob}))


_PLUGINS = {"auth": sorted(METHODS), "database": [], "secret": sorted(KINDS)}


def _plugins(_visit: Visit) -> Answer:
    detailed = [{"type": kind, **_describe(name)} for kind, names in _PLUGINS.items() for name in names]
    return Answer(data=encode({**_PLUGINS, "detailed": detailed}))


def _plugins_of_kind(visit: Visit) -> Answer:
    names = _PLUGINS.get(visit.argument)
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _plugin(visit: Visit) -> Answer:
    kind, _, name = visit.argument.partition("/")
    if name not in _PLUGINS.get(kind, []):
        return Answer(missing=True)
    return Answer(data=encode({**_describe(name), "args": [], "command": "", "sha256": ""}))


def _describe(name: str) -> dict[str, Any]:
    return {"name": name, "version": API_VERSION, "builtin": True, "deprecation_status": "supported"}


def _replication(_visit: Visit) -> Answer:
    off = {"mode": "disabled"}
    return Answer(data=encode({"dr": off, "performance": off}))


STANDING_ROUTES = (
    Route("sys/replication/status", Operation.READ, _replication, anybody=True),
    Route("sys/ha-status", Operation.READ, _nodes),
    Route("sys/step-down", Operation.WRITE, _step_down, sudo=True),
    Route("sys/config/cors", Operation.READ, _read_cors, sudo=True),
    Route("sys/config/cors", Operation.WRITE, _write_cors, sudo=True),
    Route("sys/config/cors", Operation.DELETE, _remove_cors, sudo=True),
    Route("sys/decode-token", Operation.WRITE, _decode_token, anybody=True),
    Route("sys/internal/ui/resultant-acl", Operation.READ, _resultant_acl),
    Route("sys/plugins/catalog", Operation.READ, _plugins),
    Route("sys/plugins/catalog", Operation.LIST, _plugins),
    Route("sys/plugins/catalog/<>", Operation.LIST, _plugins_of_kind),
    Route("sys/plugins/catalog/<>/<>", Operation.READ, _plugin),
)
