"""``sys/namespaces/...``: the namespaces directly in that of the request, and locks on all of those in it."""

from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.model import parse_path
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.layout import NAMESPACES
from holdfast.store.namespaces import records
from holdfast.store.namespaces.commands import (
    DeleteNamespace,
    LockNamespace,
    PatchNamespace,
    SaveNamespace,
    UnlockNamespace,
    answer_of,
    describe,
)
from holdfast.store.namespaces.inside import UNLOCK
from holdfast.store.namespaces.records import Namespace, namespace_name
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

UI_NAMESPACES = "sys/internal/ui/namespaces"
MAX_LISTED = 20_000


def _list(visit: Visit) -> Answer:
    return _listing(
        visit, records.children(visit.view(NAMESPACES), visit.store.namespace.path, **_page(visit))
    )


def _page(visit: Visit) -> dict[str, Any]:
    limit, after = visit.request.parameter("limit") or "", visit.request.parameter("after") or ""
    if limit and not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= MAX_LISTED):
        raise InvalidInputError(f"limit: expected a number from 1 to {MAX_LISTED}")
    return {"limit": int(limit) if limit else MAX_LISTED, "after": after.rstrip("/")}


def _scan(visit: Visit) -> Answer:
    found: list[Namespace] = []
    for namespace in _all_below(visit, visit.store.namespace.path):
        found.append(namespace)
        if len(found) > MAX_LISTED:
            raise InvalidInputError(
                f"path: expected at most {MAX_LISTED} namespaces below it; list them by level"
            )
    return _listing(visit, found)


def _all_below(visit: Visit, path: str) -> Iterator[Namespace]:
    for namespace in records.children(visit.view(NAMESPACES), path, limit=MAX_LISTED + 1):
        yield namespace
        yield from _all_below(visit, namespace.path)


def _listing(visit: Visit, found: Iterable[Namespace]) -> Answer:
    here = len(visit.store.namespace.path)
    info = {namespace.path[here:]: describe(namespace) for namespace in found}
    return Answer(data=encode({"keys": list(info), "key_info": info})) if info else Answer(missing=True)


def _read(visit: Visit) -> Answer:
    found = records.load_at(visit.view(NAMESPACES), _path_of(visit))
    return Answer(missing=True) if found is None else answer_of(found)


def _path_of(visit: Visit) -> str:
    return f"{visit.store.namespace.path}{namespace_name(visit.argument)}/"


def _save(visit: Visit) -> Command:
    for name in ("seal", "pgp_keys"):
        if name in visit.values:
            raise InvalidInputError(f"{name}: expected none; namespaces are sealed with the store")
    return SaveNamespace(
        name=namespace_name(visit.argument), metadata=fields.text_map(visit.values, "custom_metadata")
    )


def _patch(visit: Visit) -> Command:
    notes = visit.values.get("custom_metadata", {})
    if notes is not None and not (
        isinstance(notes, dict) and all(value is None or isinstance(value, str) for value in notes.values())
    ):
        raise InvalidInputError("custom_metadata: expected an object of texts; null removes one")
    return PatchNamespace(name=namespace_name(visit.argument), metadata=notes)


def _delete(visit: Visit) -> Command:
    return DeleteNamespace(name=namespace_name(visit.argument))


def _lock(visit: Visit) -> Command:
    return LockNamespace(path=_locked_path(visit))


def _unlock(visit: Visit) -> Command:
    # Who may do everything in the root namespace could as well delete the namespace.
    is_forced = visit.caller.acl.is_root and not visit.caller.entry.namespace
    key = fields.text(visit.values, "unlock_key")
    if not key and not is_forced:
        raise InvalidInputError("unlock_key: expected the key that was given out when it was locked")
    return UnlockNamespace(path=_locked_path(visit), key=key, is_forced=is_forced and not key)


def _locked_path(visit: Visit) -> str:
    """Return the path from the root of what is to be locked: what is named, or where the request is."""
    path = visit.store.namespace.path + parse_path(visit.argument, field="namespace").as_directory().text
    if not path:
        raise InvalidInputError("namespace: expected another than the root; seal the store instead")
    return path


def _list_touched(visit: Visit) -> Answer:
    """List the namespaces in this one in which the caller may do anything at all."""
    here = len(visit.store.namespace.path)
    found = records.children(visit.view(NAMESPACES), visit.store.namespace.path, limit=MAX_LISTED)
    names = [namespace.path[here:] for namespace in found if not namespace.is_tainted]
    return Answer(data=encode({"keys": [name for name in names if visit.caller.acl.may_touch_below(name)]}))


NAMESPACE_ROUTES = (
    Route("sys/namespaces", Operation.LIST, _list),
    Route("sys/namespaces", Operation.SCAN, _scan),
    Route("sys/namespaces/<>", Operation.READ, _read),
    Route("sys/namespaces/<>", Operation.WRITE, _save),
    Route("sys/namespaces/<>", Operation.PATCH, _patch),
    Route("sys/namespaces/<>", Operation.DELETE, _delete),
    Route("sys/namespaces/api-lock/lock", Operation.WRITE, _lock),
    Route("sys/namespaces/api-lock/lock/{}", Operation.WRITE, _lock),
    Route(UNLOCK, Operation.WRITE, _unlock),
    Route(f"{UNLOCK}/{{}}", Operation.WRITE, _unlock),
    Route(UI_NAMESPACES, Operation.READ, _list_touched),
)
