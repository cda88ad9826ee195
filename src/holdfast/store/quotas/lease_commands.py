"""Changes to quotas of leases, as commands for the writer; each counts anew, in the same transaction."""

from typing import ClassVar

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.store.command import Command, Scope
from holdfast.store.layout import TOKENS
from holdfast.store.quotas.lease_counts import (
    MAX_LEASE_QUOTAS,
    LeaseCount,
    load_lease_counts,
    quota_of,
    save_lease_counts,
)
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records


class SaveLeaseCount(Command, frozen=True, kw_only=True):
    """Store a quota, in the place of one with the same name."""

    shared: ClassVar[bool] = True
    quota: LeaseCount

    def run(self, scope: Scope) -> Answer:
        """Store it, unless another quota is for the same path and role."""
        view, quota = scope.view(TOKENS), self.quota
        others = [other for other in load_lease_counts(view) if other.name != quota.name]
        if any((other.path, other.role) == (quota.path, quota.role) for other in others):
            raise InvalidInputError("path: expected one that no other quota is for")
        if len(others) >= MAX_LEASE_QUOTAS:
            raise InvalidInputError(f"name: expected at most {MAX_LEASE_QUOTAS} quotas")
        _save(scope, [*others, quota])
        return Answer()


class DeleteLeaseCount(Command, frozen=True, kw_only=True):
    """Remove a quota."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        quotas = load_lease_counts(scope.view(TOKENS))
        _save(scope, [quota for quota in quotas if quota.name != self.name])
        return Answer()


def _save(scope: Scope, quotas: list[LeaseCount]) -> None:
    """Store quotas with what each of them counts now."""
    view = scope.view(TOKENS)
    ordered = tuple(sorted(quotas, key=lambda quota: quota.name))
    counts = dict.fromkeys((quota.name for quota in ordered), 0)
    if ordered:
        for entry in token_records.all_stored(view):
            counted = quota_of(ordered, entry)
            if counted is not None:
                counts[counted.name] += 1
    save_lease_counts(
        view, tuple(msgspec.structs.replace(quota, count=counts[quota.name]) for quota in ordered)
    )
