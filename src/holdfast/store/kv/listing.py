"""Listings of a KV mount: one level, or everything below that the caller may list level by level.

They are made page by page, and other requests are served between the pages.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial

from msgspec import Raw

from holdfast.engines import kv2
from holdfast.engines.errors import SecretNotFoundError
from holdfast.engines.names import list_names
from holdfast.engines.search import Effort, Found, search
from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.formats.strict_json import encode
from holdfast.policy.acl import Capability
from holdfast.policy.decision import Denied
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Stepwise

MAX_LISTED = 100_000
MAX_WITH_METADATA = 10_000
MAX_METADATA_BYTES = 16 * 1024 * 1024
COST_OF_METADATA = 10  # in names
EFFORT = 2000  # names looked at between two chances for others, some 8 ms
_MAX_DIGITS = 9
_TOO_MANY = "path: expected at most {} names; ask for pages with limit and after"
_TOO_LARGE = (
    f"path: expected at most {MAX_METADATA_BYTES} bytes of metadata; ask for smaller pages with limit"
)

_Page = Callable[[str, int], Found]
"""Returns the next page, given the place to go on from and how many names are wanted at most."""


def list_secrets(visit: MountVisit, directory: str) -> Stepwise:
    """List what is in a directory of a mount, or with a SCAN below it."""
    if visit.request.operation is Operation.LIST:
        page: _Page = partial(_level, visit, directory)
    elif visit.mount.is_versioned:
        page = partial(_live_below, visit, directory)
    else:
        page = partial(_below, visit, directory)
    return Stepwise(_collect(page, visit.request.parameter("after") or "", _limit(visit)))


def list_with_metadata(visit: MountVisit, directory: str) -> Stepwise:
    """List one level, with the metadata of the secrets in it."""
    page = partial(_level, visit, directory)
    return Stepwise(_collect_metadata(visit, directory, page, visit.request.parameter("after") or ""))


def _collect_metadata(
    visit: MountVisit, directory: str, page: _Page, after: str
) -> Generator[None, None, Answer]:
    limit = _limit(visit) or MAX_WITH_METADATA + 1
    names: list[str] = []
    metadata: dict[str, Raw] = {}
    size = 0
    place: str | None = after
    while place is not None and len(names) < limit:
        if names:
            yield
        found = page(place, min(limit - len(names), EFFORT // COST_OF_METADATA))
        names += found.names
        for name in found.names:
            if not name.endswith("/") and not _is_denied(visit, directory + name):
                with suppress(SecretNotFoundError):  # removed since
                    shown = kv2.read_metadata(visit.view, directory + name)
                    metadata[name], size = Raw(shown), size + len(shown)
                    if size > MAX_METADATA_BYTES:
                        raise TooLargeError(_TOO_LARGE)
        place = found.after
    if len(names) > MAX_WITH_METADATA:
        raise TooLargeError(_TOO_MANY.format(MAX_WITH_METADATA))
    return Answer(data=encode({"keys": names, "key_info": metadata})) if names else Answer(missing=True)


def _is_denied(visit: MountVisit, name: str) -> bool:
    """Whether a rule says that nobody with this token learns of a secret's metadata, in whichever way."""
    decision = visit.caller.acl.decide(f"{visit.mount.path}metadata/{name}", Capability.READ)
    return isinstance(decision, Denied) and decision.is_final


def _limit(visit: MountVisit) -> int:
    word = visit.request.parameter("limit") or "0"
    if not (word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS):
        raise InvalidInputError("limit: expected a number")
    return int(word)


def _collect(page: _Page, after: str, limit: int) -> Generator[None, None, Answer]:
    names: list[str] = []
    place: str | None = after
    most = limit or MAX_LISTED + 1
    while place is not None and len(names) < most:
        if names or place != after:
            yield
        found = page(place, most - len(names))
        names += found.names
        place = found.after
    if len(names) > MAX_LISTED:
        raise TooLargeError(_TOO_MANY.format(MAX_LISTED))
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _level(visit: MountVisit, directory: str, after: str, limit: int) -> Found:
    wanted = min(limit, EFFORT)
    names = list_names(visit.view, directory, after=after, limit=wanted)
    return Found(names, names[-1] if len(names) == wanted else None)


def _live_below(visit: MountVisit, directory: str, after: str, limit: int) -> Found:
    return kv2.list_live_below(
        visit.view,
        directory,
        now=visit.now,
        after=after,
        limit=limit,
        may_enter=partial(_may_list, visit, directory),
        effort=Effort(EFFORT),
    )


def _below(visit: MountVisit, directory: str, after: str, limit: int) -> Found:
    return search(
        visit.view,
        directory,
        may_enter=partial(_may_list, visit, directory),
        is_wanted=lambda _: True,
        effort=Effort(EFFORT),
        after=after,
        limit=limit,
    )


def _may_list(visit: MountVisit, directory: str, below: str) -> bool:
    path = f"{visit.request.path}{below.removeprefix(directory)}"
    return bool(visit.caller.acl.decide(path, Capability.LIST))
