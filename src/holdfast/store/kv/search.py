"""``sys/kv/search``: secrets by name, in all key-value mounts or below one directory, a page at a time.

Any live token may ask. A name is found only where the caller could have listed his way to it: the directory
that he searches below, or the mount, and every directory on the way down. Notes (custom metadata) are looked
at only where he may read the secret's metadata. Each page is a bounded piece of work; it may be empty and
still say where the next one goes on.
"""

from fnmatch import translate
from functools import partial
from re import compile as compile_pattern
from typing import Any

import msgspec

from holdfast.engines import kv2
from holdfast.engines.search import Effort, Judge, search
from holdfast.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from holdfast.formats.strict_json import encode
from holdfast.model import parse_path
from holdfast.policy.acl import Capability
from holdfast.policy.path_rules import PathRules
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.layout import engine_place
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer
from holdfast.store.visit import Visit

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
EFFORT = 2000  # names looked at for one page, some 8 ms
COST_OF_NOTES = 8  # in names: a record is read and decrypted
MAX_PATTERN_BYTES = 512
MAX_NOTES = 16


class _Place(msgspec.Struct, frozen=True):
    """A mount, or a directory in one.

    Attributes:
        mount: the mount.
        directory: path text relative to it, ending in a slash; empty for all of it.
    """

    mount: Mount
    directory: str

    @property
    def path(self) -> str:
        """The directory as people write it, with the mount in front."""
        return self.mount.path + self.directory

    def listed_as(self, name: str) -> str:
        """Return the path of a request that lists a directory, or reads the metadata of a secret."""
        return f"{self.mount.path}{'metadata/' if self.mount.is_versioned else ''}{name}"

    def describe(self, name: str) -> dict[str, Any]:
        """Return what a caller is told of a secret, ``name`` being relative to the directory."""
        name = self.directory + name
        path = f"{self.mount.path}{'data/' if self.mount.is_versioned else ''}{name}"
        return {"mount": self.mount.path, "name": name, "path": path}


def search_names(visit: Visit) -> Answer:
    """Return one page of the secrets that the body describes.

    Raises:
        InvalidInputError: a field is not what it must be.
        PermissionDeniedError: the caller may not list the place to search, or there is none.
        NotFoundError: there is none, and the caller may know.
    """
    values = visit.values
    below = _directory(values)
    after = _after(values, below)
    limit = fields.integer(values, "limit") or DEFAULT_LIMIT
    if limit > MAX_LIMIT:
        raise InvalidInputError(f"limit: expected at most {MAX_LIMIT}")
    filters, note_filters = _filters(values), _note_filters(values)
    found: list[dict[str, Any]] = []
    cursor, effort, acl = None, Effort(EFFORT), visit.caller.acl
    with visit.store.one_state() as view:
        for place in _places(visit, below):
            if _is_behind(place, after):
                continue
            if effort.left <= 0:
                cursor = place.path
                break
            reader = view(engine_place(place.mount.storage_prefix))
            wanted = filters
            if note_filters:
                wanted = (*filters, _Notes(acl, place, reader, note_filters, effort).match)
            page = search(
                reader,
                place.directory,
                may_enter=partial(_may_list, acl, place),
                is_wanted=partial(_passes, wanted),
                effort=effort,
                after=after[len(place.path) :] if after.startswith(place.path) else "",
                limit=limit - len(found),
            )
            found += [place.describe(name) for name in page.names]
            if page.after is not None:
                cursor = place.path + page.after
                break
    return Answer(data=encode({"results": found, "after": cursor}))


def _directory(values: dict[str, Any]) -> str:
    return parse_path(fields.text(values, "below"), field="below").as_directory().text


def _after(values: dict[str, Any], below: str) -> str:
    after = parse_path(fields.text(values, "after"), field="after").text
    if after and not after.startswith(below):
        raise InvalidInputError("after: expected what the page before gave, for the same search")
    return after


def _places(visit: Visit, below: str) -> list[_Place]:
    """Return where the caller may search, sorted; unknown and forbidden places read the same."""
    acl = visit.caller.acl
    kept = [mount for mount in visit.store.mounts.mounts if mount.type == "kv"]
    places = [_Place(mount, "") for mount in kept if mount.path.startswith(below)]
    if not places:
        places = [_Place(mount, below[len(mount.path) :]) for mount in kept if below.startswith(mount.path)]
    allowed = [place for place in places if _may_list(acl, place, place.directory)]
    if below and not allowed:
        if not places and acl.decide(below, Capability.LIST):
            raise NotFoundError(f'no handler for route "{below}". route entry not found.')
        raise PermissionDeniedError("permission denied")
    return sorted(allowed, key=lambda place: place.path.encode())


def _is_behind(place: _Place, after: str) -> bool:
    """Whether an earlier page has come to the end of a place."""
    return not after.startswith(place.path) and place.path.encode() < after.encode()


def _may_list(acl: PathRules, place: _Place, directory: str) -> bool:
    # Not by way of the caller's memory of decisions: a search would fill it with what is asked once.
    return bool(acl.decide(place.listed_as(directory), Capability.LIST))


def _passes(filters: tuple[Judge, ...], name: str) -> bool:
    return all(matches(name) for matches in filters)


class _Notes(msgspec.Struct, frozen=True):
    """Looks at the notes of secrets, where the caller may read them."""

    acl: PathRules
    place: _Place
    reader: Reader
    wanted: dict[str, Judge]
    effort: Effort

    def match(self, name: str) -> bool:
        """Whether a secret, given relative to the place, has the notes that are wanted."""
        name = self.place.directory + name
        mount = self.place.mount
        if not (mount.is_versioned and self.acl.decide(self.place.listed_as(name), Capability.READ)):
            return False
        self.effort.spend(COST_OF_NOTES)
        notes = kv2.read_notes(self.reader, name)
        return all(note in notes and matches(notes[note]) for note, matches in self.wanted.items())


def _filters(values: dict[str, Any]) -> tuple[Judge, ...]:
    """Return what a name has to pass, relative to where the search begins."""
    filters: list[Judge] = []
    if contains := _pattern(values, "contains").casefold():
        filters.append(lambda name: contains in name.casefold())
    if prefix := _pattern(values, "prefix"):
        filters.append(lambda name: name.startswith(prefix))
    if glob := _pattern(values, "glob"):
        matches = _glob(glob)
        is_whole = "/" in glob
        filters.append(lambda name: matches(name if is_whole else name.rpartition("/")[2]))
    return tuple(filters)


def _note_filters(values: dict[str, Any]) -> dict[str, Judge]:
    wanted = fields.text_map(values, "custom_metadata")
    if len(wanted) > MAX_NOTES:
        raise InvalidInputError(f"custom_metadata: expected at most {MAX_NOTES} names")
    return {name: _glob(_checked(pattern, "custom_metadata")) for name, pattern in wanted.items()}


def _glob(pattern: str) -> Judge:
    matches = compile_pattern(translate(pattern)).match
    return lambda text: matches(text) is not None


def _pattern(values: dict[str, Any], name: str) -> str:
    return _checked(fields.text(values, name), name)


def _checked(pattern: str, name: str) -> str:
    if len(pattern.encode()) > MAX_PATTERN_BYTES:
        raise InvalidInputError(f"{name}: expected at most {MAX_PATTERN_BYTES} bytes")
    return pattern
