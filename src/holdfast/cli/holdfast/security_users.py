"""``holdfast security org users create | update | delete | show | list | permissions``: people."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_iam
from holdfast.cli.holdfast.security_grants import show_permissions_of_user
from holdfast.cli.holdfast.security_input import add_password_options, password_of
from holdfast.cli.holdfast.security_output import add_output_options, show_rows, show_thing
from holdfast.cli.program import EXIT_OK, Run

USER = (("UID", "uid"), ("Description", "description"))


def create(parser: CommandParser) -> Run:
    """Make a user who logs in with a password; he may do nothing until something is granted to him."""
    add_uid(parser)
    parser.add_argument("--description", "-d", default="", help="who that is")
    add_password_options(parser)
    add_server_options(parser)
    return _create


def update(parser: CommandParser) -> Run:
    """Change a user's description, or his password, which ends his logins."""
    add_uid(parser)
    parser.add_argument("--description", "-d", help="who that is")
    parser.add_argument("--new-password", action="store_true", help="ask for another password")
    add_password_options(parser)
    add_server_options(parser)
    return _update


def delete(parser: CommandParser) -> Run:
    """Remove a user with everything that was granted to him; his tokens end at once."""
    add_uid(parser)
    add_server_options(parser)
    return delete_user


def show(parser: CommandParser) -> Run:
    """Show one user; without a name, list all."""
    parser.add_argument("uid", metavar="UID", nargs="?", help="name of the user")
    add_output_options(parser)
    add_server_options(parser)
    return _show


def list_users(parser: CommandParser) -> Run:
    """List all users that are people."""
    add_output_options(parser)
    add_server_options(parser)
    return _list


def permissions(parser: CommandParser) -> Run:
    """List what was granted to a user, himself and by way of his groups."""
    add_uid(parser)
    add_output_options(parser)
    add_server_options(parser)
    return show_permissions_of_user


def add_uid(parser: CommandParser) -> None:
    """Declare who it is about."""
    parser.add_argument("uid", metavar="UID", help="name of the user")


def delete_user(arguments: Namespace) -> int:
    """Remove a user of either kind."""
    connect_iam(arguments).request("DELETE", "users", arguments.uid)
    return EXIT_OK


def _create(arguments: Namespace) -> int:
    with password_of(arguments, confirm=True) as password:
        body = {"description": arguments.description, "password": password.reveal().decode()}
        connect_iam(arguments).request("PUT", "users", arguments.uid, body=body)
    return EXIT_OK


def _update(arguments: Namespace) -> int:
    body = {} if arguments.description is None else {"description": arguments.description}
    if arguments.new_password or arguments.password is not None or arguments.password_file is not None:
        with password_of(arguments, confirm=True) as password:
            body["password"] = password.reveal().decode()
    if not body:
        raise UsageError("expected --description, --new-password, or both")
    connect_iam(arguments).request("PATCH", "users", arguments.uid, body=body)
    return EXIT_OK


def _show(arguments: Namespace) -> int:
    if arguments.uid is None:
        return _list(arguments)
    user = connect_iam(arguments).request("GET", "users", arguments.uid)
    show_thing(user, (*USER, ("Service account", "is_service")), arguments)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    show_rows(connect_iam(arguments).array("users"), USER, arguments)
    return EXIT_OK
