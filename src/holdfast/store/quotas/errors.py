"""The refusal of a request that was one too many."""

from holdfast.errors import UnavailableError


class QuotaExceededError(UnavailableError):
    """An address has sent more than a quota allows; nothing else about the request was looked at.

    Args:
        limit: how many requests an interval allows.
        wait_seconds: when to try again.
    """

    def __init__(self, limit: int, wait_seconds: int) -> None:
        super().__init__(f"rate limit quota exceeded: try again in {wait_seconds} seconds")
        self.limit = limit
        self.wait_seconds = wait_seconds
