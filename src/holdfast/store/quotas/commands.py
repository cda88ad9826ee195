"""Changes to quotas, as commands for the writer."""

from typing import ClassVar

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.store.command import Command, Scope
from holdfast.store.layout import CONFIG
from holdfast.store.quotas.records import MAX_QUOTAS, RateLimit, Settings, load_quotas, save_quotas
from holdfast.store.request import Answer


class SaveRateLimit(Command, frozen=True, kw_only=True):
    """Store a quota, in the place of one with the same name."""

    shared: ClassVar[bool] = True
    limit: RateLimit

    def run(self, scope: Scope) -> Answer:
        """Store it, unless another quota is for the same path."""
        view = scope.view(CONFIG)
        quotas = load_quotas(view)
        others = tuple(limit for limit in quotas.limits if limit.name != self.limit.name)
        if any(limit.path == self.limit.path for limit in others):
            raise InvalidInputError("path: expected one that no other quota is for")
        if len(others) >= MAX_QUOTAS:
            raise InvalidInputError(f"name: expected at most {MAX_QUOTAS} quotas")
        limits = tuple(sorted((*others, self.limit), key=lambda limit: limit.name))
        save_quotas(view, msgspec.structs.replace(quotas, limits=limits))
        return Answer()


class DeleteRateLimit(Command, frozen=True, kw_only=True):
    """Remove a quota."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        view = scope.view(CONFIG)
        quotas = load_quotas(view)
        limits = tuple(limit for limit in quotas.limits if limit.name != self.name)
        save_quotas(view, msgspec.structs.replace(quotas, limits=limits))
        return Answer()


class ConfigureQuotas(Command, frozen=True, kw_only=True):
    """Store what holds for all quotas; what is ``None`` stays."""

    shared: ClassVar[bool] = True
    exempt: tuple[str, ...] | None = None
    audit: bool | None = None

    def run(self, scope: Scope) -> Answer:
        """Replace what was given."""
        view = scope.view(CONFIG)
        quotas = load_quotas(view)
        settings = Settings(
            exempt=quotas.settings.exempt if self.exempt is None else self.exempt,
            audit=quotas.settings.audit if self.audit is None else self.audit,
        )
        save_quotas(view, msgspec.structs.replace(quotas, settings=settings))
        return Answer()
