"""Does a role say what its author meant? Patterns in it that match nothing that there is.

A misspelt service lets nobody in, which somebody notices. A misspelt service in a rule that denies keeps
nobody out, which nobody notices. Both are found here, with the names that may have been meant.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from holdfast.errors import InvalidInputError
from holdfast.policy.role_pattern import RolePattern, parse_role_pattern
from holdfast.policy.roles import Role

MOST_FOUND = 20
_MOST_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class DeadPattern:
    """A pattern that matches nothing.

    Attributes:
        rule: number of the rule, from 1.
        field: ``services`` or ``apis``.
        number: place of the pattern in that list, from 1.
        pattern: the pattern.
        meant: names that are like it.
    """

    rule: int
    field: str
    number: int
    pattern: str
    meant: tuple[str, ...]

    @property
    def text(self) -> str:
        """What to tell the author; without the pattern itself."""
        kind = "service" if self.field == "services" else "API of the rule's services"
        hint = f"; did you mean {' or '.join(self.meant)}?" if self.meant else ""
        return f"rule {self.rule}, {self.field}: pattern {self.number} matches no {kind}{hint}"


def dead_patterns(role: Role, services: Mapping[str, frozenset[str]]) -> tuple[DeadPattern, ...]:
    """Return the first patterns of a role that match nothing, in its order.

    Args:
        role: the role.
        services: the APIs of every service that there is, all in lower case.
    """
    return tuple(islice(_find(role, services), MOST_FOUND))


def check_scopes(role: Role, services: Collection[str], scoped: Collection[str]) -> None:
    """Raise ``InvalidInputError`` if a rule with a scope is about calls that are about no resource.

    Args:
        role: the role.
        services: every service that there is, in lower case.
        scoped: those of them whose calls are about resources with labels.
    """
    for number, rule in enumerate(role.rules, start=1):
        patterns = () if rule.scope is None else tuple(map(parse_role_pattern, rule.services))
        for service in sorted(services):
            if service not in scoped and any(pattern.matches(service) for pattern in patterns):
                raise InvalidInputError(
                    f"rule {number}, scope: expected none, as the rule is also about service {service}; a "
                    f"rule with a scope names services {', '.join(sorted(scoped))} and no others"
                )


def _find(role: Role, services: Mapping[str, frozenset[str]]) -> Iterator[DeadPattern]:
    for rule_number, rule in enumerate(role.rules, start=1):
        covered: set[str] = set()
        for number, text in enumerate(rule.services, start=1):
            pattern = parse_role_pattern(text)
            matched = [service for service in services if pattern.matches(service)]
            if not matched:
                yield DeadPattern(rule_number, "services", number, text, _like(pattern, services))
            covered.update(api for service in matched for api in services[service])
        if not covered:
            continue  # the services are wrong; what the APIs are meant to be cannot be told
        for number, text in enumerate(rule.apis, start=1):
            pattern = parse_role_pattern(text)
            if not any(pattern.matches(api) for api in covered):
                yield DeadPattern(rule_number, "apis", number, text, _like(pattern, covered))


def _like(pattern: RolePattern, names: Collection[str]) -> tuple[str, ...]:
    return tuple(get_close_matches(pattern.literal, sorted(names), n=_MOST_SUGGESTIONS))
