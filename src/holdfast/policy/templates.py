"""Templates in the patterns of path rules: ``{{…}}`` stands for something that the store knows of who asks.

    {{identity.entity.id}}                                  {{identity.entity.name}}
    {{identity.entity.metadata.<key>}}
    {{identity.entity.aliases.<mount accessor>.id}}         ….name, ….metadata.<key>, ….custom_metadata.<key>
    {{identity.groups.ids.<group id>.name}}                 ….metadata.<key>
    {{identity.groups.names.<group name>.id}}               ….metadata.<key>

What a template stands for is part of a segment, and never more than that: a value that is empty, holds
``/``, ``*`` or ``+``, or could not be in a path, stands for nothing. Values are put in once and not looked at
again, so that a value which reads like a template is text. A rule whose template stands for nothing does not
exist for that caller; what becomes of one that denies is decided in ``acl``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.errors import HoldfastError
from holdfast.model import parse_path

_OPEN, _CLOSE = "{{", "}}"
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ENTITY, _GROUPS = "identity.entity.", "identity.groups."
_METADATA, _CUSTOM = "metadata.", "custom_metadata."
_REFUSED = ("/", "*", "+")


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """How somebody is known to one auth mount."""

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    custom_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group that somebody belongs to."""

    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who asks, as far as templates can speak of it.

    Attributes:
        id: of the entity.
        name: of the entity.
        metadata: of the entity.
        aliases: by accessor of the auth mount.
        groups: by their ids.
    """

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, AliasFacts] = field(default_factory=dict)
    groups: Mapping[str, GroupFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a template stands for nothing, in words for the operator; never the value."""

    reason: str


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with templates in it.

    Attributes:
        parts: text and names in turns, text first and last.
    """

    parts: tuple[str, ...]

    def resolve(self, subject: Subject | None) -> str | Unresolved:
        """Return the pattern that this is for ``subject``; ``None`` is somebody without an entity."""
        if subject is None:
            return _NO_ENTITY
        parts = list(self.parts)
        for index in range(1, len(parts), 2):
            name = parts[index]
            value = _value(subject, name)
            if value is None:
                return Unresolved(f"{name} is not known of who asks")
            if not _is_safe(value):
                return Unresolved(f"{name} is nothing that may stand in a path")
            parts[index] = value
        return "".join(parts)

    def covering(self, stand_in: str) -> str:
        """Return the text with ``stand_in`` for each template."""
        return "".join(stand_in if index % 2 else part for index, part in enumerate(self.parts))


_NO_ENTITY = Unresolved("the token belongs to no entity")


def parse_template(pattern: str) -> Template | None:
    """Return the templates of a pattern, ``None`` if it has none.

    Raises:
        ValueError: what is between the braces is none of the forms above, or a brace is missing.
    """
    if _OPEN not in pattern and _CLOSE not in pattern:
        return None
    parts = _TEMPLATE.split(pattern)
    if any(_OPEN in text or _CLOSE in text for text in parts[::2]):
        raise ValueError("expected each {{ to be closed by }}")
    names = [name.strip() for name in parts[1::2]]
    for name in names:
        if not _is_known(name):
            raise ValueError(
                "expected a template of identity.entity: id, name, metadata.<key> or"
                " aliases.<accessor>.name; or of identity.groups: ids.<id>.name or names.<name>.id"
            )
    parts[1::2] = names
    return Template(tuple(parts))


def _is_known(name: str) -> bool:
    if name.startswith(_ENTITY):
        what = name[len(_ENTITY) :]
        if what.startswith("aliases."):
            accessor, _, fact = what[len("aliases.") :].partition(".")
            return bool(accessor) and (fact in {"id", "name"} or _has_key(fact, _METADATA, _CUSTOM))
        return what in {"id", "name"} or _has_key(what, _METADATA)
    return name.startswith(_GROUPS) and _group_parts(name[len(_GROUPS) :]) is not None


def _has_key(text: str, *prefixes: str) -> bool:
    return any(text.startswith(prefix) and len(text) > len(prefix) for prefix in prefixes)


def _group_parts(text: str) -> tuple[str, str, str] | None:
    """Return how a group is named, its name, and what of it is meant; names may hold dots."""
    how, _, rest = text.partition(".")
    wanted = {"ids": ".name", "names": ".id"}.get(how)
    if wanted is None:
        return None
    if rest.endswith(wanted) and len(rest) > len(wanted):
        return how, rest[: -len(wanted)], wanted[1:]
    which, found, key = rest.partition(f".{_METADATA}")
    return (how, which, _METADATA + key) if which and found and key else None


def _value(subject: Subject, name: str) -> str | None:
    if name.startswith(_GROUPS):
        return _of_group(subject, name[len(_GROUPS) :])
    what = name[len(_ENTITY) :]
    if what.startswith("aliases."):
        accessor, _, fact = what[len("aliases.") :].partition(".")
        alias = subject.aliases.get(accessor)
        return None if alias is None else _fact(alias, fact)
    return _fact(subject, what)


def _fact(of: Subject | AliasFacts, name: str) -> str | None:
    if name == "id":
        return of.id
    if name == "name":
        return of.name
    if name.startswith(_METADATA):
        return of.metadata.get(name[len(_METADATA) :])
    return of.custom_metadata.get(name[len(_CUSTOM) :]) if isinstance(of, AliasFacts) else None


def _of_group(subject: Subject, text: str) -> str | None:
    parts = _group_parts(text)
    if parts is None:
        return None
    how, which, wanted = parts
    if how == "ids":
        found = (which, subject.groups[which]) if which in subject.groups else None
    else:
        found = next((pair for pair in subject.groups.items() if pair[1].name == which), None)
    if found is None:
        return None
    if wanted == "id":
        return found[0]
    return found[1].name if wanted == "name" else found[1].metadata.get(wanted[len(_METADATA) :])


def _is_safe(value: str) -> bool:
    """Whether a value may be part of a segment: canonical text of one segment, without a wildcard."""
    if not value or any(character in value for character in _REFUSED):
        return False
    try:
        return parse_path(value).text == value
    except HoldfastError:
        return False
