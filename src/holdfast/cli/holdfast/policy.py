"""``holdfast policy write | read | list | delete``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of, nothing_found
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import text_of_file
from holdfast.client.errors import RemoteNotFoundError


def write(parser: CommandParser) -> Run:
    """Store a policy, replacing the one of that name; tokens that carry it follow it at once."""
    parser.add_argument("name")
    parser.add_argument("file", help="HCL or JSON text; - is standard input")
    add_server_options(parser)
    return _write


def read(parser: CommandParser) -> Run:
    """Print the text of a policy."""
    parser.add_argument("name")
    add_format_option(parser)
    add_server_options(parser)
    return _read


def list_names(parser: CommandParser) -> Run:
    """List the names of all policies."""
    add_format_option(parser)
    add_server_options(parser)
    return _list


def delete(parser: CommandParser) -> Run:
    """Remove a policy; tokens that carry it lose what it allowed at once."""
    parser.add_argument("name")
    add_server_options(parser)
    return _delete


def _write(arguments: Namespace) -> int:
    text = text_of_file(arguments.file, name="policy")
    name = arguments.name.lower()  # the store folds policy names, so say what it will be called
    connect(arguments).put_policy(name, text)
    print(f"Success! Uploaded policy: {name}")
    return EXIT_OK


def _read(arguments: Namespace) -> int:
    try:
        text = connect(arguments).get_policy(arguments.name.lower())
    except RemoteNotFoundError:
        return nothing_found(f"policy {arguments.name}")
    if arguments.format == "table":
        print(text)
    else:
        print_result({"policy": text}, arguments.format)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    names = data_of(connect(arguments).request("LIST", "sys/policies/acl")).get("keys") or []
    if arguments.format == "table":
        print("\n".join(names))
    else:
        print_result(names, arguments.format)
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    connect(arguments).delete_policy(arguments.name.lower())
    print(f"Success! Deleted policy: {arguments.name.lower()}")
    return EXIT_OK
