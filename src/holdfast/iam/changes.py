"""Changes to users, groups and ACLs: what each demands, and with which word it is refused.

Each function changes a transaction and either does all of it or raises. Whoever takes something away cannot
take the last superuser away with it: then nobody could give it back through this API.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex

import msgspec

from holdfast.errors import HoldfastError, TooLargeError
from holdfast.iam import directory
from holdfast.iam.directory import SUPERUSERS, Acl, Granted, Group, User
from holdfast.iam.errors import Code, refusal
from holdfast.iam.names import Action
from holdfast.iam.resource import SUPERUSER
from holdfast.storage.interface import Reader, Transaction

MAX_DESCRIPTION_LENGTH = 1024
MAX_GRANTS = 1000  # of one user or group: one record holds them, and every login reads it
MAX_GROUPS = 256  # of one user
GENERATION_BYTES = 8  # random, so that a user made anew under an old name does not bring old tokens back


def new_generation() -> str:
    """Return a generation that no token carries yet."""
    return token_hex(GENERATION_BYTES)


def require_user(view: Reader, uid: str) -> User:
    """Return the user ``uid``.

    Raises:
        InvalidInputError: there is none.
    """
    user = directory.load_user(view, uid)
    if user is None:
        raise refusal(Code.UNKNOWN_USER_ID, "there is no such user")
    return user


def require_group(view: Reader, gid: str) -> Group:
    """Return the group ``gid``.

    Raises:
        InvalidInputError: there is none.
    """
    group = directory.load_group(view, gid)
    if group is None:
        raise refusal(Code.UNKNOWN_GROUP_ID, "there is no such group")
    return group


def require_acl(view: Reader, rid: str) -> Acl:
    """Return the ACL of a canonical rid.

    Raises:
        InvalidInputError: there is none.
    """
    acl = directory.load_acl(view, rid)
    if acl is None:
        raise refusal(Code.UNKNOWN_RESOURCE_ID, "there is no such resource; create it first")
    return acl


def check_description(text: str) -> str:
    """Return a description that is short enough to keep.

    Raises:
        InvalidInputError: it is too long.
    """
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise refusal(Code.INVALID_DATA, f"description: expected at most {MAX_DESCRIPTION_LENGTH} characters")
    return text


def create_user(tx: Transaction, uid: str, user: User) -> None:
    """Add a user."""
    if directory.load_user(tx, uid) is not None:
        raise refusal(Code.USER_EXISTS, "a user with this uid exists")
    directory.save_user(tx, uid, user)


def change_user(
    tx: Transaction, uid: str, *, description: str | None = None, password: str = "", public_key: str = ""
) -> None:
    """Change what is given. A new password or key ends every token that was made with the old one.

    Raises:
        InvalidInputError: no such user; or a password for a service account, a key for a person.
    """
    user = require_user(tx, uid)
    if (password and user.is_service) or (public_key and not user.is_service):
        raise refusal(
            Code.INVALID_DATA, "expected a password for a person, and public_key for a service account"
        )
    changes: dict[str, object] = {} if description is None else {"description": description}
    if password:
        changes |= {"password": password, "generation": new_generation()}
    if public_key:
        changes |= {"public_key": public_key, "generation": new_generation()}
    directory.save_user(tx, uid, msgspec.structs.replace(user, **changes))


def renew_password_record(tx: Transaction, uid: str, *, old: str, new: str) -> None:
    """Keep the same password at another cost; nothing happens if it has changed meanwhile."""
    user = directory.load_user(tx, uid)
    if user is not None and user.password == old:
        directory.save_user(tx, uid, msgspec.structs.replace(user, password=new))


def revoke_tokens(tx: Transaction, uid: str) -> None:
    """End every token that the user has."""
    user = require_user(tx, uid)
    directory.save_user(tx, uid, msgspec.structs.replace(user, generation=new_generation()))


def remove_user(tx: Transaction, uid: str) -> None:
    """Remove a user; his tokens end with him."""
    require_user(tx, uid)
    with _keeping_a_superuser(tx):
        directory.delete_user(tx, uid)


def create_group(tx: Transaction, gid: str, description: str) -> None:
    """Add a group."""
    if directory.load_group(tx, gid) is not None:
        raise refusal(Code.GROUP_EXISTS, "a group with this gid exists")
    directory.save_group(tx, gid, Group(description))


def describe_group(tx: Transaction, gid: str, description: str) -> None:
    """Change the description of a group."""
    group = require_group(tx, gid)
    directory.save_group(tx, gid, msgspec.structs.replace(group, description=description))


def remove_group(tx: Transaction, gid: str) -> None:
    """Remove a group, and everybody from it, so that a group made later under its name is empty."""
    require_group(tx, gid)
    if gid == SUPERUSERS:
        raise refusal(Code.IS_SUPERUSER_GROUP, "the group of the superusers stays")
    with _keeping_a_superuser(tx):
        for uid, user in list(directory.list_users(tx)):
            if gid in user.groups:
                directory.save_user(tx, uid, _outside(user, gid))
        directory.delete_group(tx, gid)


def add_member(tx: Transaction, gid: str, uid: str) -> None:
    """Put a user into a group."""
    require_group(tx, gid)
    user = require_user(tx, uid)
    if gid in user.groups:
        raise refusal(Code.USER_ALREADY_IN_GROUP, "the user is in this group already")
    if len(user.groups) >= MAX_GROUPS:
        raise TooLargeError(f"groups: expected at most {MAX_GROUPS} of one user", reason=Code.INVALID_DATA)
    groups = tuple(sorted({*user.groups, gid}))
    directory.save_user(tx, uid, msgspec.structs.replace(user, groups=groups))


def remove_member(tx: Transaction, gid: str, uid: str) -> None:
    """Take a user out of a group."""
    require_group(tx, gid)
    user = require_user(tx, uid)
    if gid not in user.groups:
        raise refusal(Code.USER_NOT_IN_GROUP, "the user is not in this group")
    with _keeping_a_superuser(tx):
        directory.save_user(tx, uid, _outside(user, gid))


def create_acl(tx: Transaction, rid: str, description: str) -> None:
    """Add a resource that permissions can be granted on."""
    if directory.load_acl(tx, rid) is not None:
        raise refusal(Code.ACL_EXISTS, "this resource exists")
    directory.save_acl(tx, Acl(rid, description))


def describe_acl(tx: Transaction, rid: str, description: str) -> None:
    """Change the description of a resource."""
    require_acl(tx, rid)
    directory.save_acl(tx, Acl(rid, description))


def remove_acl(tx: Transaction, rid: str) -> None:
    """Remove a resource, and everything that was granted on it."""
    require_acl(tx, rid)
    if rid == SUPERUSER:
        raise refusal(Code.IS_SUPERUSER_ACL, "the superuser resource stays")
    for uid, user in list(directory.list_users(tx)):
        if rid in user.grants:
            grants = directory.without(user.grants, rid)
            directory.save_user(tx, uid, msgspec.structs.replace(user, grants=grants))
    for gid, group in list(directory.list_groups(tx)):
        if rid in group.grants:
            grants = directory.without(group.grants, rid)
            directory.save_group(tx, gid, msgspec.structs.replace(group, grants=grants))
    directory.delete_acl(tx, rid)


def grant_to_user(tx: Transaction, rid: str, uid: str, action: Action) -> None:
    """Grant a user an action on a resource."""
    require_acl(tx, rid)
    user = require_user(tx, uid)
    directory.save_user(tx, uid, msgspec.structs.replace(user, grants=_with(user.grants, rid, action)))


def grant_to_group(tx: Transaction, rid: str, gid: str, action: Action) -> None:
    """Grant a group an action on a resource."""
    require_acl(tx, rid)
    group = require_group(tx, gid)
    directory.save_group(tx, gid, msgspec.structs.replace(group, grants=_with(group.grants, rid, action)))


def revoke_from_user(tx: Transaction, rid: str, uid: str, action: Action) -> None:
    """Take an action on a resource back from a user."""
    require_acl(tx, rid)
    user = require_user(tx, uid)
    grants = _less(user.grants, rid, action, absent=Code.USER_NOT_IN_ACL)
    with _keeping_a_superuser(tx):
        directory.save_user(tx, uid, msgspec.structs.replace(user, grants=grants))


def revoke_from_group(tx: Transaction, rid: str, gid: str, action: Action) -> None:
    """Take an action on a resource back from a group."""
    require_acl(tx, rid)
    group = require_group(tx, gid)
    if (gid, rid) == (SUPERUSERS, SUPERUSER):
        raise refusal(Code.IS_SUPERUSER_GROUP, "the group of the superusers stays what it is")
    grants = _less(group.grants, rid, action, absent=Code.GROUP_NOT_IN_ACL)
    with _keeping_a_superuser(tx):
        directory.save_group(tx, gid, msgspec.structs.replace(group, grants=grants))


@contextmanager
def _keeping_a_superuser(tx: Transaction) -> Iterator[None]:
    """Refuse what leaves no superuser where there was one; raising undoes the transaction."""
    had_one = directory.has_superuser(tx)
    yield
    if had_one and not directory.has_superuser(tx):
        raise refusal(Code.NO_MORE_SUPERUSERS, "this would leave no superuser; make another one first")


def _outside(user: User, gid: str) -> User:
    return msgspec.structs.replace(user, groups=tuple(name for name in user.groups if name != gid))


def _with(grants: Mapping[str, tuple[str, ...]], rid: str, action: Action) -> Granted:
    known = grants.get(rid, ())
    if action.value in known:
        raise refusal(Code.PERMISSION_EXISTS, "this was granted already")
    if rid not in grants and len(grants) >= MAX_GRANTS:
        raise TooLargeError(
            f"permissions: expected at most {MAX_GRANTS} resources of one user or group; use groups or /*",
            reason=Code.INVALID_DATA,
        )
    return {**grants, rid: tuple(sorted({*known, action.value}))}


def _less(grants: Mapping[str, tuple[str, ...]], rid: str, action: Action, *, absent: Code) -> Granted:
    known = grants.get(rid, ())
    if action.value not in known:
        raise _not_granted(Code.ACTION_NOT_YET_STORED if known else absent)
    left = tuple(word for word in known if word != action.value)
    return {**grants, rid: left} if left else directory.without(grants, rid)


def _not_granted(code: Code) -> HoldfastError:
    return refusal(code, "this was not granted")
