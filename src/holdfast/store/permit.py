"""Which kinds of write a caller may do: decided before a request is served, checked where it is committed."""

import msgspec

from holdfast.errors import PermissionDeniedError

DENIED = "permission denied"


class Permit(msgspec.Struct, frozen=True, array_like=True):
    """Which kinds of write the caller may do."""

    create: bool
    update: bool

    @property
    def is_for_both(self) -> bool:
        """Whether it does not matter if what is written is there already."""
        return self.create and self.update

    def check(self, *, exists: bool) -> None:
        """Refuse a create or an update that the caller may not do."""
        if not (self.update if exists else self.create):
            raise PermissionDeniedError(DENIED)
