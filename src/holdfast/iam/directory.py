"""Users, groups and ACLs at rest: what a record holds, and where it lives below ``iam/``.

    user/<uid>                        who it is, how he proves it, his groups and his own grants
    group/<gid>                       its description and grants
    acl/<SHA-256 of the rid>          a resource that permissions can be granted on, and its description
    first-superuser                   the uid that the configuration once made

A grant is kept with whom it was made to: his record and those of his groups tell all that somebody may do.
The group ``superusers`` and the ACL ``dcos:superuser`` are there from the start, whether stored or not.

Functions take views and plain values; they check nothing that a caller may ask for (``changes`` does).
"""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from holdfast.iam.names import Action
from holdfast.iam.permissions import rights_of
from holdfast.iam.resource import SUPERUSER
from holdfast.storage.interface import Reader, Transaction

SUPERUSERS = "superusers"
_FIRST_SUPERUSER = "first-superuser"
_PAGE = 1000

Granted = dict[str, tuple[str, ...]]
"""Canonical rid to actions."""


class User(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A user. Fields are only ever appended: their order is the record format.

    Attributes:
        description: for people.
        created_at: Unix seconds.
        generation: tokens carry it; a new one ends every token made before.
        password: an argon2id record, empty for a service account.
        public_key: an RSA key in PEM form, empty for a person.
        groups: sorted names.
        grants: what was granted to the user, without what his groups were granted.
    """

    description: str
    created_at: float
    generation: str
    password: str = ""
    public_key: str = ""
    groups: tuple[str, ...] = ()
    grants: Granted = {}

    @property
    def is_service(self) -> bool:
        """Whether it is a service account, which proves itself with a key."""
        return bool(self.public_key)

    def __repr__(self) -> str:
        return "User(...)"


class Group(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A group of users. Fields are only ever appended.

    Attributes:
        description: for people.
        grants: what was granted to the group.
    """

    description: str
    grants: Granted = {}


class Acl(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A resource that permissions can be granted on. Fields are only ever appended.

    Attributes:
        rid: canonical.
        description: for people.
    """

    rid: str
    description: str


_BUILT_IN_GROUPS = {SUPERUSERS: Group("Superusers", {SUPERUSER: (Action.FULL.value,)})}
_BUILT_IN_ACLS = {SUPERUSER: Acl(SUPERUSER, "Superuser")}

_encode = msgspec.msgpack.Encoder().encode
_decode_user = msgspec.msgpack.Decoder(User).decode
_decode_group = msgspec.msgpack.Decoder(Group).decode
_decode_acl = msgspec.msgpack.Decoder(Acl).decode


def load_user(view: Reader, uid: str) -> User | None:
    """Return the user ``uid``, or ``None``."""
    record = view.get(f"user/{uid}")
    return None if record is None else _decode_user(record)


def list_users(view: Reader) -> Iterator[tuple[str, User]]:
    """Yield all users with their names, sorted."""
    for uid in _names(view, "user/"):
        user = load_user(view, uid)
        if user is not None:
            yield uid, user


def save_user(tx: Transaction, uid: str, user: User) -> None:
    """Store a user."""
    tx.put(f"user/{uid}", _encode(user))


def delete_user(tx: Transaction, uid: str) -> None:
    """Remove a user, with all that was granted to him."""
    tx.delete(f"user/{uid}")


def load_group(view: Reader, gid: str) -> Group | None:
    """Return the group ``gid``, or ``None``."""
    record = view.get(f"group/{gid}")
    return _BUILT_IN_GROUPS.get(gid) if record is None else _decode_group(record)


def list_groups(view: Reader) -> Iterator[tuple[str, Group]]:
    """Yield all groups with their names, sorted."""
    for gid in sorted({*_BUILT_IN_GROUPS, *_names(view, "group/")}):
        group = load_group(view, gid)
        if group is not None:
            yield gid, group


def save_group(tx: Transaction, gid: str, group: Group) -> None:
    """Store a group."""
    tx.put(f"group/{gid}", _encode(group))


def delete_group(tx: Transaction, gid: str) -> None:
    """Remove a group; who is in it must have been taken out before."""
    tx.delete(f"group/{gid}")


def load_acl(view: Reader, rid: str) -> Acl | None:
    """Return the ACL of a canonical rid, or ``None``."""
    record = view.get(_acl_key(rid))
    return _BUILT_IN_ACLS.get(rid) if record is None else _decode_acl(record)


def list_acls(view: Reader) -> list[Acl]:
    """Return all ACLs, sorted by rid."""
    records = (view.get(f"acl/{name}") for name in _names(view, "acl/"))
    stored = [_decode_acl(record) for record in records if record is not None]
    return sorted({**_BUILT_IN_ACLS, **{acl.rid: acl for acl in stored}}.values(), key=lambda acl: acl.rid)


def save_acl(tx: Transaction, acl: Acl) -> None:
    """Store an ACL."""
    tx.put(_acl_key(acl.rid), _encode(acl))


def delete_acl(tx: Transaction, rid: str) -> None:
    """Remove an ACL; what was granted on it must have been taken back before."""
    tx.delete(_acl_key(rid))


def grants_of(view: Reader, user: User) -> list[Granted]:
    """Return what a user was granted: himself, and by way of each of his groups."""
    groups = (load_group(view, gid) for gid in user.groups)
    return [user.grants, *(group.grants for group in groups if group is not None)]


def has_superuser(view: Reader) -> bool:
    """Whether any user is a superuser."""
    by_group = {gid for gid, group in list_groups(view) if rights_of([group.grants]).is_superuser}
    return any(
        not by_group.isdisjoint(user.groups) or rights_of([user.grants]).is_superuser
        for _, user in list_users(view)
    )


def load_first_superuser(view: Reader) -> str:
    """Return the uid that the configuration once made; empty if it made none."""
    return (view.get(_FIRST_SUPERUSER) or b"").decode()


def save_first_superuser(tx: Transaction, uid: str) -> None:
    """Note that the configuration has made its user, so that he is not made again once deleted."""
    tx.put(_FIRST_SUPERUSER, uid.encode())


def without(grants: Mapping[str, tuple[str, ...]], rid: str) -> Granted:
    """Return ``grants`` without all that is granted on ``rid``."""
    return {known: actions for known, actions in grants.items() if known != rid}


def _acl_key(rid: str) -> str:
    # A rid has slashes and may be long; its hash is one name of known length.
    return f"acl/{hashlib.sha256(rid.encode()).hexdigest()}"


def _names(view: Reader, prefix: str) -> Iterator[str]:
    after = ""
    while page := view.list(prefix, after=after, limit=_PAGE):
        yield from page
        after = page[-1]
