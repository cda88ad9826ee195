"""May somebody with these grants do this to that path? Grants add up, and there is none that denies.

A grant speaks for one path, for all that is directly in one directory, or for all below one at any depth:

    Reach.PATH     secret/data/team/db      that path
    Reach.WITHIN   secret/data/team/        secret/data/team/db, not secret/data/team/a/b
    Reach.BELOW    secret/data/team/        both of them; never the directory itself

Paths are compared as they are. No character stands for others, so that a secret whose name holds ``*`` or
``+`` cannot widen a grant (in ``acl`` patterns it would). What is allowed is what any grant allows.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from holdfast.policy.acl_rule import Capability
from holdfast.policy.decision import Allowed, Decision, Denied

_ROOT = Allowed("superuser")
_NO_GRANT = Denied("no grant covers the path")


class Reach(Enum):
    """Which paths a grant speaks for."""

    PATH = "path"
    WITHIN = "within"
    BELOW = "below"


class PathGrant(NamedTuple):
    """One grant.

    Attributes:
        path: canonical; ends in a slash, or is empty, where ``reach`` is not ``PATH``.
        reach: see the module.
        capabilities: what it allows.
        source: what the operator granted, for the audit trail.
    """

    path: str
    reach: Reach
    capabilities: frozenset[Capability]
    source: str


class GrantTable:
    """The decision table of one principal.

    Args:
        grants: everything that he was granted; nothing allows nothing.
        is_root: whether everything is allowed.
    """

    __slots__ = ("_tables", "is_root")

    def __init__(self, grants: Iterable[PathGrant] = (), *, is_root: bool = False) -> None:
        self.is_root = is_root
        self._tables: dict[Reach, dict[str, dict[Capability, Allowed]]] = {reach: {} for reach in Reach}
        for grant in grants:
            allowed = self._tables[grant.reach].setdefault(grant.path, {})
            for capability in grant.capabilities:
                allowed.setdefault(capability, Allowed(grant.source))

    def decide(
        self,
        path: str,
        capability: Capability,
        *,
        parameters: Mapping[str, Any] | None = None,  # noqa: ARG002 - grants do not look at them
        wrap_ttl_seconds: int | None = None,  # noqa: ARG002 - as above
    ) -> Decision:
        """Decide one operation; see ``path_rules.PathRules``."""
        if self.is_root:
            return _ROOT
        for allowed in self._speaking_for(path):
            decision = allowed.get(capability)
            if decision is not None:
                return decision
        return _NO_GRANT

    def capabilities(self, path: str) -> tuple[str, ...]:
        """Return what may be done to ``path`` in the API's words and order; ``deny`` for nothing."""
        if self.is_root:
            return ("root",)
        found = {capability for allowed in self._speaking_for(path) for capability in allowed}
        return tuple(capability.value for capability in Capability if capability in found) or ("deny",)

    def speaking_for(self, path: str) -> tuple[str, ...]:
        """Return every grant that covers ``path``; all of them add up."""
        if self.is_root:
            return (_ROOT.rule,)
        grants = (decision.rule for allowed in self._speaking_for(path) for decision in allowed.values())
        return tuple(dict.fromkeys(grants))

    def dropped_for(self, path: str) -> tuple[str, ...]:  # noqa: ARG002 - the same for all
        """Return nothing: grants are spelled out when they are given, none stands for nothing."""
        return ()

    def may_touch_below(self, prefix: str) -> bool:
        """Whether anything at all may be done below the directory ``prefix``; for showing a mount."""
        if self.is_root or self.capabilities(prefix) != ("deny",):
            return True
        return any(path.startswith(prefix) for table in self._tables.values() for path in table)

    def _speaking_for(self, path: str) -> Iterator[dict[Capability, Allowed]]:
        """Yield what each grant that speaks for ``path`` allows."""
        exact = self._tables[Reach.PATH].get(path)
        if exact is not None:
            yield exact
        directory = _directory_of(path)
        within = self._tables[Reach.WITHIN].get(directory)
        if within is not None:
            yield within
        below = self._tables[Reach.BELOW]
        while below:
            allowed = below.get(directory)
            if allowed is not None:
                yield allowed
            if not directory:
                return
            directory = _directory_of(directory)


def _directory_of(path: str) -> str:
    """Return the directory that holds ``path``, with its slash; empty at the top."""
    return path[: path.rfind("/", 0, len(path) - 1) + 1]
