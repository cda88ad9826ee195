"""How many leases there may be: a stored token that ends is one, and belongs to the path that made it.

One record beside the tokens (``quota/leases``) holds the quotas and how many leases each counts. Making a
token and ending it change the count in the same transaction, so it is exact whichever node does it and
however the process ends. Of several quotas the most specific counts, as with requests: one for a role, then
one for a longer path.

Not counted: a root token, which has no end; a token that stands for a waiting answer. A batch token, stored
nowhere, cannot be counted, but is refused where a quota is full.
"""

from typing import Protocol

import msgspec

from holdfast.errors import LimitReachedError
from holdfast.storage.interface import Reader, Transaction

RECORD = "quota/leases"
MAX_LEASE_QUOTAS = 300
_NOT_COUNTED = ("response-wrapping",)


class Lease(Protocol):
    """What is asked of a token."""

    @property
    def path(self) -> str:
        """Where it was made."""
        ...

    @property
    def role(self) -> str:
        """The record below its auth mount that said what it may do, such as ``role/db``."""
        ...

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of its policies."""
        ...

    @property
    def expires_at(self) -> float:
        """When it ends, 0 for never."""
        ...

    @property
    def namespace(self) -> str:
        """Uuid of its namespace; empty for the root namespace."""
        ...


class LeaseCount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One quota. Fields are only ever appended: their order is the record format.

    Attributes:
        name: how operators call it.
        path: what it is for: empty for everything, ``auth/people/`` for all below, ``auth/people/login/a*``
            for all that begins so, or exactly this path.
        max_leases: how many there may be.
        role: the one role of an auth mount that it is for; empty for all.
        inheritable: kept for clients that compare what they wrote.
        count: how many there are.
        namespace: uuid of the namespace that ``path`` leads into.
        inner: the rest of ``path`` in there; empty for all of it.
    """

    name: str
    path: str
    max_leases: int
    role: str = ""
    inheritable: bool = False
    count: int = 0
    namespace: str = ""
    inner: str = ""

    def is_for(self, lease: Lease) -> bool:
        """Whether it is for a token."""
        if not self.path:
            return True
        if lease.namespace != self.namespace or (self.role and lease.role.partition("/")[2] != self.role):
            return False
        if not self.inner or self.inner.endswith(("/", "*")):
            return lease.path.startswith(self.inner.removesuffix("*"))
        return lease.path == self.inner


_decode = msgspec.msgpack.Decoder(tuple[LeaseCount, ...]).decode


def load_lease_counts(view: Reader) -> tuple[LeaseCount, ...]:
    """Return all quotas, from the place of tokens."""
    record = view.get(RECORD)
    return () if record is None else _decode(record)


def save_lease_counts(tx: Transaction, quotas: tuple[LeaseCount, ...]) -> None:
    """Store all quotas."""
    if quotas:
        tx.put(RECORD, msgspec.msgpack.encode(quotas))
    else:
        tx.delete(RECORD)


def quota_of(quotas: tuple[LeaseCount, ...], lease: Lease) -> LeaseCount | None:
    """Return the quota that counts a token, or ``None``."""
    if not quotas or not lease.expires_at or lease.policies == _NOT_COUNTED:
        return None
    found = [quota for quota in quotas if quota.is_for(lease)]
    return max(found, key=_weight, default=None)


def refuse_if_full(view: Reader, lease: Lease) -> None:
    """Make sure that there may be one more.

    Raises:
        LimitReachedError: there may not.
    """
    _require_room(quota_of(load_lease_counts(view), lease), lease)


def count_one(tx: Transaction, lease: Lease) -> None:
    """Count a token that is made.

    Raises:
        LimitReachedError: it is one too many.
    """
    _change(tx, lease, 1)


def take_one_off(tx: Transaction, lease: Lease) -> None:
    """Count a token no more."""
    _change(tx, lease, -1)


def _change(tx: Transaction, lease: Lease, by: int) -> None:
    quotas = load_lease_counts(tx)
    counted = quota_of(quotas, lease)
    if counted is None:
        return
    if by > 0:
        _require_room(counted, lease)
    changed = msgspec.structs.replace(counted, count=max(0, counted.count + by))
    save_lease_counts(tx, tuple(changed if quota is counted else quota for quota in quotas))


def _require_room(quota: LeaseCount | None, lease: Lease) -> None:
    if quota is not None and quota.count >= quota.max_leases:
        raise LimitReachedError(f'request path "{lease.path}": lease count quota exceeded')


def _weight(quota: LeaseCount) -> tuple[bool, int, bool]:
    stem = quota.path.removesuffix("*")
    return bool(quota.role), len(stem), stem == quota.path
