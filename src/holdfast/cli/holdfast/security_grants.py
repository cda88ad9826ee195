"""``holdfast security org ... grant | revoke``, and the lists of what was granted to whom.

A permission is a resource, somebody, and an action. A resource need not be known before: granting on it makes
it known. Granting what is granted already changes nothing and is no error.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_server_options, connect_iam
from holdfast.cli.holdfast.security_output import add_output_options, show_rows
from holdfast.cli.output import remark
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client import Subject

_RID = "resource, such as dcos:secrets:default:/team/*"
_ACTION = "create, read, update, delete or full"
_ACL = (("RID", "rid"), ("Description", "description"))
_GRANTED = (("RID", "rid"), ("Actions", "actions"))


def grant_to_user(parser: CommandParser) -> Run:
    """Let a user or a service account do something, from the next request on."""
    return _declare_grant(parser, Subject.USER)


def revoke_from_user(parser: CommandParser) -> Run:
    """Take a permission back from a user or a service account, from the next request on."""
    return _declare_revoke(parser, Subject.USER)


def grant_to_group(parser: CommandParser) -> Run:
    """Let the members of a group do something, from the next request on."""
    return _declare_grant(parser, Subject.GROUP)


def revoke_from_group(parser: CommandParser) -> Run:
    """Take a permission back from a group, from the next request on."""
    return _declare_revoke(parser, Subject.GROUP)


def permissions(parser: CommandParser) -> Run:
    """List the resources that something was granted on; for one of them, to whom."""
    parser.add_argument("rid", metavar="RID", nargs="?", help=_RID)
    add_output_options(parser)
    add_server_options(parser)
    return _permissions


def show_permissions_of_user(arguments: Namespace) -> int:
    """Print what was granted to a user and to his groups."""
    granted = connect_iam(arguments).request("GET", "users", arguments.uid, "permissions")
    rows = [
        *({"rid": one["rid"], "actions": _words(one), "gid": ""} for one in granted.get("direct") or ()),
        *(
            {"rid": one["rid"], "actions": _words(one), "gid": one["gid"]}
            for one in granted.get("groups") or ()
        ),
    ]
    show_rows(rows, (*_GRANTED, ("By group", "gid")), arguments)
    return EXIT_OK


def show_permissions_of_group(arguments: Namespace) -> int:
    """Print what was granted to a group."""
    granted = connect_iam(arguments).array("groups", arguments.gid, "permissions")
    rows = [{"rid": one["rid"], "actions": _words(one)} for one in granted]
    show_rows(rows, _GRANTED, arguments)
    return EXIT_OK


def _declare_grant(parser: CommandParser, subject: Subject) -> Run:
    _add_permission(parser, subject)
    parser.add_argument("--description", default="", help="of the resource, if it is not known yet")
    add_server_options(parser)
    return partial(_grant, subject)


def _declare_revoke(parser: CommandParser, subject: Subject) -> Run:
    _add_permission(parser, subject)
    add_server_options(parser)
    return partial(_revoke, subject)


def _add_permission(parser: CommandParser, subject: Subject) -> None:
    short = "UID" if subject is Subject.USER else "GID"
    parser.add_argument("name", metavar=short, help="who")
    parser.add_argument("rid", metavar="RID", help=_RID)
    parser.add_argument("action", metavar="ACTION", help=_ACTION)


def _grant(subject: Subject, arguments: Namespace) -> int:
    is_new = connect_iam(arguments).grant(
        arguments.rid, subject, arguments.name, arguments.action, description=arguments.description
    )
    if not is_new:
        remark("This was granted already.")
    return EXIT_OK


def _revoke(subject: Subject, arguments: Namespace) -> int:
    connect_iam(arguments).revoke(arguments.rid, subject, arguments.name, arguments.action)
    return EXIT_OK


def _permissions(arguments: Namespace) -> int:
    client = connect_iam(arguments)
    if arguments.rid is None:
        show_rows(client.array("acls"), _ACL, arguments)
        return EXIT_OK
    granted = client.request("GET", "acls", arguments.rid, "permissions")
    columns = (("Kind", "kind"), ("Name", "name"), ("Actions", "actions"))
    users, groups = granted.get("users") or (), granted.get("groups") or ()
    rows = [*_holders("user", "uid", users), *_holders("group", "gid", groups)]
    show_rows(rows, columns, arguments)
    return EXIT_OK


def _holders(kind: str, name: str, entries: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    return ({"kind": kind, "name": one[name], "actions": _words(one)} for one in entries)


def _words(permission: Mapping[str, Any]) -> list[str]:
    return [str(action["name"]) for action in permission.get("actions") or ()]
