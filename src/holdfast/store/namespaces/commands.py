"""Changes to namespaces, as commands for the writer."""

import hmac
from typing import Any, ClassVar

import msgspec

from holdfast.crypto.identifiers import new_accessor
from holdfast.engines.kv2.custom_metadata import check_custom_metadata
from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.formats.strict_json import encode
from holdfast.store.command import Command, Scope
from holdfast.store.layout import MOUNTS, NAMESPACES, POLICIES
from holdfast.store.mounts import MountTable, built_in_mounts, save_mounts
from holdfast.store.namespaces import records
from holdfast.store.namespaces.inside import NOT_FOUND
from holdfast.store.namespaces.records import Namespace
from holdfast.store.policy_records import save_builtin_policies
from holdfast.store.request import Answer
from holdfast.store.tokens.purge import Room

LEAVING = "namespace: this one was deleted, and what it held is still being removed: try again in a minute"


class SaveNamespace(Command, frozen=True, kw_only=True):
    """Make a namespace in that of the request, or replace the notes of one.

    Attributes:
        name: of the namespace.
        metadata: its notes.
    """

    shared: ClassVar[bool] = True
    name: str
    metadata: dict[str, str]

    def run(self, scope: Scope) -> Answer:
        """Store it, and what every namespace has from the start."""
        view = scope.view(NAMESPACES)
        metadata = check_custom_metadata(self.metadata)
        before = records.load_at(view, f"{scope.namespace.path}{self.name}/")
        if before is not None:
            if before.is_tainted:
                raise InvalidInputError(LEAVING)
            changed = msgspec.structs.replace(before, metadata=metadata)
            records.save(view, changed)
            return answer_of(changed)
        for mount in scope.mounts().mounts:
            if mount.path.partition("/")[0] == self.name:
                raise InvalidInputError(f"path is already in use at {mount.path}")
        made = records.new_namespace(view, scope.namespace, self.name, metadata)
        records.save_new(view, made)
        inside = scope.within(made)
        save_mounts(inside.view(MOUNTS), MountTable(built_in_mounts()))
        save_builtin_policies(inside.view(POLICIES))
        return answer_of(made)


class PatchNamespace(Command, frozen=True, kw_only=True):
    """Change some notes of a namespace; ``None`` removes one, and for all of them, all."""

    shared: ClassVar[bool] = True
    name: str
    metadata: dict[str, str | None] | None

    def run(self, scope: Scope) -> Answer:
        """Merge them in."""
        view = scope.view(NAMESPACES)
        before = require(records.load_at(view, f"{scope.namespace.path}{self.name}/"))
        merged = {**before.metadata, **self.metadata} if self.metadata is not None else {}
        kept = {key: value for key, value in merged.items() if value is not None}
        changed = msgspec.structs.replace(before, metadata=check_custom_metadata(kept))
        records.save(view, changed)
        return answer_of(changed)


class DeleteNamespace(Command, frozen=True, kw_only=True):
    """Delete a namespace with everything in it, other namespaces excepted."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Shut it, and remove what there is room for; the rest is removed by and by."""
        view = scope.view(NAMESPACES)
        namespace = records.load_at(view, f"{scope.namespace.path}{self.name}/")
        if namespace is None:  # clients read what is said, so something has to be
            return Answer(warnings=("requested namespace does not exist",))
        if records.has_any(view, namespace.path):
            raise InvalidInputError("namespace: expected one without others in it; delete those first")
        if not namespace.is_tainted:
            records.mark_gone(view, namespace)
        gone = scope.clear_namespace(namespace, Room())
        return Answer(data=encode({"status": "done" if gone else "in-progress"}))


class LockNamespace(Command, frozen=True, kw_only=True):
    """Refuse everything in a namespace and below it, until somebody has its key.

    Attributes:
        path: of the namespace, from the root, with a trailing slash.
    """

    shared: ClassVar[bool] = True
    path: str

    def run(self, scope: Scope) -> Answer:
        """Lock it and return the key."""
        view = scope.view(NAMESPACES)
        before = require(records.load_at(view, self.path))
        if before.lock:
            raise InvalidInputError("namespace: this one is locked already")
        key = new_accessor()
        records.save(view, msgspec.structs.replace(before, lock=scope.hasher.lock(key)))
        return Answer(data=encode({"unlock_key": key}))


class UnlockNamespace(Command, frozen=True, kw_only=True):
    """Take a lock off.

    Attributes:
        path: of the namespace, from the root, with a trailing slash.
        key: what ``LockNamespace`` returned.
        is_forced: whether whoever asks may do without.
    """

    shared: ClassVar[bool] = True
    path: str
    key: str
    is_forced: bool = False

    def run(self, scope: Scope) -> Answer:
        """Unlock it."""
        view = scope.view(NAMESPACES)
        before = require(records.load_at(view, self.path))
        if not before.lock:
            raise InvalidInputError("namespace: this one is not locked")
        if not self.is_forced and not hmac.compare_digest(before.lock, scope.hasher.lock(self.key)):
            raise InvalidInputError("unlock_key: expected the key that was given out when it was locked")
        records.save(view, msgspec.structs.replace(before, lock=""))
        return Answer()


def require(found: Namespace | None) -> Namespace:
    """Return a namespace that is there and stays.

    Raises:
        NotFoundError: it does not.
    """
    if found is None or found.is_tainted:
        raise NotFoundError(NOT_FOUND)
    return found


def answer_of(namespace: Namespace) -> Answer:
    """Return an answer that describes a namespace."""
    return Answer(data=encode(describe(namespace)))


def describe(namespace: Namespace) -> dict[str, Any]:
    """Return a namespace as the API shows it."""
    return {
        "id": namespace.id,
        "uuid": namespace.uuid,
        "path": namespace.path,
        "custom_metadata": namespace.metadata,
        "locked": bool(namespace.lock),
        "tainted": namespace.is_tainted,
    }
