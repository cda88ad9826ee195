"""The tables of ``holdfast kv``: headings between equal signs, as wide as what stands below them."""

from collections.abc import Mapping
from typing import Any

from holdfast.cli.output import print_pairs

_GAP_AND_VALUE = 9  # four blanks between the columns, and the word Value
_NARROWEST_RULE = 4


def print_path(title: str, path: str) -> None:
    """Print where something is stored, and an empty line."""
    print(_heading(title, len(path)))
    print(path)
    print()


def print_fields(title: str, fields: Mapping[str, Any]) -> None:
    """Print a heading and the fields below it, sorted."""
    print(_heading(title, max(map(len, fields), default=0) + _GAP_AND_VALUE))
    print_pairs((name, fields[name]) for name in sorted(fields))


def print_version(metadata: Mapping[str, Any]) -> None:
    """Print the table of a version that was just written; custom metadata only if there is any."""
    shown = dict(metadata)
    if shown.get("custom_metadata") is None:
        shown.pop("custom_metadata", None)
    print_pairs((name, shown[name]) for name in sorted(shown))


def _heading(title: str, width: int) -> str:
    rule = width - len(title) - 2
    side = "=" * (((rule if rule > 0 else _NARROWEST_RULE) + 1) // 2)
    return f"{side} {title} {side}"
