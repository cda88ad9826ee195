"""A bounded memory of tokens that passed verification, so that each signature is checked once.

A token is remembered by its SHA-256, never by its text, and never for longer than it lives. When the memory
is full, the longest known token is forgotten, which costs that token one more verification.
"""

from threading import Lock

from holdfast.model import Principal


class VerifiedTokens:
    """Principals by token digest; safe to use from several threads.

    Args:
        capacity: how many tokens to remember at most; 0 remembers none.
    """

    __slots__ = ("_capacity", "_known", "_lock")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._lock = Lock()

    def find(self, digest: bytes, *, now: float) -> Principal | None:
        """Return whose token this is, or ``None`` if it is unknown or must be looked at again."""
        known = self._known.get(digest)
        if known is None:
            return None
        principal, until = known
        if now < until:
            return principal
        with self._lock:
            self._known.pop(digest, None)
        return None

    def remember(self, digest: bytes, principal: Principal, *, until: float) -> None:
        """Keep the principal of a verified token, up to the Unix second ``until``."""
        with self._lock:
            while self._known and len(self._known) >= self._capacity:
                del self._known[next(iter(self._known))]
            if self._capacity > 0:
                self._known[digest] = principal, until

    def __len__(self) -> int:
        return len(self._known)
