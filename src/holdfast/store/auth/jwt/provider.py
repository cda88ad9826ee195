"""What the provider of a mount publishes: its keys, and where people log in at it. All of this blocks.

Discovery (OpenID Connect Discovery 1.0, section 4) is believed as far as the provider calls itself what the
mount was configured with. Its parts may be elsewhere, but never less protected than the provider itself.
"""

from dataclasses import dataclass
from typing import Any

from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.store.auth.jwt.config import JwtConfig
from holdfast.store.auth.outside import get_document, read_object
from holdfast.store.auth.provider_keys import Keys
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.key_files import load_provider_key

WELL_KNOWN = "/.well-known/openid-configuration"
PROVIDER = "the token provider"

_BASIC, _IN_BODY = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider publishes; empty texts where it publishes nothing of that kind.

    Attributes:
        keys: that verify its tokens.
        issuer: what it calls itself, exactly.
        authorization: where people log in.
        token: where a code is exchanged for tokens.
        userinfo: where more claims are.
        secret_in_body: whether a client's secret goes into the body of a request rather than its headers.
    """

    keys: Keys
    issuer: str = ""
    authorization: str = ""
    token: str = ""
    userinfo: str = ""
    secret_in_body: bool = False


def fetch_provider(config: JwtConfig) -> Provider:
    """Return what the provider publishes.

    Raises:
        UnavailableError: it does not answer, or with nothing that can be used.
    """
    if not config.oidc_discovery_url:
        return Provider(_fetch_keys(config.jwks_url, config.jwks_ca_pem))
    base, ca_pem = config.oidc_discovery_url, config.oidc_discovery_ca_pem
    document = read_object(get_document(base + WELL_KNOWN, ca_pem=ca_pem, what=PROVIDER), what=PROVIDER)
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") != base:
        raise UnavailableError(f"{PROVIDER} calls itself something else than oidc_discovery_url")
    keys_url = _address(document, "jwks_uri", base)
    if not keys_url:
        raise UnavailableError(f"{PROVIDER} names no https address of its keys")
    methods = document.get("token_endpoint_auth_methods_supported", [_BASIC])
    return Provider(
        keys=_fetch_keys(keys_url, ca_pem),
        issuer=issuer,
        authorization=_address(document, "authorization_endpoint", base),
        token=_address(document, "token_endpoint", base),
        userinfo=_address(document, "userinfo_endpoint", base),
        secret_in_body=isinstance(methods, list) and _BASIC not in methods and _IN_BODY in methods,
    )


def configured_keys(config: JwtConfig) -> Keys:
    """Return the keys that are part of the configuration."""
    return tuple(load_provider_key(pem.encode()) for pem in config.jwt_validation_pubkeys)


def _fetch_keys(url: str, ca_pem: str) -> Keys:
    try:
        return read_key_set(get_document(url, ca_pem=ca_pem, what=PROVIDER))
    except InvalidInputError as error:
        raise UnavailableError(f"{PROVIDER} shows no keys that can be used: {error.message}") from None


def _address(document: dict[str, Any], name: str, base: str) -> str:
    """Return an address of a discovery document, empty if there is none that may be used."""
    url = document.get(name)
    return url if isinstance(url, str) and url.startswith(("https://", base + "/")) else ""
