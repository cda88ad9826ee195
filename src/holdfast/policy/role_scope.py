"""Scopes: which resources a rule of a role is about, by their labels.

A rule without a scope is about every resource. A rule with one is about those that have all of its labels:

    {"labels": {"team": "blue"}}         label team, with this value
    {"labels": {"protected": "*"}}       label protected, with whatever value

Where nothing is known of what a call is about, a rule with a scope still denies, and grants nothing.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

import msgspec

from holdfast.errors import InvalidInputError

ANY_VALUE = "*"
MAX_LABELS = 16
MAX_CHARACTERS = 512


class Unknown(Enum):
    """What is known of what a call is about, if its labels are not."""

    NOTHING = "nothing"
    """It is about nothing that has labels, or that cannot be told."""

    YET = "yet"
    """It is about resources that are looked up later, and is then decided about for each of them."""


About: TypeAlias = Mapping[str, str] | Unknown
"""The labels of the resource that a call is about, or how much is known of it."""


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The resources that a rule is about.

    Attributes:
        labels: what all of them have; ``*`` alone stands for any value.

    Raises:
        InvalidInputError: no labels, or what can be none.
    """

    labels: dict[str, str]

    def __post_init__(self) -> None:
        if not 0 < len(self.labels) <= MAX_LABELS:
            raise InvalidInputError(f"scope: expected 1 to {MAX_LABELS} labels")
        for text in (*self.labels.keys(), *self.labels.values()):
            if not 0 < len(text) <= MAX_CHARACTERS:
                raise InvalidInputError(
                    f"scope: labels: expected names and values of 1 to {MAX_CHARACTERS} characters;"
                    " * for any value"
                )
            # Elsewhere it would be a text like any other, and a denial with it one that counts for nothing.
            if ANY_VALUE in text and text != ANY_VALUE:
                raise InvalidInputError(
                    "scope: labels: expected * alone, for any value, and in no other text"
                )
        if ANY_VALUE in self.labels:
            raise InvalidInputError(
                "scope: labels: expected the name of a label; * stands for any value only"
            )

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether a resource with these labels is one of them."""
        return all(name in labels and text in {ANY_VALUE, labels[name]} for name, text in self.labels.items())


def denies_in(scope: Scope | None, about: About) -> bool:
    """Whether a denial of this scope counts for what a call is about; it does where that cannot be told."""
    if scope is None:
        return True
    return about is Unknown.NOTHING if isinstance(about, Unknown) else scope.covers(about)


def grants_in(scope: Scope | None, about: About) -> bool:
    """Whether a grant of this scope counts for what a call is about; not where that cannot be told."""
    if scope is None:
        return True
    return about is Unknown.YET if isinstance(about, Unknown) else scope.covers(about)
