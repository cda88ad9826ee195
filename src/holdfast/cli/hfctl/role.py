"""``hfctl role``: the roles that tokens name."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.output import print_names, print_result
from holdfast.cli.program import Run

ROLE_KEYS = ("name", "rules")
RULE_KEYS = ("services", "apis", "scope")
SCOPE_KEYS = ("labels",)


def list_roles(parser: CommandParser) -> Run:
    """List the roles."""
    add_node_options(parser)
    return _list


def inspect(parser: CommandParser) -> Run:
    """Show the rules of a role, or of all of them."""
    parser.add_argument("--all", action="store_true", help="every role")
    _name_argument(parser)
    return _inspect


def create(parser: CommandParser) -> Run:
    """Store a role from a file: a name, and which services' APIs may be called.

        {"name": "team.reader",
         "rules": [{"services": ["volume"], "apis": ["inspect*", "*enumerate*"]}]}

    A star stands for any text at an end of a pattern; an exclamation mark at its beginning denies. A rule
    about volumes may have a scope, such as "scope": {"labels": {"team": "blue"}}: then it is about those
    volumes alone.
    """
    _file_argument(parser)
    return _create


def update(parser: CommandParser) -> Run:
    """Replace a role from a file; it acts on live tokens at once."""
    _file_argument(parser)
    return _update


def delete(parser: CommandParser) -> Run:
    """Remove a role; tokens that name it lose it at once."""
    _name_argument(parser)
    return _delete


def _name_argument(parser: CommandParser) -> None:
    parser.add_argument("role", nargs="?", help="name of the role; the same as --name")
    parser.add_argument("--name", help="name of the role")
    add_node_options(parser)


def _file_argument(parser: CommandParser) -> None:
    parser.add_argument("--role-config", metavar="FILE", help="JSON file with name and rules")
    parser.add_argument(
        "--allow-unknown", action="store_true", help="also if it names what nothing is called"
    )
    add_node_options(parser)


def _list(arguments: Namespace) -> int:
    names = node_client(arguments).request("GET", "roles").get("names", [])
    if prints_for_programs(arguments):
        print_result(names, output_format(arguments))
    else:
        print_names(names, header="Role")
    return 0


def _inspect(arguments: Namespace) -> int:
    client = node_client(arguments)
    if not arguments.all:
        shown: Any = client.request("GET", f"roles/inspect/{_name(arguments)}")["role"]
    elif arguments.name or arguments.role:
        raise UsageError("expected the name of one role, or --all")
    else:
        names = client.request("GET", "roles").get("names", [])
        shown = [client.request("GET", f"roles/inspect/{name}")["role"] for name in names]
    print_result(shown, output_format(arguments) if prints_for_programs(arguments) else "yaml")
    return 0


def _create(arguments: Namespace) -> int:
    role = read_role_file(arguments.role_config)
    answer = node_client(arguments).request("POST", "roles", _body(arguments, role))
    return print_answer(arguments, answer, f"Role {answer['role']['name']} successfully created")


def _update(arguments: Namespace) -> int:
    role = read_role_file(arguments.role_config)
    answer = node_client(arguments).request("PUT", "roles", _body(arguments, role))
    return print_answer(arguments, answer, f"Role {answer['role']['name']} successfully updated")


def _delete(arguments: Namespace) -> int:
    name = _name(arguments)
    answer = node_client(arguments).request("DELETE", f"roles/{name}")
    return print_answer(arguments, answer, f"Role {name} successfully deleted")


def _name(arguments: Namespace) -> str:
    name = arguments.name or arguments.role
    if not name or (arguments.name and arguments.role):
        raise UsageError("expected the name of one role")
    return str(name)


def _body(arguments: Namespace, role: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, **({"allow_unknown": True} if arguments.allow_unknown else {})}


def read_role_file(path: str | None) -> dict[str, Any]:
    """Return the role that a file describes.

    Raises:
        UsageError: no file was named.
        LocalError: it cannot be read, is no JSON object, or has keys that a role has not.
    """
    if not path:
        raise UsageError("--role-config: expected a JSON file with name and rules")
    try:
        role = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_each_once)
    except OSError as error:
        raise LocalError(f"--role-config: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise LocalError("--role-config: expected a JSON file in UTF-8") from None
    if not isinstance(role, dict):
        raise LocalError("--role-config: expected a JSON object with name and rules")
    _check_keys(role, ROLE_KEYS, "a role")
    rules = role.get("rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else (), start=1):
        if isinstance(rule, dict):
            _check_keys(rule, RULE_KEYS, f"rule {number}")
            if isinstance(scope := rule.get("scope"), dict):
                _check_keys(scope, SCOPE_KEYS, f"the scope of rule {number}")
    return role


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # the last would count, and who reads the file may see the first
        raise LocalError("--role-config: expected each key of an object once")
    return found


def _check_keys(found: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    if found.keys() - set(known):
        raise LocalError(
            f"--role-config: expected no key in {what} but {', '.join(known)}; correct the file and try again"
        )
