"""What a storage policy asks of a volume, and what becomes of a volume that is not like that.

A policy with ``force`` refuses it, naming every field; one without changes it. Neither ever takes encryption
away from a volume whose creator asked for it. ``force`` means here what it does in the original's code, which
is the opposite of what its ``.proto`` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.node.errors import PolicyViolationError

FILE_SYSTEMS = ("ext4", "xfs")
COPIES = 1  # every volume of this node has so many, and a rule about them can be met or not
MAX_SIZE_BYTES = 1 << 62
MAX_LABELS = 64
MAX_CHARACTERS = 512


class Operator(StrEnum):
    """How a number of a rule is to be read."""

    EQUAL = "equal"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"

    def accepts(self, asked: int, bound: int) -> bool:
        """Whether a volume with ``asked`` follows a rule with ``bound``."""
        match self:
            case Operator.MINIMUM:
                return asked >= bound
            case Operator.MAXIMUM:
                return asked <= bound
        return asked == bound


class VolumeRules(msgspec.Struct, frozen=True, array_like=True, tag="volume-rules", kw_only=True):
    """The rules of one policy, as stored; fields are only ever appended, with a default.

    Attributes:
        layout: layout version.
        size_bytes: compared with the volume's size as ``size_operator`` says; ``None`` for no rule.
        size_operator: how.
        size_limit_bytes: the most that a volume may have, beside a least size; ``None`` for no rule.
        encrypted: whether volumes are to be encrypted, or not to be; ``None`` for no rule.
        secret_name: which secret opens them; ``None`` for no rule.
        labels: what they are to be labelled with.
        file_systems: which they may have; the first is the default. Empty for no rule.
        copies: how many copies of the data they are to have, as ``copies_operator`` says.
        copies_operator: how.
    """

    layout: int = 1
    size_bytes: int | None = None
    size_operator: Operator = Operator.EQUAL
    size_limit_bytes: int | None = None
    encrypted: bool | None = None
    secret_name: str | None = None
    labels: dict[str, str] = {}
    file_systems: list[str] = []
    copies: int | None = None
    copies_operator: Operator = Operator.EQUAL

    def check(self) -> None:
        """Raise ``InvalidInputError`` for rules that no volume can follow, naming the field."""
        for where, size in (("size", self.size_bytes), ("size_limit", self.size_limit_bytes)):
            if size is not None and not 0 < size <= MAX_SIZE_BYTES:
                raise InvalidInputError(f"policy.{where}: expected 1 to {MAX_SIZE_BYTES} bytes")
        if self.size_limit_bytes is not None and (
            self.size_bytes is None
            or self.size_operator is not Operator.MINIMUM
            or self.size_limit_bytes < self.size_bytes
        ):
            raise InvalidInputError("policy.size_limit: expected with a least size, and not below that")
        if self.copies is not None and not self.copies_operator.accepts(COPIES, self.copies):
            raise InvalidInputError(f"policy.ha_level: this node keeps {COPIES} copy of a volume's data")
        if self.secret_name is not None and (
            self.encrypted is False or not 0 < len(self.secret_name) <= MAX_CHARACTERS
        ):
            raise InvalidInputError("policy.passphrase: expected the name of a secret, for encrypted volumes")
        if len(self.labels) > MAX_LABELS or any(
            not (name and text) or max(len(name), len(text)) > MAX_CHARACTERS
            for name, text in self.labels.items()
        ):
            raise InvalidInputError(
                f"policy.volume_labels: expected at most {MAX_LABELS}, of 1 to {MAX_CHARACTERS} characters"
            )
        if len(set(self.file_systems)) != len(self.file_systems) or set(self.file_systems) - set(
            FILE_SYSTEMS
        ):
            raise InvalidInputError(f"policy.formats: expected some of {', '.join(FILE_SYSTEMS)}, each once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a volume is to be, as far as rules speak of it.

    Attributes:
        size_bytes: how large.
        encrypted: whether it is to be encrypted.
        secret_name: with which secret; empty for another kind of key.
        own_key: with a key of its own.
        file_system: which.
        labels: its labels.
    """

    size_bytes: int
    encrypted: bool
    secret_name: str
    own_key: bool
    file_system: str
    labels: dict[str, str] = field(default_factory=dict)


def follow(wish: Wish, rules: VolumeRules, *, policy: str, force: bool) -> Wish:
    """Return the wish as the rules allow it.

    Args:
        wish: what was asked for.
        rules: of the policy.
        policy: its name, for the refusal.
        force: refuse what does not follow the rules, rather than change it.

    Raises:
        PolicyViolationError: it does not follow them; names every field and what is expected.
    """
    allowed = _changed(wish, rules)
    refused = list(_breaches(wish, rules)) if force else list(_losses(wish, rules))
    if refused:
        raise PolicyViolationError(f"storage policy {policy}: " + "; ".join(refused))
    return allowed


def _breaches(wish: Wish, rules: VolumeRules) -> Iterator[str]:
    allowed = _changed(wish, rules)
    if allowed.size_bytes != wish.size_bytes:
        yield f"spec.size: expected {_size_words(rules)}"
    if rules.encrypted is not None and wish.encrypted != rules.encrypted:
        yield f"spec.encrypted: expected {'true' if rules.encrypted else 'false'}"
    if (allowed.secret_name, allowed.own_key) != (wish.secret_name, wish.own_key):
        yield "spec.passphrase: expected the secret that the policy names"
    if allowed.file_system != wish.file_system:
        yield f"spec.format: expected one of {', '.join(rules.file_systems)}"
    missing = sorted(name for name, text in rules.labels.items() if wish.labels.get(name) != text)
    if missing:
        yield f"labels: expected those of the policy, also {', '.join(missing)}"


def _losses(wish: Wish, rules: VolumeRules) -> Iterator[str]:
    """Yield what is refused even by a policy that otherwise changes volumes."""
    if wish.encrypted and rules.encrypted is False:
        yield "spec.encrypted: expected false; encryption that was asked for is not left out in silence"


def _changed(wish: Wish, rules: VolumeRules) -> Wish:
    size = wish.size_bytes
    if rules.size_bytes is not None and not rules.size_operator.accepts(size, rules.size_bytes):
        size = rules.size_bytes
    if rules.size_limit_bytes is not None:
        size = min(size, rules.size_limit_bytes)
    file_system = wish.file_system
    if rules.file_systems and file_system not in rules.file_systems:
        file_system = rules.file_systems[0]
    named = rules.secret_name is not None
    return Wish(
        size_bytes=size,
        encrypted=wish.encrypted or bool(rules.encrypted) or named,
        secret_name=rules.secret_name if rules.secret_name is not None else wish.secret_name,
        own_key=False if named else wish.own_key,
        file_system=file_system,
        labels={**wish.labels, **rules.labels},
    )


def _size_words(rules: VolumeRules) -> str:
    words = {Operator.EQUAL: "exactly", Operator.MINIMUM: "at least", Operator.MAXIMUM: "at most"}
    text = f"{words[rules.size_operator]} {rules.size_bytes} bytes"
    return text if rules.size_limit_bytes is None else f"{text} and at most {rules.size_limit_bytes}"
