"""``holdfast security secrets create | get | list | update | delete``: the DC/OS dialect."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_dcos
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import text_of_file, warn_of_inline
from holdfast.client import DcosClient


def create(parser: CommandParser) -> Run:
    """Create a secret; refused if there is one already."""
    _add_value_options(parser)
    return _create


def update(parser: CommandParser) -> Run:
    """Replace the value of a secret; refused if there is none."""
    _add_value_options(parser)
    return _update


def get(parser: CommandParser) -> Run:
    """Print the value of a secret, exactly."""
    _add_common_options(parser)
    parser.add_argument("--json", "-j", action="store_true", help="as an object with the value")
    return _get


def list_names(parser: CommandParser) -> Run:
    """List the names of all secrets below a path, at any depth; / is everything."""
    _add_common_options(parser)
    parser.add_argument("--json", "-j", action="store_true", help="as an array")
    return _list


def delete(parser: CommandParser) -> Run:
    """Delete a secret."""
    _add_common_options(parser)
    return _delete


def _add_common_options(parser: CommandParser) -> None:
    parser.add_argument("path", help="of the secret; a leading slash makes no difference")
    parser.add_argument("--store-id", "-s", default="default", help="name of the secret store [default]")
    add_server_options(parser)


def _add_value_options(parser: CommandParser) -> None:
    _add_common_options(parser)
    parser.add_argument("--value", "-v", help="the value itself; better from a file")
    parser.add_argument(
        "--value-file",
        "--text-file",
        "-f",
        "-t",
        metavar="FILE",
        help="UTF-8 file that holds the value, exactly; - is standard input",
    )


def _create(arguments: Namespace) -> int:
    value = _value(arguments)
    _connect(arguments).create(arguments.path, value)
    return EXIT_OK


def _update(arguments: Namespace) -> int:
    value = _value(arguments)
    _connect(arguments).update(arguments.path, value)
    return EXIT_OK


def _get(arguments: Namespace) -> int:
    value = _connect(arguments).get(arguments.path)
    if arguments.json:
        print_result({"value": value}, "json")
    else:
        print(value)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    names = _connect(arguments).list(arguments.path)
    if arguments.json:
        print_result(names, "json")
    else:
        for name in names:
            print(name)
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    _connect(arguments).delete(arguments.path)
    return EXIT_OK


def _connect(arguments: Namespace) -> DcosClient:
    return connect_dcos(arguments, store=arguments.store_id)


def _value(arguments: Namespace) -> str:
    if (arguments.value is None) == (arguments.value_file is None):
        raise UsageError("expected exactly one of --value and --value-file")
    if arguments.value_file is not None:
        return text_of_file(arguments.value_file, name="value file")
    warn_of_inline("--value")
    value: str = arguments.value
    return value
