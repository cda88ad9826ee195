"""Tokens by which the nodes of a cluster know each other: issued by the cluster, for one node, for minutes.

Whoever has the system key can make them, and they may do everything; so they are made when they are needed
and never stored.
"""

import threading

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.tokens.generate import generate_token
from holdfast.tokens.keys import SigningKey
from holdfast.tokens.user_file import User

LIFETIME_SECONDS = 600
FRESH_SECONDS = 300
BACKDATED_SECONDS = 60  # so that a node whose clock is behind believes it
DISPLAY_NAME = "Internal cluster communication"


class SystemTokens:
    """Makes the tokens of one node for the others.

    Args:
        cluster_id: the issuer.
        node_id: the subject.
        key: the system key.
        clock: the time.

    Raises:
        InvalidInputError: one of the names is empty.
    """

    def __init__(self, cluster_id: str, node_id: str, *, key: SigningKey, clock: Clock) -> None:
        if not cluster_id or not node_id:
            raise InvalidInputError("system tokens: expected a cluster id and a node id")
        self._issuer = cluster_id
        self._user = User(name=DISPLAY_NAME, sub=node_id, roles=("system.admin",), groups=("*",))
        self._key = key
        self._clock = clock
        self._guard = threading.Lock()
        self._token = ""
        self._made_at = float("-inf")

    def token(self) -> str:
        """Return a token that is good for some minutes yet."""
        now = self._clock.now()
        with self._guard:
            if now - self._made_at >= FRESH_SECONDS:
                self._made_at = now
                self._token = generate_token(
                    self._user,
                    issuer=self._issuer,
                    key=self._key,
                    issued_at=now - BACKDATED_SECONDS,
                    lifetime_seconds=LIFETIME_SECONDS + BACKDATED_SECONDS,
                )
            return self._token
