"""Two tables of path rules that speak for one caller: what either allows, unless the other denies it."""

from collections.abc import Mapping
from typing import Any

from holdfast.policy.acl_rule import Capability
from holdfast.policy.decision import Decision, Denied
from holdfast.policy.path_rules import PathRules

_NOTHING = ("deny",)


class RulesTogether:
    """Two tables as one.

    Args:
        one: speaks first, where both allow.
        other: adds to it.
    """

    __slots__ = ("_one", "_other")

    def __init__(self, one: PathRules, other: PathRules) -> None:
        self._one = one
        self._other = other

    @property
    def is_root(self) -> bool:
        """Whether everything is allowed."""
        return self._one.is_root or self._other.is_root

    def decide(
        self,
        path: str,
        capability: Capability,
        *,
        parameters: Mapping[str, Any] | None = None,
        wrap_ttl_seconds: int | None = None,
    ) -> Decision:
        """Decide one operation; see ``path_rules.PathRules``."""
        first, second = (
            rules.decide(path, capability, parameters=parameters, wrap_ttl_seconds=wrap_ttl_seconds)
            for rules in (self._one, self._other)
        )
        for decision in (first, second):
            if isinstance(decision, Denied) and decision.is_final:
                return decision
        return first or second

    def capabilities(self, path: str) -> tuple[str, ...]:
        """Return what may be done to ``path`` in the API's words and order; ``deny`` for nothing."""
        if self.is_root:
            return ("root",)
        allowed = [each.value for each in Capability if self._grants(path, each)]
        return tuple(allowed) or _NOTHING

    def speaking_for(self, path: str) -> tuple[str, ...]:
        """Return every rule that has a say on ``path``."""
        return (*self._one.speaking_for(path), *self._other.speaking_for(path))

    def dropped_for(self, path: str) -> tuple[str, ...]:
        """Return the rules that could speak for ``path``, but are nothing for the caller, each with why."""
        return (*self._one.dropped_for(path), *self._other.dropped_for(path))

    def may_touch_below(self, prefix: str) -> bool:
        """Whether anything at all may be done below the directory ``prefix``."""
        return self._one.may_touch_below(prefix) or self._other.may_touch_below(prefix)

    def _grants(self, path: str, capability: Capability) -> bool:
        granted = (*self._one.capabilities(path), *self._other.capabilities(path))
        if capability.value not in granted:
            return False
        return not any(
            isinstance(decision := rules.decide(path, capability), Denied) and decision.is_final
            for rules in (self._one, self._other)
        )
