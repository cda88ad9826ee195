"""Service ``Role``: the default roles, the operator's own, and what they would say about a call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.known_apis import about, known_apis
from holdfast.node.api import SCOPED_SERVICES, Admission, operation
from holdfast.node.roles.role_book import DEFAULT_NAMES, FIXED_NAMES, RoleBook
from holdfast.policy.decision import Decision, Denied
from holdfast.policy.role_check import check_scopes, dead_patterns
from holdfast.policy.role_scope import About
from holdfast.policy.roles import MAX_NAME_LENGTH, Role, any_of, decide_one

MAX_TESTED_CALLS = 1000
MAX_TESTED_ROLES = 256


@dataclass(frozen=True, slots=True)
class CallVerdict:
    """What some roles say about one call.

    Attributes:
        service: in lower case.
        method: in lower case.
        is_known: whether there is such an API.
        decision: what counts, with the rule that allows or every reason against.
        by_role: what each role says alone.
    """

    service: str
    method: str
    is_known: bool
    decision: Decision
    by_role: tuple[tuple[str, Decision], ...]


@dataclass(frozen=True, slots=True)
class RoleVerdicts:
    """What some roles say.

    Attributes:
        calls: about each call that was asked about.
        warnings: what in a role that was sent along its author cannot have meant.
    """

    calls: tuple[CallVerdict, ...]
    warnings: tuple[str, ...]


class RoleService:
    """Roles as the API shows and changes them."""

    def __init__(self, *, gate: Gate, book: RoleBook) -> None:
        self._gate = gate
        self._book = book

    @operation(apis.ROLE_CREATE)
    def create(self, admission: Admission, role: Role, *, allow_unknown: bool = False) -> Role:
        """Store a new role; the same one again is no error.

        Args:
            admission: of the caller.
            role: the role.
            allow_unknown: also if it names what no service of the SDK and of this node is called.

        Raises:
            ConflictError: one of that name exists with other rules.
            InvalidInputError: the name is that of a default role, a pattern matches nothing, or a rule with a
                scope is about calls that are about no volume.
        """
        if role.name in DEFAULT_NAMES:
            raise InvalidInputError("role name: expected another than a default role's")
        if role.name in {".", ".."}:
            raise InvalidInputError("role name: expected another than . and .., which no address leads to")
        _check_patterns(role, allow_unknown=allow_unknown)
        self._book.create(role)
        self._gate.done(admission, role.name, "role created", after=_words(role))
        return role

    @operation(apis.ROLE_UPDATE)
    def update(self, admission: Admission, role: Role, *, allow_unknown: bool = False) -> Role:
        """Replace a role; it acts on live tokens at once.

        Args:
            admission: of the caller.
            role: the role.
            allow_unknown: also if it names what no service of the SDK and of this node is called.

        Raises:
            NotFoundError: there is none of that name.
            InvalidInputError: a default role that cannot be changed, or as ``create``.
        """
        if role.name in FIXED_NAMES:
            raise InvalidInputError("role name: this default role cannot be changed")
        _check_patterns(role, allow_unknown=allow_unknown)
        earlier = self._book.replace(role)
        self._gate.done(admission, role.name, "role updated", before=_words(earlier), after=_words(role))
        return role

    @operation(apis.ROLE_INSPECT)
    def inspect(self, admission: Admission, name: str) -> Role:  # noqa: ARG002 - being admitted is all it takes
        """Return one role.

        Raises:
            NotFoundError: there is none of that name.
        """
        if not name:
            raise InvalidInputError("name: expected the name of a role")
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
            InvalidInputError: no name, or that of a default role.
        """
        if not name:
            raise InvalidInputError("name: expected the name of a role")
        if name in DEFAULT_NAMES:
            raise InvalidInputError("role name: a default role cannot be deleted")
        earlier = self._book.remove(name)
        if earlier is not None:
            self._gate.done(admission, name, "role deleted", before=_words(earlier))

    @operation(apis.ROLE_TEST)
    def test(
        self,
        admission: Admission,  # noqa: ARG002 - being admitted is all it takes
        *,
        names: Sequence[str] = (),
        role: Role | None = None,
        calls: Sequence[tuple[str, str]] = (),
        labels: Mapping[str, str] | None = None,
    ) -> RoleVerdicts:
        """Say what roles would allow, and by which rule. Nothing is changed, and nobody's token is needed.

        Args:
            admission: of the caller.
            names: roles that exist, as a token names them.
            role: a role that was not stored; it stands in for a stored one of its name.
            calls: service and method of each call; every API that is known, if none is named.
            labels: of the volume that the calls are about; without them, what some volume is allowed counts.

        Raises:
            InvalidInputError: no role was named, too much asked, or as ``create`` about scopes.
        """
        if role is not None:
            check_scopes(role, known_apis(), SCOPED_SERVICES)
        asked = list(dict.fromkeys([*names, role.name] if role is not None else names))
        if not 0 < len(asked) <= MAX_TESTED_ROLES or any(len(name) > MAX_NAME_LENGTH for name in asked):
            raise InvalidInputError(f"names: expected 1 to {MAX_TESTED_ROLES} names of roles, or a role")
        if len(calls) > MAX_TESTED_CALLS:
            raise InvalidInputError(f"calls: expected at most {MAX_TESTED_CALLS}")
        known = known_apis()
        wanted = [(service.lower(), method.lower()) for service, method in calls] or [
            (service, method) for service, methods in sorted(known.items()) for method in sorted(methods)
        ]
        roles = {name: self._book.find(name) for name in asked}
        if role is not None:
            roles[role.name] = role
        return RoleVerdicts(
            calls=tuple(
                _verdict(
                    roles, service, method, about(service, labels), is_known=method in known.get(service, ())
                )
                for service, method in wanted
            ),
            warnings=() if role is None else tuple(dead.text for dead in dead_patterns(role, known)),
        )


def _verdict(
    roles: dict[str, Role | None], service: str, method: str, what: About, *, is_known: bool
) -> CallVerdict:
    def decide(name: str) -> Decision | None:
        role = roles[name]
        return None if role is None else decide_one(role, service, method, what)

    alone = ((name, decide(name)) for name in roles)
    by_role = tuple(
        (name, Denied(f"role {name} does not exist") if said is None else said) for name, said in alone
    )
    return CallVerdict(service, method, is_known, any_of(roles, decide), by_role)


def _check_patterns(role: Role, *, allow_unknown: bool) -> None:
    check_scopes(role, known_apis(), SCOPED_SERVICES)
    dead = () if allow_unknown else dead_patterns(role, known_apis())
    if dead:
        more = "; there are others; " if len(dead) > 1 else "; "
        raise InvalidInputError(f"{dead[0].text}{more}allow_unknown stores the role as it is")


def _words(role: Role) -> Any:
    """Return a role as the audit log shows it."""
    return msgspec.to_builtins(role)
