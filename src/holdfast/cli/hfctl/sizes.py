"""Sizes as people type and read them: binary units; a bare number counts GiB, as ``pxctl`` takes it."""

import re

from holdfast.cli.errors import UsageError

UNITS = {"": 1 << 30, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

_SIZE = re.compile(r"([0-9]{1,12})([KMGT]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``64M``, ``1GiB`` or ``10``.

    Raises:
        UsageError: it is none, or zero.
    """
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * UNITS[match[2].upper()] if match else 0
    if size == 0:
        raise UsageError("--size: expected a number with K, M, G or T, such as 64M; a bare number counts GiB")
    return size


def format_size(size_bytes: int) -> str:
    """Write a size in the largest unit that keeps it whole or above ten: ``64 MiB``, ``1.5 GiB``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        scale = UNITS[unit[0]]
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes} B"
