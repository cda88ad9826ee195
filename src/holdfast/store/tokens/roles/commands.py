"""Changes to token roles, as commands for the writer."""

from holdfast.errors import ConflictError
from holdfast.store.command import Command, Scope
from holdfast.store.layout import TOKEN_ROLES
from holdfast.store.request import Answer
from holdfast.store.tokens.roles.records import TokenRole, encode_role, load_role


class SaveTokenRole(Command, frozen=True, kw_only=True):
    """Store a role.

    Attributes:
        name: of the role.
        role: what it shall be.
        before: what it was when that was worked out; ``None`` for no such role.
    """

    name: str
    role: TokenRole
    before: TokenRole | None = None

    def run(self, scope: Scope) -> Answer:
        """Store it, unless somebody else has changed it since."""
        view = scope.view(TOKEN_ROLES)
        if load_role(view, self.name) != self.before:
            raise ConflictError("the role was changed at the same time: read it and write it again")
        view.put(self.name, encode_role(self.role))
        return Answer()


class DeleteTokenRole(Command, frozen=True, kw_only=True):
    """Remove a role; tokens made by it are not renewed any more."""

    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        scope.view(TOKEN_ROLES).delete(self.name)
        return Answer()
