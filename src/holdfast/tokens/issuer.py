"""Who may vouch for principals: the issuers, each with its keys and the algorithms fixed by configuration.

The issuer that a token names selects, by exact match, the only keys that may have signed it. A token of one
issuer is refused when another's key signed it, however well known that key is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from holdfast.errors import InvalidInputError
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.errors import Reason, TokenError
from holdfast.tokens.keys import Algorithm, SigningKey, VerifyingKey
from holdfast.tokens.published_keys import PublishedKeys
from holdfast.tokens.shared_secret import SharedSecretKey

MAX_NAME_LENGTH = 256
MAX_KEYS = 16  # a token without key id may cost one verification for each
MAX_CLOCK_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One issuer and what its tokens must satisfy.

    To rotate a key, list the new one beside the old one, and drop the old one when its last token has
    expired. Dropping it ends every token that it signed, at once.

    Attributes:
        name: the exact ``iss`` of its tokens.
        keys: the keys that may have signed; several are trusted at the same time.
        algorithms: the algorithms accepted; by default those that the keys are good for.
        user_name_claim: which claim becomes the user name. Changing it later orphans what users own.
        clock_skew_seconds: how far its clock may differ from ours; 0 for tokens of our own.
        max_lifetime_seconds: the longest lifetime accepted, or ``None`` for any.
        audience: what ``aud`` must contain; empty if its tokens carry none.
        key_ids_are_hints: try all keys if a token names one that nobody knows, since other generators name
            keys as they like.
        claim_namespace: what stands before the claims ``roles`` and ``groups`` where an issuer may only
            make claims of its own; those with it replace those without.
        published: the keys, of an issuer that publishes them; instead of ``keys``.
        renews: whether its tokens may be renewed here, by a key of ``keys`` that can sign.

    Raises:
        InvalidInputError: the configuration cannot be right.
    """

    name: str
    keys: tuple[VerifyingKey, ...] = ()
    algorithms: frozenset[Algorithm] = frozenset()
    user_name_claim: UserNameClaim = UserNameClaim.SUB
    clock_skew_seconds: int = 0
    max_lifetime_seconds: int | None = None
    audience: str = ""
    key_ids_are_hints: bool = False
    claim_namespace: str = ""
    published: PublishedKeys | None = None
    renews: bool = False
    _fitting: dict[tuple[Algorithm, str], tuple[VerifyingKey, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not 0 < len(self.name) <= MAX_NAME_LENGTH:
            raise InvalidInputError(f"issuer: expected a name of 1 to {MAX_NAME_LENGTH} printable characters")
        if self.published is not None and self.keys:
            raise InvalidInputError("issuer keys: expected keys, or where they are published, and not both")
        if self.published is None and not 0 < len(self.keys) <= MAX_KEYS:
            raise InvalidInputError(f"issuer keys: expected 1 to {MAX_KEYS} keys")
        named = [key.key_id for key in self.keys if key.key_id]
        if len(set(named)) != len(named):
            raise InvalidInputError("issuer keys: expected each key id once")
        if not 0 <= self.clock_skew_seconds <= MAX_CLOCK_SKEW_SECONDS:
            raise InvalidInputError(f"clock skew: expected 0 to {MAX_CLOCK_SKEW_SECONDS} seconds")
        if self.max_lifetime_seconds is not None and self.max_lifetime_seconds <= 0:
            raise InvalidInputError("maximum lifetime: expected at least one second")
        supported = frozenset[Algorithm]().union(*(key.algorithms for key in self.keys))
        if not self.algorithms <= supported:
            raise InvalidInputError(
                "issuer algorithms: expected only those that a key of the issuer is good for"
            )
        if not self.algorithms:
            object.__setattr__(self, "algorithms", supported)
        for algorithm in self.algorithms:
            self._fitting.update(_by_header(algorithm, self.keys))

    def signing_key(self, fingerprint: bytes) -> SigningKey | None:
        """Return the key with this fingerprint if it signs, too, and tokens of the issuer may be renewed."""
        for key in self.keys if self.renews else ():
            if key.fingerprint == fingerprint and isinstance(key, SharedSecretKey):
                return key
        return None

    def keys_for(self, algorithm: Algorithm, key_id: str) -> tuple[VerifyingKey, ...]:
        """Return the keys that may have signed a token with this header; may wait for who publishes them.

        Raises:
            TokenError: the algorithm is not accepted, or there is no such key.
            IssuerUnavailableError: they are published, and not to be had.
        """
        if self.published is not None:
            return self.published.find(algorithm, key_id)
        keys = self._fitting.get((algorithm, key_id), ())
        if not keys and algorithm not in self.algorithms:
            raise TokenError(Reason.UNSUPPORTED_ALGORITHM, "its issuer does not sign with this algorithm")
        if not keys and self.key_ids_are_hints and all(key.key_id != key_id for key in self.keys):
            keys = self._fitting[algorithm, ""]
        if not keys:
            raise TokenError(Reason.UNKNOWN_KEY, "its issuer has no such key; the key may have been retired")
        return keys


def _by_header(
    algorithm: Algorithm, keys: tuple[VerifyingKey, ...]
) -> dict[tuple[Algorithm, str], tuple[VerifyingKey, ...]]:
    """Return the keys that fit an algorithm, by each id that a token may name, and by none."""
    fitting = tuple(key for key in keys if algorithm in key.algorithms)
    named = {(algorithm, key.key_id): (key,) for key in fitting if key.key_id}
    return {(algorithm, ""): fitting, **named}


class IssuerRegistry:
    """The issuers trusted at one time. With none, every token is refused.

    Raises:
        InvalidInputError: two issuers share a name or a key. Who holds a shared key could mint tokens of
            the other issuer.
    """

    __slots__ = ("_by_name",)

    def __init__(self, issuers: Iterable[Issuer] = ()) -> None:
        self._by_name: dict[str, Issuer] = {}
        owner_of_key: dict[bytes, str] = {}
        for issuer in issuers:
            if issuer.name in self._by_name:
                raise InvalidInputError("issuers: expected each name once")
            self._by_name[issuer.name] = issuer
            for key in issuer.keys:
                if owner_of_key.setdefault(key.fingerprint, issuer.name) != issuer.name:
                    raise InvalidInputError(
                        "issuers: expected each to have keys of its own; make a new one for each"
                    )

    def __iter__(self) -> Iterator[Issuer]:
        """Yield the issuers, in the order of the configuration."""
        return iter(self._by_name.values())

    def select(self, name: str) -> Issuer:
        """Return the issuer of exactly this name.

        Raises:
            TokenError: it is not a trusted one.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise TokenError(Reason.UNKNOWN_ISSUER, "not from a trusted issuer") from None
