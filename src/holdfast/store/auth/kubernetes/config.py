"""``config``: the cluster that a mount is for, and how its tokens are checked.

Who may write a configuration chooses where requests go, and must not thereby get hold of our own pod's token.
So that token is shown to our own pod's cluster alone (``own_pod``), whatever was stored.
"""

from functools import partial

import msgspec

from holdfast.client.outside import check_url, get_document
from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.kubernetes import own_pod
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.pem import pem_texts
from holdfast.store.auth.provider_keys import Keys
from holdfast.store.auth.records import SaveAuthRecord
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.key_files import load_verifying_key

CONFIG_KEY = "config"
CLUSTER = "the cluster's API server"
KEYS_PATH = "/openid/v1/jwks"
MAX_TOKEN_LENGTH = 8192


class KubernetesConfig(msgspec.Struct, array_like=True, frozen=True):
    """One cluster. Fields are only ever appended: their order is the record format.

    Attributes:
        kubernetes_host: address of its API server.
        kubernetes_ca_cert: the only authorities to trust on the way there, in PEM form.
        token_reviewer_jwt: what we show there; empty for our own pod's token if this is our own pod's
            cluster, or else the one to be checked.
        pem_keys: keys that must have signed, in PEM form; empty for any that the cluster accepts.
        issuer: the ``iss`` that tokens must have, if that is checked.
        disable_iss_validation: do not check it.
        disable_local_ca_jwt: do not use our own pod's certificate and token.
        local_verification: check tokens by keys alone, and do not ask the cluster.
    """

    kubernetes_host: str
    kubernetes_ca_cert: str = ""
    token_reviewer_jwt: str = ""
    pem_keys: tuple[str, ...] = ()
    issuer: str = ""
    disable_iss_validation: bool = True
    disable_local_ca_jwt: bool = False
    local_verification: bool = False

    def __repr__(self) -> str:
        return "KubernetesConfig(...)"

    def authorities(self) -> str:
        """Return the authorities to trust; reads our own pod's file if need be, so it may block."""
        return self.kubernetes_ca_cert or ("" if self.disable_local_ca_jwt else own_pod.authorities())

    def bearer(self) -> str:
        """Return the token that we show; reads our own pod's file if need be, so it may block."""
        return self.token_reviewer_jwt or (own_pod.token() if self.may_show_own_token() else "")

    def may_show_own_token(self) -> bool:
        """Tell whether our own pod's token would get to nobody but our own pod's cluster."""
        if self.disable_local_ca_jwt or self.kubernetes_ca_cert:
            return False
        return bool(own_pod.authorities()) and own_pod.is_own_cluster(self.kubernetes_host)


def configured_keys(config: KubernetesConfig) -> Keys:
    """Return the keys that are part of the configuration."""
    return tuple(load_verifying_key(pem.encode()) for pem in config.pem_keys)


def fetch_keys(config: KubernetesConfig) -> Keys:
    """Return the keys that the cluster publishes; blocks.

    Raises:
        UnavailableError: it does not answer, or with nothing that can be used.
    """
    bearer = config.bearer()
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else None
    url = config.kubernetes_host + KEYS_PATH
    try:
        return read_key_set(get_document(url, ca_pem=config.authorities(), headers=headers, what=CLUSTER))
    except InvalidInputError as error:
        raise UnavailableError(f"{CLUSTER} shows no keys that can be used: {error.message}") from None


def _write(visit: AuthVisit) -> Command | Deferred:
    config = _read_config(visit.values)
    _check_reviewer(config)
    command = visit.change(CONFIG_KEY, KubernetesConfig, lambda _before: config)
    if not config.local_verification or config.pem_keys:
        return command
    return Deferred(partial(_try_out, config, command, visit.warnings), outside=True)


def _read_config(values: dict[str, object]) -> KubernetesConfig:
    host, ca_cert = fields.text(values, "kubernetes_host"), fields.text(values, "kubernetes_ca_cert")
    if not host:
        raise InvalidInputError("no host provided")
    disable_local = fields.boolean(values, "disable_local_ca_jwt")
    if disable_local and not ca_cert:
        raise InvalidInputError("kubernetes_ca_cert must be given when disable_local_ca_jwt is true")
    reviewer = fields.text(values, "token_reviewer_jwt").strip()
    if len(reviewer) > MAX_TOKEN_LENGTH or not (reviewer.isascii() and reviewer.isprintable()):
        raise InvalidInputError("token_reviewer_jwt: expected the token of a service account")
    keys = pem_texts(values.get("pem_keys"))
    if values.get("pem_keys") and not keys:
        raise InvalidInputError("pem_keys: expected public keys or certificates in PEM form")
    for pem in keys:
        load_verifying_key(pem.encode())
    issuer = fields.text(values, "issuer")
    disable_issuer = fields.boolean(values, "disable_iss_validation", default=True)
    if not disable_issuer and not issuer:
        raise InvalidInputError("issuer: expected the issuer of the cluster, because it is to be validated")
    return KubernetesConfig(
        kubernetes_host=check_url(host, field="kubernetes_host", ca_pem=ca_cert),
        kubernetes_ca_cert=ca_cert,
        token_reviewer_jwt=reviewer,
        pem_keys=keys,
        issuer=issuer,
        disable_iss_validation=disable_issuer,
        disable_local_ca_jwt=disable_local,
        local_verification=fields.boolean(values, "local_verification"),
    )


def _check_reviewer(config: KubernetesConfig) -> None:
    """Refuse what counts on our own pod's token where that must not be shown."""
    asks_as_us = not (config.token_reviewer_jwt or config.disable_local_ca_jwt or config.local_verification)
    if asks_as_us and own_pod.token() and not config.may_show_own_token():
        raise InvalidInputError(
            "token_reviewer_jwt: expected the token of an account that may review tokens, because the store "
            "shows its own pod's token to no API server but that of its own cluster; if it is that one, "
            "leave out kubernetes_ca_cert and give kubernetes_host=https://kubernetes.default.svc; or set "
            "disable_local_ca_jwt=true to have each account ask for itself"
        )


def _try_out(config: KubernetesConfig, command: SaveAuthRecord, warnings: list[str]) -> Command:
    """Fetch the keys once, so that a mistake shows now; the cluster may be away, so it is no error."""
    try:
        fetch_keys(config)
    except HoldfastError as error:
        warnings.append(f"stored, but no login will work yet: {error.message}; the server's log says more")
    return command


def _read(visit: AuthVisit) -> Answer:
    config = visit.require(CONFIG_KEY, KubernetesConfig)
    shown = msgspec.structs.asdict(config)
    shown["token_reviewer_jwt_set"] = bool(shown.pop("token_reviewer_jwt"))
    return Answer(data=encode(shown))


CONFIG_ROUTES = (
    AuthRoute("config", Operation.READ, _read),
    AuthRoute("config", Operation.WRITE, _write, creates=True),
)
