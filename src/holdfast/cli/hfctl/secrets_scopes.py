"""``hfctl secrets scope``: who may name which secrets as keys of volumes."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import Run

SCOPES = "cluster/secrets/scopes"


def list_scopes(parser: CommandParser) -> Run:
    """List the scopes."""
    add_node_options(parser)
    return _list


def put_scope(parser: CommandParser) -> Run:
    """Open secrets below a path to some users or groups, or to everybody who has a token.

    For example:

        hfctl secrets scope set team --prefix 'teams/{group}' --group blue --group red
        hfctl secrets scope delete team
    """
    parser.add_argument("name", help="what the scope is called; own is the one that there is at first")
    parser.add_argument(
        "--prefix", required=True, metavar="PATH", help="{user} and {group} stand for the caller's"
    )
    parser.add_argument("--namespace", default="", help="the provider's namespace")
    parser.add_argument("--user", action="append", default=[], metavar="NAME", help="may be repeated")
    parser.add_argument("--group", action="append", default=[], metavar="NAME", help="may be repeated")
    add_node_options(parser)
    return _put


def delete_scope(parser: CommandParser) -> Run:
    """Delete a scope."""
    parser.add_argument("name", help="of the scope")
    add_node_options(parser)
    return _delete


def _list(arguments: Namespace) -> int:
    scopes = node_client(arguments).request("GET", SCOPES).get("scopes", [])
    if prints_for_programs(arguments):
        print_result(scopes, output_format(arguments))
        return 0
    rows = [
        [
            scope["name"],
            scope.get("prefix") or "(any)",
            scope.get("namespace", ""),
            ",".join(scope.get("users") or ()),
            ",".join(scope.get("groups") or ()),
        ]
        for scope in scopes
    ]
    print_table(["NAME", "PREFIX", "NAMESPACE", "USERS", "GROUPS"], rows)
    return 0


def _put(arguments: Namespace) -> int:
    scope = {
        "name": arguments.name,
        "prefix": arguments.prefix,
        "namespace": arguments.namespace,
        "users": arguments.user,
        "groups": arguments.group,
    }
    answer = node_client(arguments).request("PUT", SCOPES, {"scope": scope})
    return print_answer(arguments, answer, f"Secret scope {arguments.name} stored")


def _delete(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"{SCOPES}/{arguments.name}")
    return print_answer(arguments, answer, f"Secret scope {arguments.name} deleted")
