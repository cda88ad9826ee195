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

    __slots__ = ("_capacity", "_lock", "_principals")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._principals: dict[bytes, Principal] = {}
        self._lock = Lock()

    def find(self, digest: bytes, *, now: float) -> Principal | None:
        """Return whose token this is, or ``None`` if it is unknown or has expired."""
        principal = self._principals.get(digest)
        if principal is None or now < principal.expires_at:
            return principal
        with self._lock:
            self._principals.pop(digest, None)
        return None

    def remember(self, digest: bytes, principal: Principal) -> None:
        """Keep the principal of a verified token."""
        with self._lock:
            while self._principals and len(self._principals) >= self._capacity:
                del self._principals[next(iter(self._principals))]
            if self._capacity > 0:
                self._principals[digest] = principal

    def __len__(self) -> int:
        return len(self._principals)
