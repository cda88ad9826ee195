"""``config``: whose tokens a mount believes, where their keys are, and as whom it logs people in there."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from holdfast.client.outside import check_url
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.pem import pem_texts
from holdfast.store.auth.records import SaveAuthRecord
from holdfast.store.auth.signatures import ASYMMETRIC
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred
from holdfast.tokens.key_files import load_provider_key
from holdfast.tokens.keys import Algorithm

CONFIG_KEY = "config"
_SOURCES = ("oidc_discovery_url", "jwks_url", "jwt_validation_pubkeys")


class JwtConfig(msgspec.Struct, array_like=True, frozen=True):
    """Whose tokens are believed. Fields are only ever appended: their order is the record format.

    Attributes:
        oidc_discovery_url: the provider, which says itself where its keys are.
        oidc_discovery_ca_pem: the only authorities to trust on the way there.
        jwks_url: where the keys are.
        jwks_ca_pem: the only authorities to trust on the way there.
        jwt_validation_pubkeys: the keys themselves, in PEM form.
        bound_issuer: the ``iss`` that tokens must have; empty for the discovered one, or any.
        jwt_supported_algs: algorithms that are accepted; empty for all that the keys are good for.
        default_role: for logins that name none.
        oidc_client_id: as whom the provider knows us; empty where nobody logs in by way of a browser.
        oidc_client_secret: proves that; empty for a public client. It is never shown.
        namespace_in_state: kept and shown; the state of a login is ours alone to read.
    """

    oidc_discovery_url: str = ""
    oidc_discovery_ca_pem: str = ""
    jwks_url: str = ""
    jwks_ca_pem: str = ""
    jwt_validation_pubkeys: tuple[str, ...] = ()
    bound_issuer: str = ""
    jwt_supported_algs: tuple[str, ...] = ()
    default_role: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    namespace_in_state: bool = False

    @property
    def issuer(self) -> str:
        """The ``iss`` that tokens must have; empty for any."""
        return self.bound_issuer or self.oidc_discovery_url

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """The algorithms that are accepted."""
        return frozenset(Algorithm(name) for name in self.jwt_supported_algs) or frozenset(ASYMMETRIC)

    def __repr__(self) -> str:
        return "JwtConfig(...)"


def config_routes(try_out: Callable[[JwtConfig], object]) -> tuple[AuthRoute, ...]:
    """Return the routes.

    Args:
        try_out: asks the provider once, so that a mistake shows now; raises what is wrong.
    """
    return (
        AuthRoute("config", Operation.READ, _read),
        AuthRoute("config", Operation.WRITE, partial(_write, try_out), creates=True),
    )


def _write(try_out: Callable[[JwtConfig], object], visit: AuthVisit) -> Command | Deferred:
    config = _read_config(visit.values)
    command = visit.change(CONFIG_KEY, JwtConfig, lambda _before: config)
    if config.jwt_validation_pubkeys:
        return command
    return Deferred(
        partial(_tried_out, partial(try_out, config), command, visit.warnings.append), outside=True
    )


def _read_config(values: dict[str, Any]) -> JwtConfig:
    given = [name for name in _SOURCES if values.get(name)]
    if len(given) != 1:
        raise InvalidInputError(f"expected exactly one of {', '.join(_SOURCES)}")
    discovery_ca, jwks_ca = fields.text(values, "oidc_discovery_ca_pem"), fields.text(values, "jwks_ca_pem")
    discovery, jwks = fields.text(values, "oidc_discovery_url"), fields.text(values, "jwks_url")
    keys = pem_texts(values.get("jwt_validation_pubkeys"))
    if given[0] == "jwt_validation_pubkeys" and not keys:
        raise InvalidInputError("jwt_validation_pubkeys: expected public keys in PEM form")
    for pem in keys:
        load_provider_key(pem.encode())
    algorithms = fields.words(values, "jwt_supported_algs")
    if set(algorithms) - set(ASYMMETRIC):
        raise InvalidInputError(f"jwt_supported_algs: expected some of {', '.join(ASYMMETRIC)}")
    _check_client(values, discovery)
    return JwtConfig(
        oidc_discovery_url=discovery and check_url(discovery, field=_SOURCES[0], ca_pem=discovery_ca),
        oidc_discovery_ca_pem=discovery_ca,
        jwks_url=jwks and check_url(jwks, field=_SOURCES[1], ca_pem=jwks_ca),
        jwks_ca_pem=jwks_ca,
        jwt_validation_pubkeys=keys,
        bound_issuer=fields.text(values, "bound_issuer"),
        jwt_supported_algs=algorithms,
        default_role=fields.text(values, "default_role").lower(),
        oidc_client_id=fields.text(values, "oidc_client_id"),
        oidc_client_secret=fields.text(values, "oidc_client_secret"),
        namespace_in_state=fields.boolean(values, "namespace_in_state"),
    )


def _check_client(values: dict[str, Any], discovery: str) -> None:
    """Refuse what cannot be meant, and ways of a provider's answer that show more than a code."""
    if values.get("provider_config"):
        raise InvalidInputError("provider_config: expected nothing; no provider needs a way of its own here")
    if fields.text(values, "oidc_response_mode", "query") not in {"", "query"}:
        raise InvalidInputError("oidc_response_mode: expected query")
    if set(fields.words(values, "oidc_response_types")) - {"code"}:
        raise InvalidInputError(
            "oidc_response_types: expected code; tokens do not travel through the browser"
        )
    client, secret = fields.text(values, "oidc_client_id"), fields.text(values, "oidc_client_secret")
    if secret and not client:
        raise InvalidInputError("oidc_client_id: expected it beside oidc_client_secret")
    if client and not discovery:
        raise InvalidInputError("oidc_discovery_url: expected it beside oidc_client_id")


def _tried_out(
    try_out: Callable[[], object], command: SaveAuthRecord, warn: Callable[[str], None]
) -> Command:
    """Return the change, whatever came of the try: the provider may be away, so it is no error."""
    try:
        try_out()
    except HoldfastError as error:
        warn(f"stored, but no login will work yet: {error.message}; the server's log says more")
    return command


def _read(visit: AuthVisit) -> Answer:
    shown = msgspec.structs.asdict(visit.require(CONFIG_KEY, JwtConfig))
    del shown["oidc_client_secret"]
    more = {"oidc_response_mode": "", "oidc_response_types": [], "provider_config": {}}
    return Answer(data=encode(shown | more))
