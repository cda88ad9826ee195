"""The methods we know, and how two of them get past a parser that does not know them.

``LIST`` and ``SCAN`` are not in llhttp's vocabulary, and it would refuse them. At the start of a message
each is therefore replaced by a verb of the same length that llhttp knows and that means nothing here, so
that no message boundary moves. The protocol remembers which verb was meant; the stand-ins themselves,
sent by a client, are unknown methods like any other.
"""

METHODS = {name.encode(): name for name in ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD")}
ALLOW = ", ".join((*METHODS.values(), "LIST", "SCAN"))

START_BYTES = 5
"""How many bytes of a message must be there to tell its verb."""

_STAND_INS = {b"LIST ": b"LOCK ", b"SCAN ": b"BIND "}

BYTES_TO_LOOK_AT = frozenset(b"LS\r\n")
"""First bytes that need a look: two may open a disguised verb, two open the blank lines llhttp would skip."""


def disguise(data: bytes) -> tuple[str, bytes]:
    """Return the verb that was hidden, or an empty text, and the message as llhttp shall see it."""
    start = data[:START_BYTES]
    stand_in = _STAND_INS.get(start)
    if stand_in is None:
        return "", data
    return start[:-1].decode(), stand_in + data[START_BYTES:]


def opens_with_verb(data: bytes) -> bool:
    """Whether a message that llhttp did not understand began with a word, rather than with noise."""
    return data[:START_BYTES].partition(b" ")[0].isalpha()
