"""Service ``Role``: the default roles, the operator's own, and which of them a principal has."""

from collections.abc import Mapping

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.api import operation
from holdfast.node.catalog import Catalog
from holdfast.node.gate import Admission, Gate
from holdfast.policy.default_roles import GUEST_DISABLED, default_roles
from holdfast.policy.roles import MAX_NAME_LENGTH, Role

DEFAULT_NAMES = frozenset(default_roles())
FIXED_NAMES = DEFAULT_NAMES - {GUEST_DISABLED.name}  # the guest role may be changed, never removed


class RoleBook:
    """Every role that exists at this moment: stored ones, and the defaults.

    Args:
        catalog: holds stored roles.
        guest_access: whether ``system.guest`` allows anything while nobody has stored another one.
    """

    def __init__(self, catalog: Catalog, *, guest_access: bool) -> None:
        self._catalog = catalog
        self._defaults = default_roles(guest_access=guest_access)

    def find(self, name: str) -> Role | None:
        """Return a role, or ``None``."""
        if name in FIXED_NAMES:
            return self._defaults[name]
        if "/" in name or not 0 < len(name) <= MAX_NAME_LENGTH:
            return None  # tokens may name anything; no role can have such a name
        return self._catalog.role(name) or self._defaults.get(name)

    def names(self) -> list[str]:
        """Return the names of all roles, sorted."""
        return sorted({*self._defaults, *self._catalog.role_names()})

    def roles_of(self, principal: Principal) -> Mapping[str, Role]:
        """Return those roles of the principal that exist, by name."""
        found = ((name, self.find(name)) for name in principal.roles)
        return {name: role for name, role in found if role is not None}


class RoleService:
    """Roles as the API shows and changes them."""

    def __init__(self, *, gate: Gate, catalog: Catalog, book: RoleBook) -> None:
        self._gate = gate
        self._catalog = catalog
        self._book = book

    @operation(apis.ROLE_CREATE)
    def create(self, admission: Admission, role: Role) -> Role:
        """Store a new role; the same one again is no error.

        Raises:
            ConflictError: one of that name exists with other rules.
            InvalidInputError: the name is that of a default role.
        """
        if role.name in DEFAULT_NAMES:
            raise InvalidInputError("role name: expected another than a default role's")
        present = self._catalog.role(role.name)
        if present is not None and present != role:
            raise ConflictError("a role of that name exists with other rules; update it instead")
        self._catalog.put_role(role)
        self._gate.done(admission, role.name, "role created")
        return role

    @operation(apis.ROLE_UPDATE)
    def update(self, admission: Admission, role: Role) -> Role:
        """Replace a role; it acts on live tokens at once.

        Raises:
            NotFoundError: there is none of that name.
            InvalidInputError: a default role that cannot be changed.
        """
        if role.name in FIXED_NAMES:
            raise InvalidInputError("role name: this default role cannot be changed")
        if self._book.find(role.name) is None:
            raise NotFoundError(f"Role {role.name} not found")
        self._catalog.put_role(role)
        self._gate.done(admission, role.name, "role updated")
        return role

    @operation(apis.ROLE_INSPECT)
    def inspect(self, admission: Admission, name: str) -> Role:  # noqa: ARG002 - being admitted is all it takes
        """Return one role.

        Raises:
            NotFoundError: there is none of that name.
        """
        role = self._book.find(name)
        if role is None:
            raise NotFoundError("there is no role of that name")
        return role

    @operation(apis.ROLE_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[str]:  # noqa: ARG002 - being admitted is all it takes
        """Return the names of all roles."""
        return self._book.names()

    @operation(apis.ROLE_DELETE)
    def delete(self, admission: Admission, name: str) -> None:
        """Forget a role; one that is not there is no error.

        Raises:
            InvalidInputError: a default role.
        """
        if name in DEFAULT_NAMES:
            raise InvalidInputError("role name: a default role cannot be deleted")
        if self._book.find(name) is not None:
            self._catalog.remove_role(name)
            self._gate.done(admission, name, "role deleted")
