"""Every role that exists at this moment, and what it says about a call.

    roles/<name>       a role, as JSON

Each decision asks storage for the role's text anew, so that a change acts on live tokens at once; on every
node, as a node catches up with the others before each call. What the same text said before is remembered, so
that asking is all it costs.
"""

from collections.abc import Callable
from threading import Lock

import msgspec

from holdfast.errors import InternalError, InvalidInputError, NotFoundError
from holdfast.model import Principal
from holdfast.node.api import Api
from holdfast.node.errors import RoleExistsError
from holdfast.policy.decision import Decision
from holdfast.policy.default_roles import GUEST_DISABLED, default_roles
from holdfast.policy.role_scope import Unknown
from holdfast.policy.roles import MAX_NAME_LENGTH, Right, Role, RoleSays, any_of, what_it_says
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

DEFAULT_NAMES = frozenset(default_roles())
FIXED_NAMES = DEFAULT_NAMES - {GUEST_DISABLED.name}  # the guest role may be changed, never removed

_PAGE = 500
_MOST_REMEMBERED = 4096
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Role).decode


class _Said:
    """A role, and what it said about each API so far."""

    __slots__ = ("about", "decisions", "role", "text")

    def __init__(self, role: Role, text: bytes = b"") -> None:
        self.role = role
        self.text = text
        self.about: dict[Api, RoleSays] = {}
        self.decisions: dict[Api, Decision] = {}

    def says(self, api: Api) -> RoleSays:
        says = self.about.get(api)
        if says is None:
            says = self.about[api] = what_it_says(self.role, api.service, api.method)
        return says

    def decide(self, api: Api) -> Decision:
        decision = self.decisions.get(api)
        if decision is None:
            about = Unknown.YET if api.is_scoped else Unknown.NOTHING
            decision = self.decisions[api] = self.says(api).decide(about)
        return decision


class RoleBook:
    """Stored roles, and the default ones.

    Args:
        storage: where roles are kept.
        guest_access: whether ``system.guest`` allows anything while nobody has stored another one.
    """

    def __init__(self, storage: Storage, *, guest_access: bool) -> None:
        self._storage = storage
        self._defaults = {
            name: _Said(role) for name, role in default_roles(guest_access=guest_access).items()
        }
        self._remembered: dict[str, _Said] = {}
        self._guard = Lock()

    def decide(self, principal: Principal, api: Api) -> Decision:
        """Decide whether the roles of ``principal`` allow a call, of which nothing more is known yet.

        What depends on the volumes that it is about is allowed here, and decided by ``rights``.
        """

        def decide(name: str) -> Decision | None:
            said = self._said(name)
            return None if said is None else said.decide(api)

        return any_of(principal.roles, decide)

    def rights(self, principal: Principal) -> Callable[[Api], Right]:
        """Return what the roles of ``principal`` say at this moment, about each API that is asked for."""
        roles = [(name, self._said(name)) for name in dict.fromkeys(principal.roles)]
        return lambda api: Right(
            tuple((name, None if said is None else said.says(api)) for name, said in roles)
        )

    def find(self, name: str) -> Role | None:
        """Return a role, or ``None``."""
        said = self._said(name)
        return None if said is None else said.role

    def names(self) -> list[str]:
        """Return the names of all roles, sorted."""

        def stored(reader: Reader) -> list[str]:
            names: list[str] = []
            while page := reader.list("roles/", after=names[-1] if names else "", limit=_PAGE):
                names += page
            return names

        return sorted({*self._defaults, *read_one_state(self._storage, stored)})

    def create(self, role: Role) -> None:
        """Store a new role; nothing happens if the same one is there.

        Raises:
            RoleExistsError: one of that name exists with other rules.
        """

        def change(transaction: Transaction) -> None:
            present = transaction.get(_key(role.name))
            if present is not None and _read(present) != role:
                raise RoleExistsError("a role of that name exists with other rules; update it instead")
            transaction.put(_key(role.name), _encode(role))

        self._storage.write(change)

    def replace(self, role: Role) -> Role:
        """Store a role in place of another one, and return that.

        Raises:
            NotFoundError: there is none of that name.
        """

        def change(transaction: Transaction) -> Role:
            stored = transaction.get(_key(role.name))
            default = self._defaults.get(role.name)
            if stored is None and default is None:
                raise NotFoundError("there is no role of that name")
            transaction.put(_key(role.name), _encode(role))
            return default.role if stored is None and default is not None else _read(stored or b"")

        return self._storage.write(change)

    def remove(self, name: str) -> Role | None:
        """Forget a role, and return it; tokens that name it lose it at once."""
        if not _can_be(name):
            return None

        def change(transaction: Transaction) -> Role | None:
            stored = transaction.get(_key(name))
            transaction.delete(_key(name))
            return None if stored is None else _read(stored)

        return self._storage.write(change)

    def _said(self, name: str) -> _Said | None:
        if name in FIXED_NAMES:
            return self._defaults[name]
        text = self._storage.get(_key(name)) if _can_be(name) else None
        if text is None:
            return self._defaults.get(name)
        said = self._remembered.get(name)
        if said is None or said.text != text:
            said = _Said(_read(text), text)
            with self._guard:
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[name] = said
        return said


def _can_be(name: str) -> bool:
    """Whether a role can have the name; tokens may name anything."""
    return "/" not in name and 0 < len(name) <= MAX_NAME_LENGTH


def _key(name: str) -> str:
    return f"roles/{name}"


def _read(text: bytes) -> Role:
    try:
        return _decode(text)
    except (msgspec.DecodeError, InvalidInputError):
        raise InternalError("a stored role cannot be read") from None
