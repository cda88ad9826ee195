"""Tokens with which another cluster may pair with this one, once, and do nothing else.

A token is 64 random bytes in hexadecimal digits. It is shown when it is made and never again: only its hash
is stored. It ends after an hour, with its first use, or when tokens are reset, whichever comes first.
"""

import hashlib
import re
import secrets

from holdfast.clock import Clock
from holdfast.errors import ConflictError
from holdfast.model import Principal
from holdfast.node.access.gate import TokenVerifier
from holdfast.node.pairing.pair_records import PairTokenRecord, decode_token, encode
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.tokens.errors import Reason, TokenError

LIFETIME_SECONDS = 3600.0
MAX_TOKENS = 16
PAIRING = "cluster-pair"
_FORM = re.compile(r"[0-9a-f]{128}")
_PREFIX = "pair-tokens/"


class PairTokens:
    """The tokens of one cluster.

    Args:
        storage: the cluster's state.
        clock: the time.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def issue(self, made_by: str, *, reset: bool) -> str:
        """Return a fresh token; ``reset`` ends all earlier ones in the same step.

        Raises:
            ConflictError: as many were given out and not used as there may be.
        """
        token = secrets.token_hex(64)
        now = self._clock.now()

        def change(transaction: Transaction) -> None:
            alive = 0
            for name in transaction.list(_PREFIX):
                stored = transaction.get(_PREFIX + name)
                if reset or stored is None or decode_token(stored).expires_at <= now:
                    transaction.delete(_PREFIX + name)
                else:
                    alive += 1
            if alive >= MAX_TOKENS:
                raise ConflictError("there are too many pairing tokens that nobody used; reset them")
            record = PairTokenRecord(expires_at=now + LIFETIME_SECONDS, made_by=made_by)
            transaction.put(_key(token), encode(record))

        self._storage.write(change)
        return token

    def is_good(self, token: str) -> bool:
        """Whether a token could be used now."""
        return _FORM.fullmatch(token) is not None and self._is_alive(self._storage, token)

    def consume(self, transaction: Transaction, token: str) -> None:
        """Use a token up, within a transaction.

        Raises:
            TokenError: it is used up, expired, was reset, or never was one.
        """
        if not _FORM.fullmatch(token) or not self._is_alive(transaction, token):
            raise refused()
        transaction.delete(_key(token))

    def _is_alive(self, reader: Reader, token: str) -> bool:
        stored = reader.get(_key(token))
        return stored is not None and self._clock.now() < decode_token(stored).expires_at


class PairingVerifier:
    """Believes pairing tokens, besides those that another verifier believes.

    Args:
        others: the other verifier.
        tokens: the pairing tokens.
    """

    def __init__(self, others: TokenVerifier, tokens: PairTokens) -> None:
        self._others = others
        self._tokens = tokens

    def verify(self, token: str | bytes) -> Principal:
        """Return whose token it is; that of a cluster that wants to pair has no role and no group.

        Raises:
            UnauthenticatedError: it is not believed.
        """
        text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
        if not _FORM.fullmatch(text):
            return self._others.verify(token)
        if not self._tokens.is_good(text):
            raise refused()
        return Principal(name=PAIRING, subject=PAIRING, issuer=PAIRING, token_id=_key(text)[-64:][:16])


def refused() -> TokenError:
    """Return what is raised for a pairing token that is none, or none any more; nobody learns which."""
    return TokenError(Reason.REVOKED, "the pairing token was used, reset, has ended or never was one")


def _key(token: str) -> str:
    return _PREFIX + hashlib.sha256(token.encode()).hexdigest()
