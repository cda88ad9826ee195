"""How a dialect's table of status codes is read; the tables themselves are the dialects' own."""

from collections.abc import Mapping

from holdfast.errors import HoldfastError


def status_in(table: Mapping[type[HoldfastError], int], error: HoldfastError) -> int:
    """Return the status code for an error: that of the nearest kind it derives from, else 500."""
    return next((table[kind] for kind in type(error).__mro__ if kind in table), 500)
