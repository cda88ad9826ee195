"""Patterns in the rules of a role: one small grammar for names of services and of APIs.

    abc       the name abc
    abc*      names that start with abc         *abc      names that end with abc
    *abc*     names that contain abc            *         any name
    !abc      denies what abc matches; any of the forms above may follow

Patterns are folded to lower case like the names they are compared with, and a pattern that could never match
is refused. The original accepts ``a*b``, capitals and the empty string, and lets such a rule silently do
nothing; for a rule that denies, doing nothing is the dangerous direction.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from holdfast.errors import InvalidInputError

MAX_LENGTH = 128

_FORM = re.compile(r"(!?)(?:(\*+)|(\*?)([a-z0-9._-]+)(\*?))")


@dataclass(frozen=True, slots=True)
class RolePattern:
    """One compiled pattern.

    Attributes:
        denies: whether it takes away what it matches.
        literal: the text between the stars; empty matches any name.
        open_start: whether anything may stand before the literal.
        open_end: whether anything may stand behind it.
    """

    denies: bool
    literal: str
    open_start: bool
    open_end: bool

    def matches(self, name: str) -> bool:
        """Whether the pattern, without its ``!``, covers the lower-case ``name``."""
        if self.open_start and self.open_end:
            return self.literal in name
        if self.open_end:
            return name.startswith(self.literal)
        if self.open_start:
            return name.endswith(self.literal)
        return name == self.literal


@lru_cache(maxsize=4096)
def parse_role_pattern(text: str) -> RolePattern:
    """Compile a pattern in lower case.

    Raises:
        InvalidInputError: not of the grammar above.
    """
    match = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise InvalidInputError(
            "rule: expected names such as volume or inspect*, with * only at the start or the end,"
            " and ! in front of what is denied"
        )
    denies, anything, start, literal, end = match.groups()
    if anything:
        return RolePattern(denies=bool(denies), literal="", open_start=True, open_end=True)
    return RolePattern(denies=bool(denies), literal=literal, open_start=bool(start), open_end=bool(end))
