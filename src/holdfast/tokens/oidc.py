"""An OpenID Connect provider as an issuer: its tokens, meant for our client, by keys that it publishes.

The issuer is an address, and where its keys are is asked there (discovery). It signs with the algorithms that
it says, of those below; never with a shared secret, whoever may know it. Identity and access tokens alike are
told apart from tokens for others by their audience alone, the client id.
"""

from dataclasses import dataclass
from typing import Any

from holdfast.client.outside import check_url
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.tokens.discovery import PROVIDER, fetch_configuration, fetch_keys, keys_address
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.published_keys import KeySet, PublishedKeys

ALGORITHMS = frozenset(algorithm for algorithm in Algorithm if algorithm[:2] in {"RS", "ES", "PS"})
DEFAULT_ALGORITHMS = frozenset({Algorithm.RS256})
FIELD = "oidc_issuer"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Which provider, and who we are to it.

    Attributes:
        issuer: its address, exactly as its tokens say in ``iss``.
        client_id: what its tokens must name as their audience.
        claim_namespace: what stands before the claims ``roles`` and ``groups``, its separator included.
        ca_pem: the only authorities to trust; empty for those of this host.

    Raises:
        InvalidInputError: not HTTPS, nor plain HTTP on this host; or no client id.
    """

    issuer: str
    client_id: str
    claim_namespace: str = ""
    ca_pem: str = ""

    def __post_init__(self) -> None:
        check_url(self.issuer, field=FIELD, ca_pem=self.ca_pem)
        if not self.client_id:
            raise InvalidInputError("oidc_client_id: expected the client that tokens are made for")

    def published_keys(self, clock: Clock) -> PublishedKeys:
        """Return the keys of the provider, which is not asked yet."""
        return PublishedKeys(self.fetch, clock=clock)

    def fetch(self) -> KeySet:
        """Ask the provider for its keys.

        Raises:
            UnavailableError: it does not answer, or not as the issuer that it was configured as.
        """
        base = self.issuer.rstrip("/")
        document = fetch_configuration(base, ca_pem=self.ca_pem, field=FIELD)
        if document["issuer"] != self.issuer:
            raise UnavailableError(f"{PROVIDER} calls itself something else than {FIELD}")
        keys = fetch_keys(keys_address(document, base), ca_pem=self.ca_pem)
        return KeySet(keys, _algorithms(document))


def _algorithms(document: dict[str, Any]) -> frozenset[Algorithm]:
    said = document.get("id_token_signing_alg_values_supported")
    if not isinstance(said, list) or not said:
        return DEFAULT_ALGORITHMS
    return frozenset(algorithm for algorithm in ALGORITHMS if algorithm.value in said)
