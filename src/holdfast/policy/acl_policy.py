"""Path policies as text: HCL or JSON on one side, named lists of rules on the other.

    path "secret/data/app/*" {
      capabilities        = ["create", "read", "update"]
      allowed_parameters  = { "data" = [], "options" = [] }
      required_parameters = ["data"]
      max_wrapping_ttl    = "10m"
    }

What is not understood is refused by name, never skipped: a misspelt key that is ignored could have been
the one that denies. The same holds for what Vault or OpenBao know and this version does not offer
(control groups, expiry of rules and the like).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block, Value, parse_document
from holdfast.model.duration import parse_duration
from holdfast.policy.acl_rule import Capability, Limits, ParameterValues, Rule
from holdfast.policy.templates import Template, parse_template

ROOT_NAME = "root"

_KNOWN_KEYS = {
    "capabilities",
    "policy",
    "allowed_parameters",
    "denied_parameters",
    "required_parameters",
    "min_wrapping_ttl",
    "max_wrapping_ttl",
    "comment",
}

# The words of the time before capabilities, which policies in use still say.
_READ = [Capability.READ, Capability.LIST]
_WRITE = [*_READ, Capability.CREATE, Capability.UPDATE, Capability.DELETE]
_SHORTHANDS: dict[str, list[str]] = {
    "deny": ["deny"],
    "read": [*_READ],
    "write": [*_WRITE],
    "sudo": [*_WRITE, Capability.SUDO],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named set of rules.

    Attributes:
        name: in lower case.
        rules: in the order of the text; a policy without rules grants nothing.
        is_root: grants everything; only ``root_policy`` makes such a one.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    is_root: bool = False


def root_policy() -> Policy:
    """Return the policy that grants everything; it has no text."""
    return Policy(name=ROOT_NAME, is_root=True)


def parse_policy(name: str, text: str) -> Policy:
    """Read a policy.

    Args:
        name: folded to lower case, so that ``Root`` cannot pass for another name than ``root``.
        text: HCL or JSON.

    Raises:
        InvalidInputError: the name is ``root``, or the text does not parse or says something unknown.
    """
    folded = name.lower()
    if folded == ROOT_NAME:
        raise InvalidInputError("policy: root has no text")
    document = parse_document(text, source="policy")
    for key in document.attributes:
        if key != "name":
            raise InvalidInputError(f"policy: unknown key {key}; expected path blocks")
    return Policy(name=folded, rules=tuple(_rule(block) for block in document.blocks))


def _rule(block: Block) -> Rule:
    if block.type != "path":
        raise _error(block, f"unknown key {block.type}; expected path blocks")
    if len(block.labels) != 1:
        raise _error(block, 'expected one pattern, as in path "secret/*" {}')
    for key in [*block.attributes, *(inner.type for inner in block.blocks)]:
        if key not in _KNOWN_KEYS:
            raise _error(block, f"unknown or not offered key {key}")
    pattern, template = _pattern(block)
    words = _capability_words(block)
    if "deny" in words:
        return Rule(pattern=pattern, is_denied=True, template=template)
    return Rule(
        pattern=pattern,
        template=template,
        capabilities=frozenset(Capability(word) for word in words),
        limits=Limits(
            allowed_parameters=_parameter_values(block, "allowed_parameters"),
            denied_parameters=_parameter_values(block, "denied_parameters"),
            required_parameters=frozenset(
                name.lower()
                for name in _texts(
                    block, "required_parameters", block.attributes.get("required_parameters", [])
                )
            ),
            min_wrapping_seconds=_seconds(block, "min_wrapping_ttl"),
            max_wrapping_seconds=_seconds(block, "max_wrapping_ttl"),
        ),
    )


def _pattern(block: Block) -> tuple[str, Template | None]:
    pattern = block.labels[0].removeprefix("/")
    try:
        template = parse_template(pattern)
    except ValueError as error:
        raise _error(block, str(error)) from None
    if "+*" in (pattern if template is None else template.covering("x")):
        raise _error(block, "expected + to stand for a whole segment; +* is not a pattern")
    return pattern, template


def _capability_words(block: Block) -> set[str]:
    words = set(_texts(block, "capabilities", block.attributes.get("capabilities", [])))
    shorthand = block.attributes.get("policy")
    if shorthand is not None:
        if not isinstance(shorthand, str) or shorthand not in _SHORTHANDS:
            raise _error(block, f"policy: expected one of {', '.join(_SHORTHANDS)}")
        words.update(_SHORTHANDS[shorthand])
    known = {"deny", *Capability}
    if not words <= known:
        raise _error(block, f"capabilities: expected only {', '.join(Capability)} and deny")
    return words


def _parameter_values(block: Block, key: str) -> ParameterValues:
    return {
        name.lower(): tuple(_as_text(block, key, value) for value in _list(block, key, values))
        for entries in _objects(block, key)
        for name, values in entries.items()
    }


def _objects(block: Block, key: str) -> Iterator[dict[str, Value]]:
    """Yield an object that may be written as an attribute or as a nested block, but only once."""
    found = [inner.attributes for inner in block.blocks if inner.type == key]
    value = block.attributes.get(key)
    if isinstance(value, dict):
        found.append(value)
    elif value is not None:
        raise _error(block, f"{key}: expected an object")
    if len(found) > 1:
        raise _error(block, f"{key}: expected it once")
    yield from found


def _texts(block: Block, key: str, value: Any) -> list[str]:
    items = _list(block, key, value)
    if not all(isinstance(item, str) for item in items):
        raise _error(block, f"{key}: expected a list of strings")
    return items


def _list(block: Block, key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _error(block, f"{key}: expected a list")
    return value


def _as_text(block: Block, key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise _error(block, f"{key}: expected strings, numbers or booleans as values")


def _seconds(block: Block, key: str) -> int:
    value = block.attributes.get(key, 0)
    if isinstance(value, str | int | float):
        return parse_duration(value, field=f"policy: {key}")
    raise _error(block, f"{key}: expected a duration")


def _error(block: Block, problem: str) -> InvalidInputError:
    place = f"policy, line {block.line}" if block.line else "policy"
    return InvalidInputError(f"{place}: {problem}")
