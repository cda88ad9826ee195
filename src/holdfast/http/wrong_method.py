"""A path that is there, asked with a method that it does not know: the answer says which ones it does."""

from collections.abc import Iterable

from holdfast.errors import UnsupportedError


class WrongMethodError(UnsupportedError):
    """The path knows other methods than this one.

    Args:
        allowed: those that it knows.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(f"method: expected {', '.join(self.allowed)}")

    def header(self) -> tuple[str, str]:
        """Return the header line that belongs to the answer (RFC 9110, 15.5.6)."""
        return "Allow", ", ".join(self.allowed)
