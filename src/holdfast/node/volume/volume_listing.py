"""Service ``Volume``, lists: which of the volumes that the caller may read, and how many at a time.

A page ends with a token that says where the next one begins: behind the last id of this one. So a list that
is read page by page has every volume once that was there all the time, whatever comes and goes meanwhile.
A token opens nothing; whoever makes one up skips entries of his own list.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from holdfast.errors import InvalidInputError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.resource import PAGE
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.volume.volume_service import VolumeStatus
from holdfast.policy.ownership import Ownership

MAX_ENTRIES = 10_000
GROUP_LABEL = "group"
_TOKEN = re.compile(r"1\.([0-9]{1,20})")
_LEAST_READ = 32
_OF_NOBODY = Ownership()

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some entries of a list.

    Attributes:
        entries: the entries.
        next_token: for the page after this one; empty at the end.
    """

    entries: tuple[T, ...]
    next_token: str = ""

    def of(self, what: Callable[[T], U]) -> "Page[U]":
        """Return the page with something else for each entry."""
        return Page(tuple(map(what, self.entries)), self.next_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page.

    Attributes:
        max_entries: at most this many; 0 for all.
        token: ``next_token`` of the page before; empty for the first.
    """

    max_entries: int = 0
    token: str = ""

    @property
    def after(self) -> str:
        """The id behind which the page begins.

        Raises:
            InvalidInputError: the token is none of ours.
        """
        if not self.token:
            return ""
        match = _TOKEN.fullmatch(self.token)
        if match is None:
            raise InvalidInputError("token: expected what the page before gave, or nothing")
        return match[1]

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what is no page, naming the field."""
        if not 0 <= self.max_entries <= MAX_ENTRIES:
            raise InvalidInputError(f"max_entries: expected 0 to {MAX_ENTRIES}")
        _ = self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFilter:
    """Which volumes; of what is given, all must hold.

    Attributes:
        name: the volume of this name.
        labels: volumes that have all of these.
        ownership: volumes with the same owner, or a group or a collaborator in common, whatever the types.
            One that names nobody asks for nothing.
        group: volumes whose label ``group`` is this, as the original groups volumes.
        ownerless: volumes that belong to nobody, for whoever is to give them an owner.
    """

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ownership: Ownership = _OF_NOBODY
    group: str = ""
    ownerless: bool = False

    def lets_in(self, record: VolumeRecord) -> bool:
        """Whether a volume is one of those."""
        return (
            self.name in {"", record.name}
            and self.labels.items() <= record.labels.items()
            and self.group in {"", record.labels.get(GROUP_LABEL)}
            and not (self.ownerless and record.stored_ownership.owner)
            and (self.ownership == _OF_NOBODY or _have_in_common(self.ownership, record.ownership))
        )


_ANY = VolumeFilter()
_ALL = Paging()


class VolumeListService:
    """Lists volumes to whoever may read them."""

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices

    @operation(apis.VOLUME_ENUMERATE)
    def enumerate(self, admission: Admission, paging: Paging = _ALL) -> Page[str]:
        """Return ids of volumes that the caller may read.

        Raises:
            InvalidInputError: no such page.
        """
        return self._page(admission, _ANY, paging).of(lambda record: record.id)

    @operation(apis.VOLUME_ENUMERATE_WITH_FILTERS)
    def enumerate_with_filters(
        self, admission: Admission, wanted: VolumeFilter, paging: Paging = _ALL
    ) -> Page[str]:
        """Return ids of the volumes that the caller may read and asked for.

        Raises:
            InvalidInputError: no such page.
        """
        return self._page(admission, wanted, paging).of(lambda record: record.id)

    @operation(apis.VOLUME_INSPECT_WITH_FILTERS)
    def inspect_with_filters(
        self, admission: Admission, wanted: VolumeFilter = _ANY, paging: Paging = _ALL
    ) -> Page[VolumeStatus]:
        """Return the volumes that the caller may read and asked for, and what the kernel says about them.

        Raises:
            InvalidInputError: no such page.
        """
        return self._page(admission, wanted, paging).of(
            lambda record: VolumeStatus(record, self._devices.state(record))
        )

    def _page(self, admission: Admission, wanted: VolumeFilter, paging: Paging) -> Page[VolumeRecord]:
        paging.check()
        found = self._readable(admission, wanted, paging)
        if wanted != _ANY:
            found = filter(wanted.lets_in, found)
        if not paging.max_entries:
            return Page(tuple(found))
        entries: list[VolumeRecord] = []
        for record in found:
            if len(entries) == paging.max_entries:
                return Page(tuple(entries), f"1.{entries[-1].id}")
            entries.append(record)
        return Page(tuple(entries))

    def _readable(self, admission: Admission, wanted: VolumeFilter, paging: Paging) -> Iterator[VolumeRecord]:
        page = min(max(paging.max_entries + 1, _LEAST_READ), PAGE) if paging.max_entries else PAGE
        if not wanted.name:
            return self._gate.readable(admission, self._catalog, after=paging.after, page=page)
        # A name is one volume's, so there is nothing to walk through.
        record = self._catalog.find(wanted.name)
        if record is None or record.id <= paging.after or not self._gate.may_read(admission, record):
            return iter(())
        return iter((record,))


def _have_in_common(one: Ownership, other: Ownership) -> bool:
    return (
        (one.owner != "" and one.owner == other.owner)
        or bool(one.acls.groups.keys() & other.acls.groups.keys())
        or bool(one.acls.collaborators.keys() & other.acls.collaborators.keys())
    )
