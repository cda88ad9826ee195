"""Changes to the table of auth mounts, as commands for the writer."""

from typing import Any, ClassVar

from holdfast.errors import NotFoundError
from holdfast.store.auth.mounts import AuthMount, load_auth_mounts, save_auth_mounts, with_tuning
from holdfast.store.command import Command, Scope
from holdfast.store.layout import MOUNTS, auth_place
from holdfast.store.request import Answer
from holdfast.store.system_commands import clear


class EnableAuth(Command, frozen=True, kw_only=True):
    """Mount a method at a path."""

    shared: ClassVar[bool] = True
    mount: AuthMount

    def run(self, scope: Scope) -> Answer:
        """Add it to the table, unless its path collides with another mount by now."""
        view = scope.view(MOUNTS)
        save_auth_mounts(view, load_auth_mounts(view).with_mount(self.mount))
        return Answer()


class DisableAuth(Command, frozen=True, kw_only=True):
    """Unmount a method, with all that it stored. Tokens from it name a mount that is gone: they end too."""

    shared: ClassVar[bool] = True
    path: str

    def run(self, scope: Scope) -> Answer:
        """Remove table entry and records in one transaction; an absent mount is fine."""
        view = scope.view(MOUNTS)
        table = load_auth_mounts(view)
        mount = table.at(self.path)
        if mount is not None:
            save_auth_mounts(view, table.without(mount.uuid))
            clear(scope.view(auth_place(mount.storage_prefix)), "")
        return Answer()


class TuneAuth(Command, frozen=True, kw_only=True):
    """Change what an auth mount says about itself and its tokens; what is ``None`` stays."""

    shared: ClassVar[bool] = True
    path: str
    description: str | None = None
    default_ttl_seconds: int | None = None
    max_ttl_seconds: int | None = None
    token_type: str | None = None
    listing_visibility: str | None = None
    notes: dict[str, Any] | None = None

    def run(self, scope: Scope) -> Answer:
        """Replace the members that were given."""
        view = scope.view(MOUNTS)
        table = load_auth_mounts(view)
        mount = table.at(self.path)
        if mount is None:
            raise NotFoundError("no auth mount at this path")
        changed = with_tuning(
            mount,
            description=self.description,
            default_seconds=self.default_ttl_seconds,
            max_seconds=self.max_ttl_seconds,
            token_type=self.token_type,
            listing_visibility=self.listing_visibility,
            notes=self.notes,
        )
        save_auth_mounts(view, table.replacing(changed))
        return Answer()
