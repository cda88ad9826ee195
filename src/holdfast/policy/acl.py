"""May a token with these policies do this to that path? Policies compiled into one decision table.

One rule is chosen for a path; what other matching rules grant does not add up. Rules for the *same*
pattern from several policies are merged when compiling. The choice, first hit first:

1. the rule for exactly this path;
2. for a directory (a path with a trailing slash): the rule for exactly the path without it;
3. of all patterns that match, the one whose first wildcard comes last; then the one without a final
   ``*``; with fewer ``+``; the longer; the lexically greater;
4. for a directory: step 3 for the path without the slash;
5. none, so the answer is no.

Steps 2 and 4 are for listing, and for asking what a token may do, which must know of listing; a read or
write of ``a/`` is never served by a rule for ``a``.

A rule with templates is put in as what it is for the caller, and left out if it is nothing for him. One that
denies is never left out: it then denies whatever it could have meant, before anything else is looked at.

Compiled tables are immutable. Whoever keeps one must drop it when a policy in it changes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from holdfast.policy.acl_policy import Policy, parse_policy, root_policy
from holdfast.policy.acl_rule import Capability, Limits, Rule
from holdfast.policy.decision import Allowed, Decision, Denied
from holdfast.policy.templates import Subject, Template, Unresolved

__all__ = ["Acl", "Capability", "Policy", "PolicySet", "Rule", "compile_acl", "parse_policy", "root_policy"]

Resolved = tuple[str | Unresolved, ...]
"""What the templates of a set of policies are for somebody, in their order."""

_ROOT = Allowed("the root policy")
_NO_RULE = Denied("no rule matches the path")

_OF_DIRECTORIES = frozenset({Capability.LIST, Capability.SCAN, Capability.SUDO})
_WITH_PARAMETERS = frozenset({Capability.READ, Capability.CREATE, Capability.UPDATE, Capability.PATCH})


class _Precedence(NamedTuple):
    """How a pattern with wildcards ranks among others; the greatest wins."""

    first_wildcard: int
    is_whole: bool
    fewer_plus: int
    length: int
    pattern: str


class _Entry(NamedTuple):
    """A rule, ready to answer."""

    capabilities: frozenset[Capability]
    granted: Allowed
    refused: Denied
    limits: Limits | None
    rank: _Precedence
    pattern: str


class Acl:
    """The decision table of one set of policies; made by ``compile_acl`` or a ``PolicySet``.

    Attributes:
        is_root: whether everything is allowed.
    """

    __slots__ = ("_dropped", "_exact", "_guards", "_prefix_lengths", "_prefixes", "_segments", "is_root")

    def __init__(
        self,
        entries: Iterable[_Entry],
        *,
        is_root: bool,
        dropped: Iterable[tuple[Template, str]] = (),
        guards: Iterable[tuple[Callable[[str], object], _Entry]] = (),
    ) -> None:
        self.is_root = is_root
        self._dropped = tuple(dropped)
        self._guards = tuple(guards)
        self._exact: dict[str, _Entry] = {}
        self._prefixes: dict[str, _Entry] = {}
        self._segments: list[tuple[Callable[[str], object], _Entry]] = []
        for entry in entries:
            if _has_plus(entry.pattern):
                self._segments.append((_matcher(entry.pattern), entry))
            elif entry.pattern.endswith("*"):
                self._prefixes[entry.pattern[:-1]] = entry
            else:
                self._exact[entry.pattern] = entry
        self._segments.sort(key=lambda pair: pair[1].rank, reverse=True)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

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
            parameters: the members of the request's body. A rule that restricts parameters refuses a
                create, update or patch for which they are not given.
            wrap_ttl_seconds: for how long the answer is to be wrapped; ``None`` for not at all.
        """
        if self.is_root:
            return _ROOT
        entry = self._choose(path, as_directory=capability in _OF_DIRECTORIES)
        if entry is None:
            return _NO_RULE
        if capability not in entry.capabilities:
            return entry.refused
        if entry.limits is None:
            return entry.granted
        problem = entry.limits.refuse_wrapping(wrap_ttl_seconds)
        if problem is None and entry.limits.on_parameters and capability in _WITH_PARAMETERS:
            if parameters is None and capability is not Capability.READ:
                problem = "restricts parameters, which were not given"
            else:
                problem = entry.limits.refuse_parameters(parameters or {})
        return entry.granted if problem is None else Denied(f"{entry.granted.rule} {problem}")

    def capabilities(self, path: str) -> tuple[str, ...]:
        """Return what may be done to ``path`` in the API's words and order; ``deny`` for nothing."""
        if self.is_root:
            return ("root",)
        entry = self._choose(path, as_directory=True)
        if entry is None or not entry.capabilities:
            return ("deny",)
        return tuple(capability.value for capability in Capability if capability in entry.capabilities)

    def rules(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the patterns that count, and what each grants in the API's words; ``deny`` for nothing."""
        entries = (*self._exact.values(), *self._prefixes.values(), *(entry for _, entry in self._segments))
        for entry in sorted(entries, key=lambda entry: entry.pattern):
            granted = (capability.value for capability in Capability if capability in entry.capabilities)
            yield entry.pattern, tuple(granted) or ("deny",)

    def speaking_for(self, path: str) -> tuple[str, ...]:
        """Return every rule that matches ``path``, the one that decides first; for explanations, not fast."""
        if self.is_root:
            return (_ROOT.rule,)
        spellings = [path, path[:-1]] if path.endswith("/") else [path]
        guards = [entry for matches, entry in self._guards if any(map(matches, spellings))]
        exact = [entry for spelling in spellings if (entry := self._exact.get(spelling)) is not None]
        wild = [entry for spelling in spellings for entry in self._wildcards(spelling)]
        return tuple(dict.fromkeys(entry.granted.rule for entry in (*guards, *exact, *wild)))

    def dropped_for(self, path: str) -> tuple[str, ...]:
        """Return the rules that could speak for ``path``, but are nothing for the caller, each with why."""
        return tuple(why for template, why in self._dropped if _could_match(template)(path))

    def _wildcards(self, path: str) -> list[_Entry]:
        prefixes = [entry for start, entry in self._prefixes.items() if path.startswith(start)]
        segments = [entry for matches, entry in self._segments if matches(path)]
        return sorted((*prefixes, *segments), key=lambda entry: entry.rank, reverse=True)

    def may_touch_below(self, prefix: str) -> bool:
        """Whether anything at all may be done below the directory ``prefix``; for showing a mount."""
        if self.is_root or self.capabilities(prefix) != ("deny",):
            return True
        return (
            any(entry.capabilities and path.startswith(prefix) for path, entry in self._exact.items())
            or any(entry.capabilities and start.startswith(prefix) for start, entry in self._prefixes.items())
            or any(
                entry.capabilities and _reaches_below(entry.pattern, prefix) for _, entry in self._segments
            )
        )

    def _choose(self, path: str, *, as_directory: bool) -> _Entry | None:
        for matches, guard in self._guards:
            if matches(path) or (path.endswith("/") and matches(path[:-1])):
                return guard
        if not (as_directory and path.endswith("/")):
            return self._exact.get(path) or self._best_wildcard(path)
        bare = path[:-1]
        return (
            self._exact.get(path)
            or self._exact.get(bare)
            or self._best_wildcard(path)
            or self._best_wildcard(bare)
        )

    def _best_wildcard(self, path: str) -> _Entry | None:
        best = None
        for length in self._prefix_lengths:
            best = self._prefixes.get(path[:length])
            if best is not None:
                break
        for matches, entry in self._segments:
            if best is not None and entry.rank < best.rank:
                break
            if matches(path):
                return entry
        return best


class PolicySet:
    """Policies compiled as far as they go without knowing who asks; the rest is done for each caller.

    Attributes:
        has_templates: whether it matters who asks.
    """

    __slots__ = ("_entries", "_is_root", "_merged", "_templated", "has_templates")

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._is_root = False
        self._merged: dict[str, tuple[Rule, tuple[str, ...]]] = {}
        self._templated: list[tuple[str, Rule, Template]] = []
        for policy in policies:
            self._is_root = self._is_root or policy.is_root
            for rule in policy.rules:
                if rule.template is None:
                    _merge(self._merged, rule, policy.name)
                else:
                    self._templated.append((policy.name, rule, rule.template))
        self._entries = {pattern: _entry(*merged) for pattern, merged in self._merged.items()}
        self.has_templates = bool(self._templated)

    def resolve(self, subject: Subject | None) -> Resolved:
        """Return what the templates are for somebody; whoever has the same here has the same table."""
        return tuple(template.resolve(subject) for _, _, template in self._templated)

    def acl(self, resolved: Resolved = ()) -> Acl:
        """Return the table for whoever has ``resolved``."""
        entries = dict(self._entries)
        merged: dict[str, tuple[Rule, tuple[str, ...]]] = {}
        dropped, guards = [], []
        for (name, rule, template), pattern in zip(self._templated, resolved, strict=True):
            if isinstance(pattern, Unresolved):
                where = f'{name}: path "{rule.pattern}"'
                dropped.append((template, f"{where}: {pattern.reason}"))
                if rule.is_denied:
                    guards.append((_could_match(template), _guard(where)))
                continue
            if pattern not in merged and pattern in self._merged:
                merged[pattern] = self._merged[pattern]
            _merge(merged, replace(rule, pattern=pattern, template=None), f"{name} ({rule.pattern})")
        entries.update((pattern, _entry(*each)) for pattern, each in merged.items())
        return Acl(entries.values(), is_root=self._is_root, dropped=dropped, guards=guards)


def compile_acl(policies: Iterable[Policy], subject: Subject | None = None) -> Acl:
    """Merge policies into one table for ``subject``, or somebody without an entity; none grants nothing."""
    policy_set = PolicySet(policies)
    return policy_set.acl(policy_set.resolve(subject))


def _merge(merged: dict[str, tuple[Rule, tuple[str, ...]]], rule: Rule, source: str) -> None:
    known, sources = merged.get(rule.pattern, (None, ()))
    sources = sources if source in sources else (*sources, source)
    merged[rule.pattern] = (rule if known is None else known.merged_with(rule), sources)


def _entry(rule: Rule, sources: tuple[str, ...]) -> _Entry:
    where = f'{", ".join(sources)}: path "{rule.pattern}"'
    return _Entry(
        capabilities=rule.capabilities,
        granted=Allowed(where),
        refused=Denied(f"{where} {'denies' if rule.is_denied else 'does not grant it'}", rule.is_denied),
        limits=None if rule.limits == Limits() else rule.limits,
        rank=_precedence(rule.pattern),
        pattern=rule.pattern,
    )


def _guard(where: str) -> _Entry:
    """Return what a rule that denies is for somebody for whom it has no pattern."""
    return _Entry(
        capabilities=frozenset(),
        granted=Allowed(where),
        refused=Denied(
            f"{where} denies whatever it could mean: its template stands for nothing", is_final=True
        ),
        limits=None,
        rank=_precedence(""),
        pattern="",
    )


def _could_match(template: Template) -> Callable[[str], object]:
    """Return a function that is true for every path that the template could match, whatever it stood for."""
    is_prefix = template.parts[-1].endswith("*")
    last = len(template.parts) - 1
    expressions = []
    for index, part in enumerate(template.parts):
        if index % 2:
            expressions.append(".+")
            continue
        text = part.removesuffix("*") if index == last else part
        expressions.append(re.sub(r"(?<![^/])\\\+(?![^/])", "[^/]*", re.escape(text)))
    return re.compile("".join(expressions) + (".*" if is_prefix else ""), re.DOTALL).fullmatch


def _precedence(pattern: str) -> _Precedence:
    plus = [index for index, segment in _indexed_segments(pattern) if segment == "+"]
    is_prefix = pattern.endswith("*")
    end = len(pattern) - is_prefix
    return _Precedence(
        first_wildcard=plus[0] if plus else end,
        is_whole=not is_prefix,
        fewer_plus=-len(plus),
        length=len(pattern),
        pattern=pattern,
    )


def _indexed_segments(pattern: str) -> Iterable[tuple[int, str]]:
    index = 0
    for segment in pattern.split("/"):
        yield index, segment
        index += len(segment) + 1


def _has_plus(pattern: str) -> bool:
    return "+" in pattern.split("/")


def _matcher(pattern: str) -> Callable[[str], object]:
    """Return a function that is true for the paths a pattern with ``+`` matches."""
    is_prefix = pattern.endswith("*")
    segments = pattern.removesuffix("*").split("/")
    # A directory's last segment is empty, and a ``+`` stands for it like for any other.
    expression = "/".join("[^/]*" if segment == "+" else re.escape(segment) for segment in segments)
    return re.compile(expression + (".*" if is_prefix else ""), re.DOTALL).fullmatch


def _reaches_below(pattern: str, prefix: str) -> bool:
    """Whether a pattern with ``+`` can match a path below ``prefix``."""
    is_prefix = pattern.endswith("*")
    wanted = pattern.removesuffix("*").split("/")
    given = prefix.rstrip("/").split("/")
    for position, (want, have) in enumerate(zip(wanted, given, strict=False)):
        is_last = position == len(wanted) - 1
        if want not in {"+", have} and not (is_prefix and is_last and have.startswith(want)):
            return False
    return is_prefix or len(wanted) > len(given)
