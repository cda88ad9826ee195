"""What the provider of a mount publishes: its keys, and where people log in at it. All of this blocks."""

from dataclasses import dataclass

from holdfast.store.auth.jwt.config import JwtConfig
from holdfast.store.auth.provider_keys import Keys
from holdfast.tokens.discovery import address_in, fetch_configuration, fetch_keys, keys_address
from holdfast.tokens.key_files import load_provider_key

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
        return Provider(fetch_keys(config.jwks_url, ca_pem=config.jwks_ca_pem))
    base, ca_pem = config.oidc_discovery_url, config.oidc_discovery_ca_pem
    document = fetch_configuration(base, ca_pem=ca_pem, field="oidc_discovery_url")
    methods = document.get("token_endpoint_auth_methods_supported", [_BASIC])
    return Provider(
        keys=fetch_keys(keys_address(document, base), ca_pem=ca_pem),
        issuer=document["issuer"],
        authorization=address_in(document, "authorization_endpoint", base),
        token=address_in(document, "token_endpoint", base),
        userinfo=address_in(document, "userinfo_endpoint", base),
        secret_in_body=isinstance(methods, list) and _BASIC not in methods and _IN_BODY in methods,
    )


def configured_keys(config: JwtConfig) -> Keys:
    """Return the keys that are part of the configuration."""
    return tuple(load_provider_key(pem.encode()) for pem in config.jwt_validation_pubkeys)
