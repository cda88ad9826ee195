"""Who can read what, kept beside the records, so that a list need not open every record that there is.

    owned/<kind>/<scope>/<id>     this resource lets in whom the scope stands for
    owned-ready/<kind>            every record that there is has its keys

A scope is an owner, a group, a collaborator, anybody with a token, the public, or nobody. The name of the
first three is hashed, because it may hold anything and be long. The keys change in the transaction that
changes the record, so there is no moment, and no crash, after which the two differ.

The index proposes, the gate decides: each record that is found is judged like any other.
"""

import hashlib
from collections.abc import Iterator
from heapq import merge
from itertools import groupby, islice

from holdfast.model import Principal
from holdfast.policy.ownership import ANY, Ownership
from holdfast.storage.interface import Reader, Transaction

_ANYBODY, _PUBLIC, _NOBODY = "any", "public", "none"
_PRESENT = b"1"
_HASH_BYTES = 16


class OwnershipIndex:
    """The index of one kind of resource.

    Args:
        kind: as it is in keys, such as ``volumes``.
    """

    def __init__(self, kind: str) -> None:
        self._root = f"owned/{kind}/"
        self._ready = f"owned-ready/{kind}"

    def is_ready(self, reader: Reader) -> bool:
        """Whether every record has its keys; records from before there was an index do not."""
        return reader.get(self._ready) is not None

    def set_ready(self, transaction: Transaction) -> None:
        """Note that every record has its keys."""
        transaction.put(self._ready, _PRESENT)

    def move(
        self, transaction: Transaction, identity: str, before: Ownership | None, after: Ownership | None
    ) -> None:
        """Follow a change of one resource, in the transaction that makes it.

        Args:
            transaction: of the change.
            identity: which resource.
            before: whom it belonged to; ``None`` for a new one.
            after: whom it belongs to; ``None`` for one that is removed.
        """
        old = set() if before is None else _scopes_of(before)
        new = set() if after is None else _scopes_of(after)
        for scope in old - new:
            transaction.delete(f"{self._root}{scope}/{identity}")
        for scope in new - old:
            transaction.put(f"{self._root}{scope}/{identity}", _PRESENT)

    def of_nobody(self, reader: Reader, *, limit: int) -> list[str]:
        """Return ids of resources that belong to nobody, sorted; at most ``limit``."""
        return reader.list(f"{self._root}{_NOBODY}/", limit=limit)

    def find(
        self, reader: Reader, principal: Principal, *, ownerless: bool, after: str, limit: int
    ) -> list[str]:
        """Return the first ids that ``principal`` may be able to read, sorted.

        Args:
            reader: of one state.
            principal: who asks; not the storage administrator, who needs no index.
            ownerless: whether everybody may read what has no owner.
            after: only ids that sort after this one.
            limit: at most this many.
        """
        scopes = _scopes_open_to(principal, ownerless=ownerless)
        lists = (reader.list(f"{self._root}{scope}/", after=after, limit=limit) for scope in scopes)
        return list(islice((identity for identity, _ in groupby(merge(*lists))), limit))


def _scopes_of(ownership: Ownership) -> set[str]:
    """Return everybody whom a resource lets in, if only to read it."""
    if not ownership.owner:
        return {_NOBODY}  # its list has no effect
    acls = ownership.acls
    scopes = {_named("owner", ownership.owner)}
    scopes |= {_ANYBODY if name == ANY else _named("group", name) for name in acls.groups}
    scopes |= {_ANYBODY if name == ANY else _named("user", name) for name in acls.collaborators}
    if acls.public is not None:
        scopes.add(_PUBLIC)
    return scopes


def _scopes_open_to(principal: Principal, *, ownerless: bool) -> Iterator[str]:
    yield _PUBLIC
    if ownerless:
        yield _NOBODY
    if principal.is_guest:
        return
    yield _ANYBODY
    yield _named("owner", principal.name)
    yield _named("user", principal.name)
    for group in set(principal.groups):
        yield _named("group", group)


def _named(what: str, name: str) -> str:
    return f"{what}-{hashlib.blake2b(name.encode(), digest_size=_HASH_BYTES).hexdigest()}"
