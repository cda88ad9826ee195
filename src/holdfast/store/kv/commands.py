"""Changes to secrets, as commands for the writer.

A write is a create or an update depending on what is there when it is committed; which of the two the
caller may do was decided by the reader process and comes along.
"""

from typing import TypeVar

import msgspec

from holdfast.engines import kv1, kv2
from holdfast.engines.errors import SecretNotFoundError, UpgradedError, VersionGoneError
from holdfast.storage.interface import Transaction
from holdfast.store.command import Command, Scope
from holdfast.store.layout import engine_place
from holdfast.store.mounts import Mount
from holdfast.store.permit import Permit
from holdfast.store.request import Answer

T = TypeVar("T")


class KvCommand(Command, frozen=True, kw_only=True):
    """A change to one secret.

    Attributes:
        mount: uuid of the mount; the change is refused if the mount is gone by then.
        path: canonical path below the mount.
    """

    mount: str
    path: str

    def view(self, scope: Scope) -> Transaction:
        """Return the mount's data, if the mount still exists."""
        scope.require_mount(self.mount)
        return scope.view(engine_place(Mount.prefix_of(self.mount)))

    def view_without_versions(self, scope: Scope) -> Transaction:
        """Return the mount's data, if the mount still exists and has not got versions meanwhile."""
        view = self.view(scope)
        if any(mount.uuid == self.mount and mount.is_versioned for mount in scope.mounts().mounts):
            raise UpgradedError
        return view


class Kv1Write(KvCommand, frozen=True, kw_only=True):
    """Replace what is at a path."""

    payload: bytes
    permit: Permit

    def run(self, scope: Scope) -> Answer:
        """Write it."""
        view = self.view_without_versions(scope)
        self.permit.check(exists=view.get(kv1.secret_key(self.path)) is not None)
        kv1.write(view, self.path, self.payload)
        return Answer()


class Kv1Delete(KvCommand, frozen=True):
    """Remove what is at a path."""

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent secret is fine."""
        kv1.delete(self.view_without_versions(scope), self.path)
        return Answer()


class Kv2Write(KvCommand, frozen=True, kw_only=True):
    """Write a new version."""

    payload: bytes | None
    permit: Permit
    cas: int | None = None
    precondition: kv2.Precondition = kv2.Precondition.NONE

    def run(self, scope: Scope) -> Answer:
        """Write it and return its metadata."""
        view = self.view(scope)
        if self.precondition is not kv2.Precondition.NONE:
            self.permit.check(exists=self.precondition is kv2.Precondition.MUST_EXIST)
        elif not self.permit.is_for_both:
            self.permit.check(exists=kv2.exists(view, self.path))
        version = kv2.write(
            view, self.path, self.payload, now=scope.now, cas=self.cas, precondition=self.precondition
        )
        return Answer(data=version.metadata_json)


class Kv2Patch(KvCommand, frozen=True, kw_only=True):
    """Write a new version that is the current one with a merge patch applied."""

    changes: bytes | None
    cas: int | None = None

    def run(self, scope: Scope) -> Answer:
        """Patch it and return the new version's metadata."""
        try:
            version = kv2.patch(self.view(scope), self.path, self.changes, now=scope.now, cas=self.cas)
        except VersionGoneError as gone:
            return Answer(data=gone.metadata_json, missing=True)
        except SecretNotFoundError:
            return Answer(missing=True)
        return Answer(data=version.metadata_json)


class Kv2DeleteCurrent(KvCommand, frozen=True, kw_only=True):
    """Soft-delete the current version."""

    must_exist: bool = False

    def run(self, scope: Scope) -> Answer:
        """Delete it; whether an absent one is fine is the dialect's choice."""
        deleted = kv2.delete_current(self.view(scope), self.path, now=scope.now)
        return Answer(missing=self.must_exist and not deleted)


class Kv2DeleteVersions(KvCommand, frozen=True, kw_only=True):
    """Soft-delete versions by number."""

    versions: tuple[int, ...]

    def run(self, scope: Scope) -> Answer:
        """Delete them; unknown numbers are ignored."""
        kv2.delete_versions(self.view(scope), self.path, self.versions, now=scope.now)
        return Answer()


class Kv2UndeleteVersions(KvCommand, frozen=True, kw_only=True):
    """Bring soft-deleted versions back."""

    versions: tuple[int, ...]

    def run(self, scope: Scope) -> Answer:
        """Undelete them; destroyed ones stay gone."""
        kv2.undelete_versions(self.view(scope), self.path, self.versions, now=scope.now)
        return Answer()


class Kv2DestroyVersions(KvCommand, frozen=True, kw_only=True):
    """Erase the content of versions for good."""

    versions: tuple[int, ...]

    def run(self, scope: Scope) -> Answer:
        """Destroy them."""
        kv2.destroy_versions(self.view(scope), self.path, self.versions)
        return Answer()


class Kv2Erase(KvCommand, frozen=True):
    """Remove a secret with all versions and metadata."""

    def run(self, scope: Scope) -> Answer:
        """Erase it; an absent secret is fine."""
        kv2.erase(self.view(scope), self.path)
        return Answer()


class Kv2WriteMetadata(KvCommand, frozen=True, kw_only=True):
    """Set the settings and notes of a secret."""

    change: kv2.MetadataChange
    permit: Permit

    def run(self, scope: Scope) -> Answer:
        """Set them; creates an empty secret where there is none."""
        view = self.view(scope)
        self.permit.check(exists=kv2.exists(view, self.path))
        return Answer(warnings=kv2.write_metadata(view, self.path, self.change, now=scope.now))


class Kv2PatchMetadata(KvCommand, frozen=True, kw_only=True):
    """Change some settings and notes of a secret."""

    change: kv2.MetadataChange

    def run(self, scope: Scope) -> Answer:
        """Change them; nothing is created."""
        try:
            return Answer(warnings=kv2.patch_metadata(self.view(scope), self.path, self.change))
        except SecretNotFoundError:
            return Answer(missing=True)


class Kv2WriteConfig(Command, frozen=True, kw_only=True):
    """Change the settings of a mount; what is ``None`` stays."""

    mount: str
    max_versions: int | None = None
    cas_required: bool | None = None
    delete_version_after: int | None = None
    metadata_cas_required: bool | None = None

    def run(self, scope: Scope) -> Answer:
        """Change them."""
        scope.require_mount(self.mount)
        kv2.write_config(
            scope.view(engine_place(Mount.prefix_of(self.mount))),
            max_versions=_unset_if_none(self.max_versions),
            cas_required=_unset_if_none(self.cas_required),
            delete_version_after=_unset_if_none(self.delete_version_after),
            metadata_cas_required=_unset_if_none(self.metadata_cas_required),
        )
        return Answer()


def _unset_if_none(value: T | None) -> T | msgspec.UnsetType:
    return msgspec.UNSET if value is None else value
