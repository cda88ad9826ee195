"""Roles: which APIs of which services a principal may call.

A role is a list of rules; a rule names services and APIs by pattern. Within one role a denial in any rule
beats every grant, whatever their order:

1. A rule that denies the service refuses. So does a rule that covers the service and denies the API.
2. Otherwise the first rule that covers both allows.
3. Otherwise the role is silent, and silence is no.

A rule may have a scope (see ``role_scope``): then it grants and denies for the resources in it alone.

A principal may do what any one of its roles allows; a denial does not reach into another role. Roles are
sums, so that switching off the guest role takes nothing from a user who also carries it. A role that does
not exist allows nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.policy.decision import Allowed, Decision, Denied
from holdfast.policy.role_pattern import parse_role_pattern
from holdfast.policy.role_scope import About, Scope, Unknown, denies_in, grants_in

MAX_NAME_LENGTH = 128
MAX_RULES = 256
MAX_PATTERNS = 256
MAX_PATTERNS_OF_ROLE = 4096


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule of a role, in the form that the API and role files use.

    Attributes:
        services: patterns for names of services, such as ``volume``.
        apis: patterns for names of their APIs, such as ``*enumerate*``.
        scope: which resources it is about; ``None`` for all of them.

    Raises:
        InvalidInputError: services or APIs are empty, or hold what is no pattern.
    """

    services: tuple[str, ...]
    apis: tuple[str, ...]
    scope: Scope | None = None

    def __post_init__(self) -> None:
        for field in ("services", "apis"):
            folded = tuple(pattern.lower() for pattern in getattr(self, field))
            if not 0 < len(folded) <= MAX_PATTERNS:
                raise InvalidInputError(f"{field}: expected 1 to {MAX_PATTERNS} patterns in each rule")
            for pattern in folded:
                parse_role_pattern(pattern)
            msgspec.structs.force_setattr(self, field, folded)


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named list of rules.

    Attributes:
        name: as tokens name it; capitals count.
        rules: the rules, in the order in which decisions number them from 1.

    Raises:
        InvalidInputError: no fit name, or no rules.
    """

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME_LENGTH or not self.name.isprintable():
            raise InvalidInputError(f"role name: expected 1 to {MAX_NAME_LENGTH} printable characters")
        if "/" in self.name or " " in self.name:
            raise InvalidInputError("role name: expected no slash and no blank")
        if not 0 < len(self.rules) <= MAX_RULES:
            raise InvalidInputError(f"rules: expected 1 to {MAX_RULES} rules in a role")
        if sum(map(_size, self.rules)) > MAX_PATTERNS_OF_ROLE:
            raise InvalidInputError(
                f"rules: expected at most {MAX_PATTERNS_OF_ROLE} patterns and labels in a role"
            )


def _size(rule: Rule) -> int:
    return len(rule.services) + len(rule.apis) + (len(rule.scope.labels) if rule.scope is not None else 0)


@dataclass(frozen=True, slots=True)
class RoleSays:
    """What the rules of one role say about one API.

    Attributes:
        role: its name.
        call: service and API.
        denials: scope and reason of each denial, in the order of the rules.
        grants: scope and number of each rule that grants it, in their order.
    """

    role: str
    call: str
    denials: tuple[tuple[Scope | None, str], ...]
    grants: tuple[tuple[Scope | None, int], ...]

    @property
    def is_scoped(self) -> bool:
        """Whether it depends on what the call is about."""
        return any(scope is not None for scope, _ in (*self.denials, *self.grants))

    def decide(self, about: About) -> Decision:
        """Decide about a call.

        Args:
            about: what is known of the resource that it is about.
        """
        for scope, reason in self.denials:
            if denies_in(scope, about):
                return Denied(reason, is_final=True)
        for scope, number in self.grants:
            if grants_in(scope, about):
                limited = about is Unknown.YET and self.is_scoped
                return Allowed(f"role {self.role}, rule {number}{', by scope' if limited else ''}")
        if self.grants:
            return Denied(f"role {self.role} allows {self.call} in another scope")
        return Denied(f"role {self.role} has no rule for {self.call}")


Says: TypeAlias = tuple[tuple[str, RoleSays | None], ...]


@dataclass(frozen=True, slots=True)
class Right:
    """What the roles of somebody say about one API at one moment.

    Attributes:
        said: what each role says, by name, in the order of the token; ``None`` for one that does not exist.
    """

    said: Says

    @property
    def is_scoped(self) -> bool:
        """Whether it depends on what the call is about."""
        return any(says is not None and says.is_scoped for _, says in self.said)

    def decide(self, about: About) -> Decision:
        """Decide about a call; any one of the roles may allow it."""
        said = dict(self.said)

        def decide(name: str) -> Decision | None:
            says = said[name]
            return None if says is None else says.decide(about)

        return any_of(said, decide)


def decide_role(
    principal: Principal,
    service: str,
    api: str,
    roles: Mapping[str, Role],
    about: About = Unknown.NOTHING,
) -> Decision:
    """Decide whether the roles of ``principal`` allow a call.

    Args:
        principal: who calls, or the guest.
        service: the service, without its ``OpenStorage`` prefix; capitals do not count.
        api: the method of the service; capitals do not count.
        roles: every role that exists at this moment, by name.
        about: what is known of the resource that the call is about.
    """

    def decide(name: str) -> Decision | None:
        role = roles.get(name)
        return None if role is None else decide_one(role, service, api, about)

    return any_of(principal.roles, decide)


def any_of(names: Iterable[str], decide: Callable[[str], Decision | None]) -> Decision:
    """Put together what several roles say: the first that allows does.

    Args:
        names: of the roles, in the order of the token.
        decide: what one of them says; ``None`` for one that does not exist.
    """
    reasons: list[str] = []
    is_final = False
    for name in names:
        decision = decide(name)
        if decision:
            return decision
        reasons.append(f"role {name} does not exist" if decision is None else decision.reason)
        is_final = is_final or (decision is not None and decision.is_final)
    return Denied("; ".join(reasons) or "the principal has no role", is_final)


def decide_one(role: Role, service: str, api: str, about: About = Unknown.NOTHING) -> Decision:
    """Decide whether one role allows a call; capitals do not count."""
    return what_it_says(role, service, api).decide(about)


def what_it_says(role: Role, service: str, api: str) -> RoleSays:
    """Return what the rules of one role say about an API; capitals do not count."""
    service, api = service.lower(), api.lower()
    denials: list[tuple[Scope | None, str]] = []
    grants: list[tuple[Scope | None, int]] = []
    for number, rule in enumerate(role.rules, start=1):
        covers_service, denies_service = _match(rule.services, service)
        if denies_service:
            denials.append((rule.scope, f"role {role.name}, rule {number} denies service {service}"))
        elif covers_service:
            covers_api, denies_api = _match(rule.apis, api)
            if denies_api:
                denials.append((rule.scope, f"role {role.name}, rule {number} denies {service}.{api}"))
            elif covers_api:
                grants.append((rule.scope, number))
    return RoleSays(role.name, f"{service}.{api}", tuple(denials), tuple(grants))


def _match(patterns: tuple[str, ...], name: str) -> tuple[bool, bool]:
    """Return whether the patterns cover ``name``, and whether they deny it."""
    matching = [pattern for text in patterns if (pattern := parse_role_pattern(text)).matches(name)]
    return (
        any(not pattern.denies for pattern in matching),
        any(pattern.denies for pattern in matching),
    )
