"""The neutral tree that a configuration or policy document becomes, whichever notation it came in."""

from dataclasses import dataclass, field
from typing import TypeAlias

MAX_LABELS = 2

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""What an attribute holds; ``None`` comes from JSON only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A document, or a part of it in braces, such as ``listener "tcp" { address = "..." }``.

    Attributes:
        type: the word in front; empty for the document itself.
        labels: the names between the type and the brace, at most two.
        attributes: ``name = value``, in the order of the text.
        blocks: what is nested, in the order of the text.
        line: where it begins, from 1; 0 when it came from JSON, which keeps no positions.
    """

    type: str = ""
    labels: tuple[str, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    blocks: tuple["Block", ...] = ()
    line: int = 0
