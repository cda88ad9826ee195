"""Roles: which APIs of which services a principal may call.

A role is a list of rules; a rule names services and APIs by pattern. Within one role a denial in any rule
beats every grant, whatever their order:

1. A rule that denies the service refuses. So does a rule that covers the service and denies the API.
2. Otherwise the first rule that covers both allows.
3. Otherwise the role is silent, and silence is no.

A principal may do what any one of its roles allows; a denial does not reach into another role. Roles are
sums, so that switching off the guest role takes nothing from a user who also carries it. A role that does
not exist allows nothing.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.policy.decision import Allowed, Decision, Denied
from holdfast.policy.role_pattern import parse_role_pattern

MAX_NAME_LENGTH = 128
MAX_RULES = 256
MAX_PATTERNS = 256
MAX_PATTERNS_OF_ROLE = 4096


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a role, in the form that the API and role files use.

    Attributes:
        services: patterns for names of services, such as ``volume``.
        apis: patterns for names of their APIs, such as ``*enumerate*``.

    Raises:
        InvalidInputError: one of both is empty, or holds what is no pattern.
    """

    services: tuple[str, ...]
    apis: tuple[str, ...]

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
        if sum(len(rule.services) + len(rule.apis) for rule in self.rules) > MAX_PATTERNS_OF_ROLE:
            raise InvalidInputError(f"rules: expected at most {MAX_PATTERNS_OF_ROLE} patterns in a role")


def decide_role(principal: Principal, service: str, api: str, roles: Mapping[str, Role]) -> Decision:
    """Decide whether the roles of ``principal`` allow a call.

    Args:
        principal: who calls, or the guest.
        service: the service, without its ``OpenStorage`` prefix; capitals do not count.
        api: the method of the service; capitals do not count.
        roles: every role that exists at this moment, by name.
    """

    def decide(name: str) -> Decision | None:
        role = roles.get(name)
        return None if role is None else decide_one(role, service, api)

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


def decide_one(role: Role, service: str, api: str) -> Decision:
    """Decide whether one role allows a call; capitals do not count."""
    service, api = service.lower(), api.lower()
    granting = 0
    for number, rule in enumerate(role.rules, start=1):
        covers_service, denies_service = _match(rule.services, service)
        if denies_service:
            return Denied(f"role {role.name}, rule {number} denies service {service}", is_final=True)
        if not covers_service:
            continue
        covers_api, denies_api = _match(rule.apis, api)
        if denies_api:
            return Denied(f"role {role.name}, rule {number} denies {service}.{api}", is_final=True)
        if covers_api and not granting:
            granting = number
    if granting:
        return Allowed(f"role {role.name}, rule {granting}")
    return Denied(f"role {role.name} has no rule for {service}.{api}")


def _match(patterns: tuple[str, ...], name: str) -> tuple[bool, bool]:
    """Return whether the patterns cover ``name``, and whether they deny it."""
    matching = [pattern for text in patterns if (pattern := parse_role_pattern(text)).matches(name)]
    return (
        any(not pattern.denies for pattern in matching),
        any(pattern.denies for pattern in matching),
    )
