"""``config``: whose tokens a mount believes, and where their public keys are."""

from collections.abc import Callable
from functools import partial

import msgspec

from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.outside import check_url, get_document, read_object
from holdfast.store.auth.pem import pem_texts
from holdfast.store.auth.provider_keys import Keys
from holdfast.store.auth.records import SaveAuthRecord
from holdfast.store.auth.signatures import ASYMMETRIC
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.key_files import load_verifying_key
from holdfast.tokens.keys import Algorithm

CONFIG_KEY = "config"
WELL_KNOWN = "/.well-known/openid-configuration"
_PROVIDER = "the token provider"
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
    """

    oidc_discovery_url: str = ""
    oidc_discovery_ca_pem: str = ""
    jwks_url: str = ""
    jwks_ca_pem: str = ""
    jwt_validation_pubkeys: tuple[str, ...] = ()
    bound_issuer: str = ""
    jwt_supported_algs: tuple[str, ...] = ()
    default_role: str = ""

    @property
    def issuer(self) -> str:
        """The ``iss`` that tokens must have; empty for any."""
        return self.bound_issuer or self.oidc_discovery_url

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """The algorithms that are accepted."""
        return frozenset(Algorithm(name) for name in self.jwt_supported_algs) or frozenset(ASYMMETRIC)


def fetch_keys(config: JwtConfig) -> Keys:
    """Return the keys that sign the provider's tokens; blocks.

    Raises:
        UnavailableError: it does not answer, or with nothing that can be used.
    """
    url, ca_pem = config.jwks_url, config.jwks_ca_pem
    if config.oidc_discovery_url:
        url, ca_pem = _discover(config), config.oidc_discovery_ca_pem
    try:
        return read_key_set(get_document(url, ca_pem=ca_pem, what=_PROVIDER))
    except InvalidInputError as error:
        raise UnavailableError(f"{_PROVIDER} shows no keys that can be used: {error.message}") from None


def configured_keys(config: JwtConfig) -> Keys:
    """Return the keys that are part of the configuration."""
    return tuple(load_verifying_key(pem.encode()) for pem in config.jwt_validation_pubkeys)


def _discover(config: JwtConfig) -> str:
    """Ask the provider where its keys are; they may be elsewhere, but never less protected than itself."""
    base = config.oidc_discovery_url
    document = read_object(
        get_document(base + WELL_KNOWN, ca_pem=config.oidc_discovery_ca_pem, what=_PROVIDER), what=_PROVIDER
    )
    issuer, url = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(issuer, str) or issuer.rstrip("/") != base:
        raise UnavailableError(f"{_PROVIDER} calls itself something else than oidc_discovery_url")
    if not isinstance(url, str) or not (url.startswith(("https://", base + "/"))):
        raise UnavailableError(f"{_PROVIDER} names no https address of its keys")
    return url


def _write(visit: AuthVisit) -> Command | Deferred:
    values = visit.values
    for name in ("oidc_client_id", "oidc_client_secret", "provider_config"):
        if values.get(name):
            raise InvalidInputError(f"{name}: expected nothing; logins through a browser are not offered")
    config = _read_config(values)
    command = visit.change(CONFIG_KEY, JwtConfig, lambda _before: config)
    if config.jwt_validation_pubkeys:
        return command
    return Deferred(partial(_try_out, config, command, visit.warnings.append), outside=True)


def _read_config(values: dict[str, object]) -> JwtConfig:
    given = [name for name in _SOURCES if values.get(name)]
    if len(given) != 1:
        raise InvalidInputError(f"expected exactly one of {', '.join(_SOURCES)}")
    discovery_ca, jwks_ca = fields.text(values, "oidc_discovery_ca_pem"), fields.text(values, "jwks_ca_pem")
    discovery, jwks = fields.text(values, "oidc_discovery_url"), fields.text(values, "jwks_url")
    keys = pem_texts(values.get("jwt_validation_pubkeys"))
    if given[0] == "jwt_validation_pubkeys" and not keys:
        raise InvalidInputError("jwt_validation_pubkeys: expected public keys in PEM form")
    for pem in keys:
        load_verifying_key(pem.encode())
    algorithms = fields.words(values, "jwt_supported_algs")
    if set(algorithms) - set(ASYMMETRIC):
        raise InvalidInputError(f"jwt_supported_algs: expected some of {', '.join(ASYMMETRIC)}")
    return JwtConfig(
        oidc_discovery_url=discovery and check_url(discovery, field=_SOURCES[0], ca_pem=discovery_ca),
        oidc_discovery_ca_pem=discovery_ca,
        jwks_url=jwks and check_url(jwks, field=_SOURCES[1], ca_pem=jwks_ca),
        jwks_ca_pem=jwks_ca,
        jwt_validation_pubkeys=keys,
        bound_issuer=fields.text(values, "bound_issuer"),
        jwt_supported_algs=algorithms,
        default_role=fields.text(values, "default_role").lower(),
    )


def _try_out(config: JwtConfig, command: SaveAuthRecord, warn: Callable[[str], None]) -> Command:
    """Fetch the keys once, so that a mistake shows now; the provider may be away, so it is no error."""
    try:
        fetch_keys(config)
    except HoldfastError as error:
        warn(f"stored, but no login will work yet: {error.message}; the server's log says more")
    return command


def _read(visit: AuthVisit) -> Answer:
    config = visit.require(CONFIG_KEY, JwtConfig)
    return Answer(
        data=encode({**msgspec.structs.asdict(config), "oidc_client_id": "", "provider_config": {}})
    )


CONFIG_ROUTES = (
    AuthRoute("config", Operation.READ, _read),
    AuthRoute("config", Operation.WRITE, _write, creates=True),
)
