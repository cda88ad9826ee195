"""What every table of path rules answers, however it was made: from policies, or from grants.

``acl.Acl`` chooses the one most specific rule of a token's policies; ``grant_table.GrantTable`` adds up what
a user was granted. Whoever asks does not need to know which of them it is.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from holdfast.policy.acl_rule import Capability
from holdfast.policy.decision import Decision


class PathRules(Protocol):
    """An immutable table that decides on paths."""

    @property
    def is_root(self) -> bool:
        """Whether everything is allowed."""
        ...

    def decide(
        self,
        path: str,
        capability: Capability,
        *,
        parameters: Mapping[str, Any] | None = None,
        wrap_ttl_seconds: int | None = None,
    ) -> Decision:
        """Decide one operation.

        Args:
            path: canonical, without a leading slash; with a trailing one for a listing.
            capability: what the operation needs.
            parameters: the members of the request's body, for rules that restrict them.
            wrap_ttl_seconds: for how long the answer is to be wrapped, for rules that demand it; ``None`` for
                not at all.
        """
        ...

    def capabilities(self, path: str) -> tuple[str, ...]:
        """Return what may be done to ``path`` in the API's words and order; ``deny`` for nothing."""
        ...

    def speaking_for(self, path: str) -> tuple[str, ...]:
        """Return every rule that has a say on ``path``, in words an operator finds again."""
        ...

    def dropped_for(self, path: str) -> tuple[str, ...]:
        """Return the rules that could speak for ``path``, but are nothing for the caller, each with why."""
        ...

    def may_touch_below(self, prefix: str) -> bool:
        """Whether anything at all may be done below the directory ``prefix``."""
        ...
