"""Sizes as people type and read them: binary units; a bare number counts GiB, as ``pxctl`` takes it."""

from holdfast.cli.errors import UsageError
from holdfast.model.size import SCALES, read_size

_DIGITS = 12


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``64M``, ``1GiB`` or ``10``.

    Raises:
        UsageError: it is none, or zero.
    """
    size = read_size(text, bare=SCALES["G"], digits=_DIGITS)
    if not size:
        raise UsageError("--size: expected a number with K, M, G or T, such as 64M; a bare number counts GiB")
    return size


def format_size(size_bytes: int) -> str:
    """Write a size in the largest unit that keeps it whole or above ten: ``64 MiB``, ``1.5 GiB``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        scale = SCALES[unit[0]]
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes} B"
