"""User files: who a new token is to speak for, written by an administrator in YAML.

    name: Alice
    email: alice@example.com
    sub: alice
    roles: ["system.user"]
    groups: ["dev"]

``sub`` must be unique among all users, since it becomes the owner of resources; when it is left out, one is
derived from name and email. A key that is not listed here is told of or refused: a misspelt ``group`` takes
rights away, and ``issuer`` never comes from this file.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from holdfast.errors import InvalidInputError, TooLargeError

MAX_FILE_BYTES = 64 * 1024
MAX_NOTES = 8  # of keys that have no effect


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who a token is made for.

    Attributes:
        name: display name.
        email: contact.
        sub: the unique id; see ``subject``.
        roles: names of roles. With none, every call is refused.
        groups: names of groups; ``*`` stands for every resource.

    Raises:
        InvalidInputError: none of ``sub``, ``name`` and ``email`` tells the user from others.
    """

    name: str = ""
    email: str = ""
    sub: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.sub or self.name or self.email):
            raise InvalidInputError("user: expected sub, or name and email to derive it from")
        for text in (self.name, self.email, self.sub, *self.roles, *self.groups):
            if not text.isprintable():
                raise InvalidInputError("user: expected text without control characters")

    @property
    def subject(self) -> str:
        """The ``sub`` claim: as given, or derived the way OpenStorage's generators derive it."""
        derived_from = f"openstorage.io/{self.name}/{self.email}"
        return self.sub or base64.b64encode(derived_from.encode()).decode("ascii")


def read_user_file(content: bytes, *, note: Callable[[str], None] | None = None) -> User:
    """Read the content of a user file.

    Args:
        content: of the file.
        note: is told of every key that has no effect; without it, such a key is an error.

    Raises:
        InvalidInputError: not YAML, or not a user as described above; names the key that is wrong.
        TooLargeError: the file is over 64 KiB.
    """
    if len(content) > MAX_FILE_BYTES:
        raise TooLargeError(f"user file: expected at most {MAX_FILE_BYTES} bytes")
    document = _load_yaml(content)
    if not isinstance(document, dict):
        raise InvalidInputError("user file: expected keys such as name, email, sub, roles and groups")
    unknown = sorted(str(key) for key in document if key not in User.__dataclass_fields__)
    for key in unknown[:MAX_NOTES]:
        said = f"user file: unknown key {key[:64]!a}; expected name, email, sub, roles or groups"
        if note is None:
            raise InvalidInputError(said)
        note(said)
    known = User.__dataclass_fields__
    given = {key: value for key, value in document.items() if key in known and value is not None}
    try:
        return msgspec.convert(given, User)
    except msgspec.ValidationError as error:
        # The text names the type and the key, not the value.
        raise InvalidInputError(f"user file: {error}; put text that looks like a number in quotes") from None


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe subset, in which a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  the library's signature
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise InvalidInputError(f"user file: a key stands twice at line {node.start_mark.line + 1}")
        return mapping


def _load_yaml(content: bytes) -> Any:
    try:
        return yaml.load(content, Loader=_StrictLoader)  # noqa: S506  a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = f"not valid YAML at line {line}"
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        problem = "not valid YAML in UTF-8"
    except RecursionError:
        problem = "nested too deep"
    # Raised out here, because the errors above would carry lines of the file along as their context.
    raise InvalidInputError(f"user file: {problem}")
