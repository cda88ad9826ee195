"""Sizes as people write them: a whole number, and a binary unit behind it."""

import re
from typing import Final

SCALES: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def read_size(text: str, *, bare: int, digits: int) -> int | None:
    """Return the bytes of a size such as ``64M``, ``1GiB`` or ``10``; ``None`` if it is no size.

    Args:
        text: as it was written; units in either case, with ``B`` or ``iB`` behind them or without.
        bare: how many bytes one of a number without a unit is.
        digits: how long the number may be.
    """
    match = re.fullmatch(rf"([0-9]{{1,{digits}}})([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        return None
    return int(match[1]) * SCALES.get(match[2].upper(), bare)
