"""``sys/wrapping/...``: have the store keep something, and fetch what it keeps with a one-time token.

The one-time token is a field of the request, sent by somebody with a token of his own, or is itself the token
of the request. In the second case its only use was counted before the request came here.
"""

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.layout import TOKENS
from holdfast.store.open_store import OpenStore
from holdfast.store.request import Answer, Operation, StoreRequest
from holdfast.store.route import Route
from holdfast.store.visit import Visit
from holdfast.store.wrapping import records
from holdfast.store.wrapping.commands import RewrapAnswer, UnwrapAnswer

LOOKUP = "sys/wrapping/lookup"
UNWRAP = "sys/wrapping/unwrap"


def carry_own_token(request: StoreRequest) -> None:
    """Let the one-time token in the body of an unwrapping be the request's own, if it has none."""
    if not request.token:
        token = request.body.values.get("token")
        request.token = token if isinstance(token, str) else ""


def _wrap(visit: Visit) -> Answer:
    if not visit.request.wrap_seconds:
        raise InvalidInputError("endpoint requires response wrapping to be used: send X-Vault-Wrap-TTL")
    return Answer(data=visit.request.body.raw)


def _lookup(visit: Visit) -> Answer:
    token_hash = _home(visit).hasher.token(_one_time_token(visit))
    entry = records.find(visit.view(TOKENS), token_hash, now=visit.now).entry
    return Answer(
        data=encode(
            {
                "creation_ttl": entry.ttl_seconds,
                "creation_time": rfc3339(entry.created_at),
                "creation_path": entry.path,
            }
        )
    )


def _unwrap(visit: Visit) -> Command:
    token, home = _one_time_token(visit), _home(visit)
    command = UnwrapAnswer(token_hash=home.hasher.token(token), is_counted=token == visit.request.token)
    return command.within(home.namespace.uuid)


def _rewrap(visit: Visit) -> Command:
    token, home = _one_time_token(visit), _home(visit)
    command = RewrapAnswer(token_hash=home.hasher.token(token), is_counted=token == visit.request.token)
    return command.within(home.namespace.uuid)


def _one_time_token(visit: Visit) -> str:
    return fields.text(visit.values, "token") or visit.request.token


def _home(visit: Visit) -> OpenStore:
    """Return the namespace of the one-time token, wherever it is shown: whoever has it need not know.

    Raises:
        InvalidInputError: it is of none.
        UnavailableError: that one is locked.
    """
    home = visit.store.namespaces.home_of(_one_time_token(visit))
    if home is None:
        raise InvalidInputError(records.NOT_VALID)
    return visit.store.namespaces.enter(home.namespace.path, visit.request.path)[0]


WRAPPING_ROUTES = (
    Route("sys/wrapping/wrap", Operation.WRITE, _wrap),
    Route(LOOKUP, Operation.WRITE, _lookup, anybody=True),
    Route(LOOKUP, Operation.READ, _lookup, anybody=True),
    Route(UNWRAP, Operation.WRITE, _unwrap),
    Route("sys/wrapping/rewrap", Operation.WRITE, _rewrap),
)
