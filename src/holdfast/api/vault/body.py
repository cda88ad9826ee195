"""Bodies that say nothing: an empty one, and the ``null`` that ``vault write -f`` sends for no fields."""


def says_nothing(body: bytes) -> bool:
    """Tell whether a request body has nothing in it."""
    return not body or body.strip() == b"null"
