"""What a provider of tokens says about itself, and the keys that it publishes. All of this blocks.

Discovery (OpenID Connect Discovery 1.0, section 4) is believed as far as the provider calls itself what it
was configured as. Its parts may be elsewhere, but never less protected than the provider itself.
"""

from typing import Any

from holdfast.client.outside import get_document, read_object
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.keys import VerifyingKey

WELL_KNOWN = "/.well-known/openid-configuration"
PROVIDER = "the token provider"


def fetch_configuration(base: str, *, ca_pem: str, field: str) -> dict[str, Any]:
    """Return the discovery document of a provider.

    Args:
        base: its address, without a trailing slash.
        ca_pem: the only authorities to trust; empty for those of this host.
        field: which setting names the address, for the error.

    Raises:
        UnavailableError: it does not answer, or is not who it was said to be.
    """
    document = read_object(get_document(base + WELL_KNOWN, ca_pem=ca_pem, what=PROVIDER), what=PROVIDER)
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") != base:
        raise UnavailableError(f"{PROVIDER} calls itself something else than {field}")
    return document


def fetch_keys(url: str, *, ca_pem: str) -> tuple[VerifyingKey, ...]:
    """Return the keys that are published at ``url``.

    Raises:
        UnavailableError: there are none that can be used.
    """
    try:
        return read_key_set(get_document(url, ca_pem=ca_pem, what=PROVIDER))
    except InvalidInputError as error:
        raise UnavailableError(f"{PROVIDER} shows no keys that can be used: {error.message}") from None


def keys_address(document: dict[str, Any], base: str) -> str:
    """Return where a provider publishes its keys.

    Raises:
        UnavailableError: it does not say, or names an address that is not protected.
    """
    url = address_in(document, "jwks_uri", base)
    if not url:
        raise UnavailableError(f"{PROVIDER} names no https address of its keys")
    return url


def address_in(document: dict[str, Any], name: str, base: str) -> str:
    """Return an address of a discovery document, empty if there is none that may be used."""
    url = document.get(name)
    return url if isinstance(url, str) and url.startswith(("https://", base + "/")) else ""
