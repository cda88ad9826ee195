"""One rule of a path policy: a pattern, what it grants, and what a request through it must look like.

Patterns are kept as written, without a leading slash:

    secret/data/app     this path
    secret/data/*       every path that starts like this (one ``*``, at the very end)
    secret/+/app        any one segment where a ``+`` stands alone; may end in ``*`` too
    secret/{{…}}/app    something about who asks, see ``templates``
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from holdfast.formats.strict_json import encode
from holdfast.policy.templates import Template

ParameterValues: TypeAlias = Mapping[str, tuple[str, ...]]
"""Parameter name in lower case, or ``*`` for every other one, to values; no values means any value."""


class Capability(StrEnum):
    """What a rule can grant, in the order in which the API lists them."""

    SUDO = "sudo"
    READ = "read"
    LIST = "list"
    UPDATE = "update"
    DELETE = "delete"
    CREATE = "create"
    PATCH = "patch"
    SCAN = "scan"

    __hash__ = str.__hash__  # an enum hashes by a method in Python; tables of every request look these up


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rule demands of a request beside the capability.

    Attributes:
        allowed_parameters: if any: only these, with these values.
        denied_parameters: not these, or not with these values.
        required_parameters: all of these, in lower case.
        min_wrapping_seconds: the answer must be wrapped for at least this long; 0 for no demand.
        max_wrapping_seconds: the answer must be wrapped for at most this long; 0 for no demand.
    """

    allowed_parameters: ParameterValues = field(default_factory=dict)
    denied_parameters: ParameterValues = field(default_factory=dict)
    required_parameters: frozenset[str] = frozenset()
    min_wrapping_seconds: int = 0
    max_wrapping_seconds: int = 0

    @property
    def on_parameters(self) -> bool:
        """Whether the request's parameters matter at all."""
        return bool(self.allowed_parameters or self.denied_parameters or self.required_parameters)

    def merged_with(self, other: "Limits") -> "Limits":
        """Return the limits of a pattern for which two policies speak."""
        return Limits(
            allowed_parameters=_merge_values(self.allowed_parameters, other.allowed_parameters),
            denied_parameters=_merge_values(self.denied_parameters, other.denied_parameters),
            required_parameters=self.required_parameters | other.required_parameters,
            min_wrapping_seconds=_lower(self.min_wrapping_seconds, other.min_wrapping_seconds),
            max_wrapping_seconds=_lower(self.max_wrapping_seconds, other.max_wrapping_seconds),
        )

    def refuse_wrapping(self, ttl_seconds: int | None) -> str | None:
        """Return why an answer that is to be wrapped for so long (``None``: not at all) is refused."""
        low, high = self.min_wrapping_seconds, self.max_wrapping_seconds
        if not low and not high:
            return None
        if ttl_seconds is None:
            return "demands a wrapped answer"
        if ttl_seconds < low or (high and ttl_seconds > high):
            return "demands another wrapping TTL"
        return None

    def refuse_parameters(self, parameters: Mapping[str, Any]) -> str | None:
        """Return why a request with these parameters is refused, or ``None``."""
        sent = {name.lower(): value for name, value in parameters.items()}
        if sent and "*" in self.denied_parameters:
            return "denies every parameter"
        if any(
            name in sent and _is_among(sent[name], values) for name, values in self.denied_parameters.items()
        ):
            return "denies a parameter"
        if not self.required_parameters <= sent.keys():
            return "requires a parameter"
        if self.allowed_parameters:
            others = "*" in self.allowed_parameters
            for name, value in sent.items():
                values = self.allowed_parameters.get(name)
                if not (others if values is None else _is_among(value, values)):
                    return "does not allow a parameter"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A pattern and what it grants.

    Attributes:
        pattern: see the module.
        capabilities: what is granted; nothing if ``is_denied``.
        is_denied: whether ``deny`` was among them, which beats all others.
        limits: further demands.
        template: what the pattern is made of, if it depends on who asks.
    """

    pattern: str
    capabilities: frozenset[Capability] = frozenset()
    is_denied: bool = False
    limits: Limits = Limits()
    template: Template | None = None

    def merged_with(self, other: "Rule") -> "Rule":
        """Return what two rules for the same pattern say together."""
        if self.is_denied or other.is_denied:
            return Rule(pattern=self.pattern, is_denied=True)
        return replace(
            self,
            capabilities=self.capabilities | other.capabilities,
            limits=self.limits.merged_with(other.limits),
        )


def _merge_values(one: ParameterValues, other: ParameterValues) -> ParameterValues:
    """Add up values by parameter; "any value" on either side stays "any value"."""
    merged = dict(one)
    for name, values in other.items():
        merged[name] = one[name] + values if one.get(name) and values else () if name in one else values
    return merged


def _lower(one: int, other: int) -> int:
    """Return the lower of two demands, of which 0 is none."""
    return min(one, other) if one and other else one or other


def _is_among(value: Any, patterns: tuple[str, ...]) -> bool:
    """Compare as text, where a pattern may begin or end with ``*``."""
    text = value if isinstance(value, str) else encode(value).decode()
    return not patterns or any(_matches(text, pattern) for pattern in patterns)


def _matches(text: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*") and pattern.endswith("*"):
        return pattern[1:-1] in text
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
