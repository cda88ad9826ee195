"""Tokens are verified against what every node of the cluster has revoked, half a second ago at most.

    the last look at storage was ...    storage answers     storage does not
    up to half a second ago             not asked           not asked
    up to five seconds ago              asked first         what is known counts
    longer ago, or never                asked first         no token counts: 503

So a revocation is effective on every node within a second of being made, and while storage is away, no node
believes a token that may have been revoked for longer than five seconds. One thread looks; as long as what is
known is not too old, the others do not wait for it.
"""

import logging
import threading
from typing import Protocol

from holdfast.clock import Clock
from holdfast.errors import UnavailableError
from holdfast.model import Principal
from holdfast.node.tokens.revocation_book import RevocationBook
from holdfast.tokens.errors import RevocationsUnavailableError
from holdfast.tokens.issuer import IssuerRegistry
from holdfast.tokens.revocation import Revocations

LOOK_SECONDS = 0.5
BLIND_SECONDS = 5.0
WAIT_SECONDS = 10.0

_NEVER = float("-inf")

log = logging.getLogger(__name__)


class TrustingVerifier(Protocol):
    """What is needed of the tokens room."""

    @property
    def issuers(self) -> IssuerRegistry:
        """Who may vouch."""
        ...

    def trust(self, *, revocations: Revocations) -> None:
        """Use other revocations from now on."""
        ...

    def verify(self, token: str | bytes) -> Principal:
        """Return whose token it is, or raise ``UnauthenticatedError``."""
        ...


class WatchedTokens:
    """Verifies tokens by revocations that are up to date.

    Args:
        verifier: checks everything else.
        book: where revocations are.
        clock: the time.
    """

    def __init__(self, verifier: TrustingVerifier, book: RevocationBook, *, clock: Clock) -> None:
        self._verifier = verifier
        self._book = book
        self._clock = clock
        self._looking = threading.Lock()
        self._looked_at = _NEVER
        self._tried_at = _NEVER
        self._number = -1

    @property
    def issuers(self) -> IssuerRegistry:
        """Who may vouch."""
        return self._verifier.issuers

    def verify(self, token: str | bytes) -> Principal:
        """Return whose token it is.

        Raises:
            UnauthenticatedError: it is not believed; ``reason`` says why.
            UnavailableError: whether it is to be believed cannot be told at the moment.
        """
        now = self._clock.now()
        if now - self._looked_at >= LOOK_SECONDS:
            self._look(now)
        return self._verifier.verify(token)

    def forget_look(self) -> None:
        """Have the next token wait for a look, after a change of our own."""
        with self._looking:
            self._looked_at = self._tried_at = _NEVER

    def _look(self, now: float) -> None:
        if not self._looking.acquire(blocking=False):
            if now - self._looked_at < BLIND_SECONDS:
                return
            if not self._looking.acquire(timeout=WAIT_SECONDS):
                raise RevocationsUnavailableError
        try:
            self._look_alone(now)
        finally:
            self._looking.release()

    def _look_alone(self, now: float) -> None:
        if now - max(self._looked_at, self._tried_at) >= LOOK_SECONDS:
            self._tried_at = now
            try:
                self._read(now)
            except UnavailableError as error:
                log.warning("revocations cannot be read: %s", error.message)
        if now - self._looked_at >= BLIND_SECONDS:
            raise RevocationsUnavailableError

    def _read(self, now: float) -> None:
        if self._book.catch_up() != self._number:
            number, revocations = self._book.load()
            self._verifier.trust(revocations=revocations)
            self._number = number
        self._looked_at = now
