"""``holdfast security org groups``: create, delete, show and list them; who is in them; what they may do."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_server_options, connect_iam
from holdfast.cli.holdfast.security_grants import show_permissions_of_group
from holdfast.cli.holdfast.security_output import add_output_options, show_rows, show_thing
from holdfast.cli.program import EXIT_OK, Run

_GROUP = (("GID", "gid"), ("Description", "description"))
_MEMBER = (("UID", "uid"), ("Description", "description"), ("Service account", "is_service"))


def create(parser: CommandParser) -> Run:
    """Make a group; what is granted to it, each of its members may do."""
    _add_gid(parser)
    parser.add_argument("--description", "-d", default="", help="who belongs to it")
    add_server_options(parser)
    return _create


def delete(parser: CommandParser) -> Run:
    """Remove a group; what its members may do because of it ends at once."""
    _add_gid(parser)
    add_server_options(parser)
    return _delete


def show(parser: CommandParser) -> Run:
    """Show one group; without a name, list all."""
    parser.add_argument("gid", metavar="GID", nargs="?", help="name of the group")
    add_output_options(parser)
    add_server_options(parser)
    return _show


def list_groups(parser: CommandParser) -> Run:
    """List all groups."""
    add_output_options(parser)
    add_server_options(parser)
    return _list


def members(parser: CommandParser) -> Run:
    """List who is in a group, people and service accounts."""
    _add_gid(parser)
    add_output_options(parser)
    add_server_options(parser)
    return _members


def add_user(parser: CommandParser) -> Run:
    """Put a user or a service account into a group."""
    _add_gid(parser)
    parser.add_argument("uid", metavar="UID", help="name of the user")
    add_server_options(parser)
    return _add_user


def del_user(parser: CommandParser) -> Run:
    """Take a user or a service account out of a group."""
    _add_gid(parser)
    parser.add_argument("uid", metavar="UID", help="name of the user")
    add_server_options(parser)
    return _del_user


def permissions(parser: CommandParser) -> Run:
    """List what was granted to a group."""
    _add_gid(parser)
    add_output_options(parser)
    add_server_options(parser)
    return show_permissions_of_group


def _add_gid(parser: CommandParser) -> None:
    parser.add_argument("gid", metavar="GID", help="name of the group")


def _create(arguments: Namespace) -> int:
    body = {"description": arguments.description}
    connect_iam(arguments).request("PUT", "groups", arguments.gid, body=body)
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    connect_iam(arguments).request("DELETE", "groups", arguments.gid)
    return EXIT_OK


def _show(arguments: Namespace) -> int:
    if arguments.gid is None:
        return _list(arguments)
    show_thing(connect_iam(arguments).request("GET", "groups", arguments.gid), _GROUP, arguments)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    show_rows(connect_iam(arguments).array("groups"), _GROUP, arguments)
    return EXIT_OK


def _members(arguments: Namespace) -> int:
    client = connect_iam(arguments)
    entries = [
        entry
        for kind in ("user", "service")
        for entry in client.array("groups", arguments.gid, "users", query={"type": kind})
    ]
    show_rows([entry.get("user") or {} for entry in entries], _MEMBER, arguments)
    return EXIT_OK


def _add_user(arguments: Namespace) -> int:
    connect_iam(arguments).request("PUT", "groups", arguments.gid, "users", arguments.uid)
    return EXIT_OK


def _del_user(arguments: Namespace) -> int:
    connect_iam(arguments).request("DELETE", "groups", arguments.gid, "users", arguments.uid)
    return EXIT_OK
