"""Patterns of names in which ``*`` stands for any text; everything else stands for itself."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` fits the pattern. Takes time in proportion to their lengths only."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    position = len(first)
    for part in middle:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return text.endswith(last) and len(text) - len(last) >= position


def matches_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns fits. With no patterns, none does."""
    return any(matches(pattern, text) for pattern in patterns)
