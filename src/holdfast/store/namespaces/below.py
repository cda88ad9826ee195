"""What a token may do in a namespace below its own.

Its policies speak about paths as its own namespace sees them, so that a rule for ``team/secret/data/*`` is
about ``secret/data/*`` of the namespace ``team`` in it. Whoever asks in that namespace asks for paths as seen
from there; these rules put what is between the two in front, for every question alike.
"""

from collections.abc import Mapping
from typing import Any

from holdfast.policy.acl import Capability
from holdfast.policy.decision import Decision
from holdfast.policy.path_rules import PathRules


class RulesBelow:
    """The rules of a token, as they are seen from a namespace below its own.

    Args:
        rules: the token's.
        between: path from its namespace to that one, with a trailing slash.
    """

    __slots__ = ("_between", "_rules")

    def __init__(self, rules: PathRules, between: str) -> None:
        self._rules = rules
        self._between = between

    @property
    def is_root(self) -> bool:
        """Whether everything is allowed."""
        return self._rules.is_root

    def decide(
        self,
        path: str,
        capability: Capability,
        *,
        parameters: Mapping[str, Any] | None = None,
        wrap_ttl_seconds: int | None = None,
    ) -> Decision:
        """Decide one operation, see ``PathRules.decide``."""
        return self._rules.decide(
            self._between + path, capability, parameters=parameters, wrap_ttl_seconds=wrap_ttl_seconds
        )

    def capabilities(self, path: str) -> tuple[str, ...]:
        """Return what may be done to ``path``."""
        return self._rules.capabilities(self._between + path)

    def dropped_for(self, path: str) -> tuple[str, ...]:
        """Return the rules that could speak for ``path``, but are nothing for the caller, each with why."""
        return self._rules.dropped_for(self._between + path)

    def speaking_for(self, path: str) -> tuple[str, ...]:
        """Return every rule that has a say on ``path``, in the words of the token's own namespace."""
        return self._rules.speaking_for(self._between + path)

    def may_touch_below(self, prefix: str) -> bool:
        """Whether anything at all may be done below the directory ``prefix``."""
        return self._rules.may_touch_below(self._between + prefix)
