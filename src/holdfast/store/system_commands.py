"""Changes to mounts and policies, as commands for the writer."""

from typing import Any, ClassVar

import msgspec

from holdfast.engines import kv2
from holdfast.engines.names import SECRETS
from holdfast.errors import ConflictError, NotFoundError
from holdfast.storage.interface import Transaction
from holdfast.store.command import Command, Scope
from holdfast.store.layout import MOUNTS, POLICIES, engine_place
from holdfast.store.mounts import Mount, save_mounts, with_said, with_ttls, with_versions
from holdfast.store.policy_records import delete_policy, save_policy
from holdfast.store.request import Answer

STILL_USED = "it still holds secrets: remove them first, or ask for its removal with everything in it"

_PAGE = 500


class AddMount(Command, frozen=True, kw_only=True):
    """Enable an engine at a path."""

    shared: ClassVar[bool] = True
    mount: Mount

    def run(self, scope: Scope) -> Answer:
        """Add it to the table, unless its path collides with another mount by now."""
        scope.refuse_where_namespace_is(self.mount.path)
        save_mounts(scope.view(MOUNTS), scope.mounts().with_mount(self.mount))
        return Answer()


class RemoveMount(Command, frozen=True, kw_only=True):
    """Disable the engine at a path and remove everything that it stored.

    Attributes:
        path: of the mount.
        unless_used: refuse where there is any secret, deleted ones included.
    """

    shared: ClassVar[bool] = True
    path: str
    unless_used: bool = False

    def run(self, scope: Scope) -> Answer:
        """Remove table entry and data in one transaction; an absent mount is fine."""
        table = scope.mounts()
        mount = table.find(self.path)
        if mount is not None and mount.path == self.path:
            view = scope.view(engine_place(mount.storage_prefix))
            if self.unless_used and view.list(SECRETS, limit=1):
                raise ConflictError(STILL_USED)
            save_mounts(scope.view(MOUNTS), table.without(self.path))
            clear(view, "")
        return Answer()


class TuneMount(Command, frozen=True, kw_only=True):
    """Change what a mount says about itself.

    Attributes:
        path: of the mount.
        description: for people.
        default_ttl_seconds: 0 for the system's.
        max_ttl_seconds: likewise.
        upgrade: make it a key-value mount with versions; what it holds stays, as version 1.
        notes: what else is said of it.
    """

    shared: ClassVar[bool] = True
    path: str
    description: str | None = None
    default_ttl_seconds: int | None = None
    max_ttl_seconds: int | None = None
    upgrade: bool = False
    notes: dict[str, Any] | None = None

    def run(self, scope: Scope) -> Answer:
        """Replace the members that were given."""
        table = scope.mounts()
        mount = table.find(self.path)
        if mount is None or mount.path != self.path:
            raise NotFoundError("no mount at this path")
        changed = with_ttls(mount, default_seconds=self.default_ttl_seconds, max_seconds=self.max_ttl_seconds)
        if self.description is not None:
            changed = msgspec.structs.replace(changed, description=self.description)
        if self.notes:
            changed = with_said(changed, self.notes)
        if self.upgrade and not mount.is_versioned:
            changed = with_versions(changed)
            kv2.mark_upgraded(scope.view(engine_place(mount.storage_prefix)), now=scope.now)
        mounts = tuple(changed if other.path == self.path else other for other in table.mounts)
        save_mounts(scope.view(MOUNTS), msgspec.structs.replace(table, mounts=mounts))
        return Answer()


class SavePolicy(Command, frozen=True, kw_only=True):
    """Store a policy text under a folded name."""

    shared: ClassVar[bool] = True
    name: str
    text: str

    def run(self, scope: Scope) -> Answer:
        """Check and store it."""
        save_policy(scope.view(POLICIES), self.name, self.text)
        return Answer()


class DeletePolicy(Command, frozen=True, kw_only=True):
    """Remove a policy by its folded name."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        delete_policy(scope.view(POLICIES), self.name)
        return Answer()


def clear(view: Transaction, prefix: str) -> None:
    """Remove everything below ``prefix``."""
    while names := view.list(prefix, limit=_PAGE):
        for name in names:
            if name.endswith("/"):
                clear(view, prefix + name)
            else:
                view.delete(prefix + name)
