"""What a process knows of the server around its store, to show it to those who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.store.audit.health import AuditHealth
from holdfast.store.audit.rules import AuditRules
from holdfast.store.metrics.tally import Tally


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts.

    Attributes:
        tally: the counts of requests.
        configuration: what the server was started with, without anything that is secret.
        audit: what it says about audit devices.
        audit_health: how these fare in all processes.
    """

    tally: Tally = field(default_factory=Tally)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    audit: AuditRules = field(default_factory=AuditRules)
    audit_health: AuditHealth = field(default_factory=AuditHealth)
