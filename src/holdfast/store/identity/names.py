"""What things of the identity are called: ids, names in storage, and what people may call them.

Ids have the form of a UUID. Most are random. That of an entity which nothing is stored about follows from
its alias: it is the same in every process and at every login, nobody can work it out without the key, and its
last four bytes authenticate the others, so that such an id is known from one that somebody made up.

The id that follows from an alias is that of turn 0. Later turns are for an alias that was taken away from the
entity which had followed from it: what he is from then on must not be what he was before.

Names in storage are hashes: who logs in is not to be read there.
"""

import hmac
import re
import unicodedata
from functools import lru_cache

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.store.tokens.records import TokenHasher

MAX_NAME_BYTES = 512
MAX_ALIAS_NAME_BYTES = 1024
MAX_METADATA_KEYS, MAX_METADATA_KEY_BYTES, MAX_METADATA_VALUE_BYTES = 64, 128, 512

MAX_TURNS = 64  # how often an alias can be taken away from what followed from it, and be told from others

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN_NAME = re.compile(r"(entity|group)_([0-9a-f]{32})")
_BODY_BYTES, _CHECK_BYTES = 12, 4


class Names:
    """Names in one namespace, under the key of the store.

    Args:
        hasher: has the key, and is of the namespace.
        remembered: how many of the names made last to keep, for who asks for the same ones all the time.
    """

    __slots__ = ("_home", "_proof")

    def __init__(self, hasher: TokenHasher, *, remembered: int = 0) -> None:
        self._home = hasher.namespace.uuid
        self._proof = lru_cache(remembered)(hasher.proof) if remembered else hasher.proof

    def is_of_an_alias(self, text: str) -> bool:
        """Whether ``text`` is an id that follows from some alias."""
        if not _UUID.fullmatch(text):
            return False
        raw = bytes.fromhex(text.replace("-", ""))
        return hmac.compare_digest(raw[_BODY_BYTES:], self._check(raw[:_BODY_BYTES]))

    def of_own_name(self, name: str) -> str | None:
        """Return the id of the entity that has this name by itself, if that follows from some alias."""
        match = _OWN_NAME.fullmatch(name)
        if match is None or match[1] != "entity":
            return None
        found = _uuid(match[2])
        return found if self.is_of_an_alias(found) else None

    def entity_of(self, mount: str, alias: str, turn: int) -> str:
        """Return the id that follows from an alias."""
        return self._id(self._digest("entity", mount, alias, turn)[:_BODY_BYTES])

    def follows(self, entity_id: str, mount: str, alias: str) -> bool:
        """Whether an id is one that follows from an alias."""
        return any(entity_id == self.entity_of(mount, alias, turn) for turn in range(MAX_TURNS))

    def alias_of(self, mount: str, alias: str) -> str:
        """Return the id of the alias itself, before somebody gave it another."""
        return self._id(self._digest("alias id", mount, alias)[:_BODY_BYTES])

    def key(self, kind: str, *parts: str) -> str:
        """Return the name in storage of what is known by ``parts``."""
        return self._digest(kind, *parts).hex()

    def _id(self, body: bytes) -> str:
        return _uuid((body + self._check(body)).hex())

    def _check(self, body: bytes) -> bytes:
        return self._proof(b"identity check", self._home.encode() + body)[:_CHECK_BYTES]

    def _digest(self, *parts: str | int) -> bytes:
        return self._proof(b"identity name", msgspec.msgpack.encode((self._home, *parts)))


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _UUID.fullmatch(text) is not None


def own_name(kind: str, thing_id: str) -> str:
    """Return what an entity or group is called as long as nobody calls it something else."""
    return f"{kind}_{thing_id.replace('-', '')}"


def read_name(text: str, *, thing_id: str) -> str:
    """Return the name that somebody gives to an entity or a group with this id.

    Raises:
        InvalidInputError: it is no name that a path could say, or one that another has by itself.
    """
    if not text or len(text) > MAX_NAME_BYTES or text.endswith("/"):
        raise InvalidInputError(f"name: expected 1 to {MAX_NAME_BYTES} bytes, without a slash at either end")
    name = parse_path(text, field="name").text
    if name != text or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidInputError(f"name: expected 1 to {MAX_NAME_BYTES} bytes, without a slash at either end")
    if _OWN_NAME.fullmatch(folded(name)) and not name.endswith(thing_id.replace("-", "") or "-"):
        raise InvalidInputError("name: expected another; entities and groups without a name have such ones")
    return name


def folded(name: str) -> str:
    """Return the form in which names of entities and groups are compared."""
    return unicodedata.normalize("NFC", name.casefold())


def read_alias_name(text: str) -> str:
    """Return the name of an alias, which is compared as it is.

    Raises:
        InvalidInputError: it is none.
    """
    if not text or not text.isprintable() or len(text.encode()) > MAX_ALIAS_NAME_BYTES:
        raise InvalidInputError(f"name: expected 1 to {MAX_ALIAS_NAME_BYTES} bytes of printable text")
    return text


def check_metadata(metadata: dict[str, str], *, field: str = "metadata") -> dict[str, str]:
    """Return metadata that is within the limits.

    Raises:
        InvalidInputError: it is not; says which limit, and nothing of what was given.
    """
    if len(metadata) > MAX_METADATA_KEYS:
        raise InvalidInputError(f"{field}: expected at most {MAX_METADATA_KEYS} keys")
    for key, value in metadata.items():
        if not 0 < len(key.encode()) <= MAX_METADATA_KEY_BYTES or not key.isprintable():
            raise InvalidInputError(
                f"{field}: expected keys of 1 to {MAX_METADATA_KEY_BYTES} bytes of printable text"
            )
        if len(value.encode()) > MAX_METADATA_VALUE_BYTES or not (value.isprintable() or not value):
            raise InvalidInputError(
                f"{field}: expected values of at most {MAX_METADATA_VALUE_BYTES} bytes of printable text"
            )
    return metadata
