"""What the programs print: tables for people, JSON and YAML for programs, remarks on standard error.

Results go to standard output and nothing else does, so that ``holdfast ... | jq`` always works. The
table layout (two columns, a dashed line under each heading, four blanks between columns, ``n/a`` where a
text is empty) is the one that scripts written for the ``vault`` program already cut apart.

A table is read by a person on a terminal, so control characters in a value are shown as escapes: a
stored value cannot move the cursor or retitle the window. JSON, YAML and raw output stay exact.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMATS = ("table", "json", "yaml")
NOTHING = "n/a"
_GAP = "    "
_KEPT_CONTROLS = "\n\t"


def print_result(value: Any, output_format: str) -> None:
    """Print one result.

    Args:
        value: a mapping (printed as a key and value table), a list of names, or anything JSON can hold.
        output_format: one of ``FORMATS``.
    """
    if output_format == "json":
        print(as_json(value))
    elif output_format == "yaml":
        print(as_yaml(value), end="")
    elif isinstance(value, Mapping):
        print_pairs(value.items())
    elif isinstance(value, list):
        print_names(value)
    else:
        print(printable(as_cell(value)))


def print_pairs(pairs: Iterable[tuple[str, Any]], *, header: tuple[str, str] = ("Key", "Value")) -> None:
    """Print a table of two columns, in the order given."""
    print_table(header, [(key, value) for key, value in pairs])


def print_names(names: Iterable[str], *, header: str = "Keys") -> None:
    """Print a table of one column."""
    print_table((header,), [(name,) for name in names])


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print aligned columns under dashed headings; the last column is never padded."""
    lines = [tuple(header), tuple("-" * len(title) for title in header)]
    lines += [tuple(printable(as_cell(cell)) or NOTHING for cell in row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)]
        print(_GAP.join([*padded, line[-1]]))


def as_cell(value: Any) -> str:
    """Write a decoded JSON value on one line, as ``<nil>``, ``true``, ``[a b]`` or ``map[k:v]``."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{as_cell(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(as_cell(item) for item in value) + "]"
    return str(value)


def as_json(value: Any) -> str:
    """Write JSON for programs: two blanks of indent, sorted keys, text as UTF-8."""
    import json

    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def as_yaml(value: Any) -> str:
    """Write YAML for programs, ending in a newline."""
    import yaml

    return yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)


def printable(text: str) -> str:
    """Return ``text`` with every control character but newline and tab shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _KEPT_CONTROLS
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def on_one_line(text: str) -> str:
    """Return ``text`` as ``printable`` does, newlines too: for what would pass for a row of its own."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def remark(text: str) -> None:
    """Tell the person at the terminal something, on standard error."""
    print(printable(text), file=sys.stderr)


def warn(text: str) -> None:
    """Warn on standard error."""
    remark(f"WARNING! {text}")
