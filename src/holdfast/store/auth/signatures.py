"""Whether one of a provider's keys signed a token."""

from typing import Any

from holdfast.store.auth.provider_keys import Keys
from holdfast.tokens.compact import CompactToken
from holdfast.tokens.errors import BadSignatureError, Reason, TokenError
from holdfast.tokens.keys import Algorithm

ASYMMETRIC = tuple(algorithm for algorithm in Algorithm if not algorithm.startswith("HS"))
"""The algorithms that a provider may sign with: whoever can verify must not be able to sign."""

MAX_TRIES = 16  # a token without key id may cost one verification for each key


def check_signature(token: CompactToken, keys: Keys, algorithms: frozenset[Algorithm]) -> dict[str, Any]:
    """Return the claims of a token that one of ``keys`` signed, with one of ``algorithms``.

    Raises:
        TokenError: none of them did.
    """
    if token.algorithm not in algorithms:
        raise TokenError(Reason.UNSUPPORTED_ALGORITHM, "its issuer does not sign with this algorithm")
    named = [
        key
        for key in keys
        if token.algorithm in key.algorithms
        and (not token.key_id or not key.key_id or key.key_id == token.key_id)
    ]
    if not named:
        raise TokenError(Reason.UNKNOWN_KEY, "its issuer has no such key; the key may have been retired")
    for key in named[:MAX_TRIES]:
        try:
            key.verify(token.algorithm, token.signed, token.signature)
        except BadSignatureError:
            continue
        return token.unverified_claims  # verified by now
    raise BadSignatureError
