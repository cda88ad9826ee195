"""What every policy question is answered with: a yes that names its rule, or a no that names its reason.

A decision reads as a condition and is false unless it was granted, so neither branch can be mistaken
for the other:

    decision = decide_role(principal, "volume", "create", roles)
    if not decision:
        raise PermissionDeniedError(..., detail=decision.reason)

The rule and the reason are for the audit record. A client is told only that it may not: which rule
stopped it is nothing it needs to know.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Allowed:
    """Granted.

    Attributes:
        rule: which rule granted it, in words an operator finds again in the configuration.
    """

    rule: str

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused.

    Attributes:
        reason: why, in words for the operator; never a secret.
        is_final: whether something denies it, rather than that nothing allows it.
    """

    reason: str
    is_final: bool = False

    def __bool__(self) -> Literal[False]:
        return False


Decision = Allowed | Denied
