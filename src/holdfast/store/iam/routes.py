"""``acs/...`` for a superuser: users, groups, what may be granted, to whom it was granted, and signing keys.

Paths are those of the DC/OS IAM below its prefix, with the slashes of a rid written ``%2F``, so that a rid is
one segment. Answers are facts without addresses; those belong to the dialect.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from holdfast.formats.strict_json import encode
from holdfast.iam import changes, directory
from holdfast.iam.changes import require_acl, require_group, require_user
from holdfast.iam.directory import Acl, Group, User
from holdfast.iam.errors import Code, refusal
from holdfast.iam.names import check_action, check_gid, check_uid
from holdfast.iam.passwords import Passwords
from holdfast.iam.permissions import is_allowed
from holdfast.iam.resource import canonical_rid
from holdfast.store.command import Command
from holdfast.store.iam import commands, signing_keys
from holdfast.store.iam.commands import Subject
from holdfast.store.iam.path_grants import LOGOUT_PATH
from holdfast.store.iam.service_login import read_public_key
from holdfast.store.layout import IAM
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Handler, Route, RouteTable
from holdfast.store.visit import Visit

PREFIX = "acs/"


# -- users ------------------------------------------------------------------------------------------------


def _list_users(visit: Visit) -> Answer:
    wanted = _wants_services(visit)
    users = directory.list_users(visit.view(IAM))
    return _answer([_user(uid, user) for uid, user in users if user.is_service is wanted])


def _read_user(visit: Visit) -> Answer:
    uid = check_uid(visit.argument)
    return _answer(_user(uid, require_user(visit.view(IAM), uid)))


def _create_user(visit: Visit) -> Command | Deferred:
    uid = check_uid(visit.argument)
    given = _texts(visit, "description", "password", "public_key")
    password, public_key = given.get("password", ""), given.get("public_key", "")
    if bool(password) == bool(public_key):
        raise refusal(Code.INVALID_DATA, "expected either password or public_key, and not empty")
    user = User(
        description=changes.check_description(given.get("description", "")),
        created_at=visit.now,
        generation=changes.new_generation(),
        public_key=public_key and _public_key(visit, public_key),
    )
    if public_key:
        return commands.CreateUser(uid=uid, user=user)
    passwords = visit.store.users.passwords
    passwords.check_new(password)
    return Deferred(partial(_create_with_password, passwords, uid, user, password))


def _create_with_password(passwords: Passwords, uid: str, user: User, password: str) -> Command:
    record = passwords.hash(password)
    return commands.CreateUser(
        uid=uid, user=User(user.description, user.created_at, user.generation, password=record)
    )


def _change_user(visit: Visit) -> Command | Deferred:
    uid = check_uid(visit.argument)
    given = _texts(visit, "description", "password", "public_key")
    if not given or "" in {given.get("password"), given.get("public_key")}:
        raise refusal(Code.INVALID_DATA, "expected description, password or public_key, the last two in full")
    description = given.get("description")
    if description is not None:
        changes.check_description(description)
    public_key = given.get("public_key", "")
    change = commands.ChangeUser(
        uid=uid, description=description, public_key=public_key and _public_key(visit, public_key)
    )
    if "password" not in given:
        return change
    passwords = visit.store.users.passwords
    passwords.check_new(given["password"])
    return Deferred(partial(_change_with_password, passwords, change, given["password"]))


def _change_with_password(passwords: Passwords, change: commands.ChangeUser, password: str) -> Command:
    return commands.ChangeUser(
        uid=change.uid,
        description=change.description,
        password=passwords.hash(password),
        public_key=change.public_key,
    )


def _remove_user(visit: Visit) -> Command:
    return commands.RemoveUser(uid=check_uid(visit.argument))


def _revoke_tokens(visit: Visit) -> Command:
    return commands.RevokeUserTokens(uid=check_uid(visit.argument))


def _groups_of_user(visit: Visit) -> Answer:
    view, uid = visit.view(IAM), check_uid(visit.argument)
    return _answer([_group(gid, require_group(view, gid)) for gid in require_user(view, uid).groups])


def _permissions_of_user(visit: Visit) -> Answer:
    view, uid = visit.view(IAM), check_uid(visit.argument)
    user = require_user(view, uid)
    by_group = [
        {"gid": gid, **permission}
        for gid in user.groups
        for permission in _permissions(visit, require_group(view, gid).grants)
    ]
    return _answer({"direct": _permissions(visit, user.grants), "groups": by_group})


def _public_key(visit: Visit, pem: str) -> str:
    """Return a key that a service account may have.

    Our own keys are public too: with one of them as its key, an account could log in with its last token.
    """
    if read_public_key(pem).fingerprint in visit.store.users.keys.fingerprints(visit.view(IAM)):
        raise refusal(Code.INVALID_PUBLIC_KEY, "public_key: expected the account's own, not the store's")
    return pem


# -- groups -----------------------------------------------------------------------------------------------


def _list_groups(visit: Visit) -> Answer:
    return _answer([_group(gid, group) for gid, group in directory.list_groups(visit.view(IAM))])


def _read_group(visit: Visit) -> Answer:
    gid = check_gid(visit.argument)
    return _answer(_group(gid, require_group(visit.view(IAM), gid)))


def _create_group(visit: Visit) -> Command:
    return commands.CreateGroup(gid=check_gid(visit.argument), description=_description(visit))


def _describe_group(visit: Visit) -> Command:
    return commands.DescribeGroup(gid=check_gid(visit.argument), description=_description(visit))


def _remove_group(visit: Visit) -> Command:
    return commands.RemoveGroup(gid=check_gid(visit.argument))


def _members_of_group(visit: Visit) -> Answer:
    view, gid = visit.view(IAM), check_gid(visit.argument)
    require_group(view, gid)
    wanted = _wants_services(visit)
    members = [
        _user(uid, user)
        for uid, user in directory.list_users(view)
        if gid in user.groups and user.is_service is wanted
    ]
    return _answer(members)


def _permissions_of_group(visit: Visit) -> Answer:
    group = require_group(visit.view(IAM), check_gid(visit.argument))
    return _answer(_permissions(visit, group.grants))


def _add_member(visit: Visit) -> Command:
    gid, uid = visit.argument.split("/")
    return commands.AddMember(gid=check_gid(gid), uid=check_uid(uid))


def _remove_member(visit: Visit) -> Command:
    gid, uid = visit.argument.split("/")
    return commands.RemoveMember(gid=check_gid(gid), uid=check_uid(uid))


# -- resources and permissions ----------------------------------------------------------------------------


def _list_acls(visit: Visit) -> Answer:
    return _answer([_acl(acl) for acl in directory.list_acls(visit.view(IAM))])


def _read_acl(visit: Visit) -> Answer:
    return _answer(_acl(require_acl(visit.view(IAM), _rid(visit.argument))))


def _create_acl(visit: Visit) -> Command:
    return commands.CreateAcl(rid=_rid(visit.argument), description=_description(visit))


def _describe_acl(visit: Visit) -> Command:
    return commands.DescribeAcl(rid=_rid(visit.argument), description=_description(visit))


def _remove_acl(visit: Visit) -> Command:
    return commands.RemoveAcl(rid=_rid(visit.argument))


def _permissions_on_acl(visit: Visit) -> Answer:
    view, rid = visit.view(IAM), _rid(visit.argument)
    require_acl(view, rid)
    users = [
        {"uid": uid, "actions": user.grants[rid]}
        for uid, user in directory.list_users(view)
        if rid in user.grants
    ]
    groups = [
        {"gid": gid, "actions": group.grants[rid]}
        for gid, group in directory.list_groups(view)
        if rid in group.grants
    ]
    return _answer({"users": users, "groups": groups})


def _grant(subject: Subject, visit: Visit) -> Command:
    rid, name, action = _permission(subject, visit)
    return commands.GrantPermission(rid=rid, subject=subject, name=name, action=check_action(action))


def _revoke(subject: Subject, visit: Visit) -> Command:
    rid, name, action = _permission(subject, visit)
    return commands.RevokePermission(rid=rid, subject=subject, name=name, action=check_action(action))


def _ask(subject: Subject, visit: Visit) -> Answer:
    """Say whether a user, with all that his groups were granted, or a group may do this."""
    view = visit.view(IAM)
    rid, name, word = _permission(subject, visit)
    action = check_action(word)
    require_acl(view, rid)
    grants = (
        directory.grants_of(view, require_user(view, name))
        if subject is Subject.USER
        else [require_group(view, name).grants]
    )
    return _answer({"allowed": is_allowed(grants, rid, action)})


def _permission(subject: Subject, visit: Visit) -> tuple[str, str, str]:
    rid, name, action = visit.argument.split("/")
    check = check_uid if subject is Subject.USER else check_gid
    return _rid(rid), check(name), action


# -- tokens and keys --------------------------------------------------------------------------------------


def _log_out(visit: Visit) -> Answer | Command:
    """End the token that was sent, if it is a user's. A token of the store is ended by its own paths only."""
    token = visit.caller.user_token
    return Answer() if token is None else commands.RevokeUserToken(token=token)


def _rotate_key(visit: Visit) -> Deferred:
    values = _only(visit, "revoke_old")
    revoke_old = values.get("revoke_old", False)
    if not isinstance(revoke_old, bool):
        raise refusal(Code.INVALID_DATA, "revoke_old: expected true or false")
    trust_seconds = 0 if revoke_old else visit.store.users.settings.token_lifetime_seconds
    return Deferred(partial(_new_key, signing_keys.current_key_id(visit.view(IAM)), trust_seconds))


def _new_key(replaces: str, trust_old_seconds: int) -> Command:
    return commands.AddSigningKey(
        key=signing_keys.generate(), replaces=replaces, trust_old_seconds=trust_old_seconds
    )


# -- reading requests, building answers -------------------------------------------------------------------


def _rid(segment: str) -> str:
    return canonical_rid(unquote(segment, errors="strict"))


def _wants_services(visit: Visit) -> bool:
    kind = visit.request.parameter("type") or "user"
    if kind not in {"user", "service"}:
        raise refusal(Code.INVALID_DATA, "type: expected user or service")
    return kind == "service"


def _only(visit: Visit, *names: str) -> Mapping[str, Any]:
    """Return the members of the body, if it has no others than these."""
    if not visit.values.keys() <= set(names):
        raise refusal(Code.INVALID_DATA, f"body: expected no other members than {', '.join(names)}")
    return visit.values


def _texts(visit: Visit, *names: str) -> dict[str, str]:
    values = _only(visit, *names)
    for name, value in values.items():
        if not isinstance(value, str):
            raise refusal(Code.INVALID_DATA, f"{name}: expected a string")
    return dict(values)


def _description(visit: Visit) -> str:
    return changes.check_description(_texts(visit, "description").get("description", ""))


def _answer(data: object) -> Answer:
    return Answer(data=encode(data))


def _user(uid: str, user: User) -> dict[str, object]:
    shown: dict[str, object] = {"uid": uid, "description": user.description, "is_service": user.is_service}
    if user.is_service:
        shown["public_key"] = user.public_key
    return shown


def _group(gid: str, group: Group) -> dict[str, object]:
    return {"gid": gid, "description": group.description}


def _acl(acl: Acl) -> dict[str, object]:
    return {"rid": acl.rid, "description": acl.description}


def _permissions(visit: Visit, grants: directory.Granted) -> list[dict[str, object]]:
    view = visit.view(IAM)
    return [
        {"rid": rid, "description": acl.description if acl else "", "actions": actions}
        for rid, actions in sorted(grants.items())
        for acl in [directory.load_acl(view, rid)]
    ]


def _row(operation: Operation, path: str, handler: Handler) -> Route:
    return Route(PREFIX + path, operation, handler, superuser=True)


def _permission_rows(subject: Subject) -> tuple[Route, ...]:
    path = f"acls/<>/{subject.value}/<>/<>"
    return (
        _row(Operation.READ, path, partial(_ask, subject)),
        _row(Operation.WRITE, path, partial(_grant, subject)),
        _row(Operation.DELETE, path, partial(_revoke, subject)),
    )


IAM_ROUTES = RouteTable(
    (
        _row(Operation.READ, "users", _list_users),
        _row(Operation.READ, "users/<>", _read_user),
        _row(Operation.WRITE, "users/<>", _create_user),
        _row(Operation.PATCH, "users/<>", _change_user),
        _row(Operation.DELETE, "users/<>", _remove_user),
        _row(Operation.READ, "users/<>/groups", _groups_of_user),
        _row(Operation.READ, "users/<>/permissions", _permissions_of_user),
        _row(Operation.DELETE, "users/<>/tokens", _revoke_tokens),
        _row(Operation.READ, "groups", _list_groups),
        _row(Operation.READ, "groups/<>", _read_group),
        _row(Operation.WRITE, "groups/<>", _create_group),
        _row(Operation.PATCH, "groups/<>", _describe_group),
        _row(Operation.DELETE, "groups/<>", _remove_group),
        _row(Operation.READ, "groups/<>/users", _members_of_group),
        _row(Operation.READ, "groups/<>/permissions", _permissions_of_group),
        _row(Operation.WRITE, "groups/<>/users/<>", _add_member),
        _row(Operation.DELETE, "groups/<>/users/<>", _remove_member),
        _row(Operation.READ, "acls", _list_acls),
        _row(Operation.READ, "acls/<>", _read_acl),
        _row(Operation.WRITE, "acls/<>", _create_acl),
        _row(Operation.PATCH, "acls/<>", _describe_acl),
        _row(Operation.DELETE, "acls/<>", _remove_acl),
        _row(Operation.READ, "acls/<>/permissions", _permissions_on_acl),
        *_permission_rows(Subject.USER),
        *_permission_rows(Subject.GROUP),
        _row(Operation.WRITE, "auth/keys", _rotate_key),
        Route(LOGOUT_PATH, Operation.WRITE, _log_out),
    )
)
