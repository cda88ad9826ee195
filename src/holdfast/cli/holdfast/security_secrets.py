"""``holdfast security secrets create | get | list | update | delete``: the DC/OS dialect.

A secret is a text or binary. A text is printed as it is; only a terminal gets a newline after it. Binary goes
to a file or a pipe byte by byte, and to a terminal only when asked for: it could hold commands to that.
"""

import base64
import sys
from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_dcos
from holdfast.cli.holdfast.security_output import add_output_options, output_format
from holdfast.cli.output import print_result, printable
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import bytes_of_file, warn_of_inline
from holdfast.client import DcosClient
from holdfast.client.errors import RemoteNotFoundError


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
    add_secret_options(parser)
    parser.add_argument("--raw", action="store_true", help="send a binary value to a terminal too")
    add_output_options(parser)
    return _get


def list_names(parser: CommandParser) -> Run:
    """List the names of all secrets below a path, at any depth; / is everything."""
    add_secret_options(parser)
    add_output_options(parser)
    return _list


def delete(parser: CommandParser) -> Run:
    """Delete one secret. Secrets below its path stay, unless --recursive is given."""
    add_secret_options(parser)
    parser.add_argument(
        "--recursive", "-r", action="store_true", help="delete every secret below the path as well"
    )
    return _delete


def add_secret_options(parser: CommandParser) -> None:
    """Declare the path of a secret, its store and the server."""
    parser.add_argument("path", help="of the secret; a leading slash makes no difference")
    parser.add_argument("--store-id", "-s", default="default", help="name of the secret store [default]")
    add_server_options(parser)


def connect_to_store(arguments: Namespace) -> DcosClient:
    """Return a client of the store that the options name."""
    return connect_dcos(arguments, store=arguments.store_id)


def _add_value_options(parser: CommandParser) -> None:
    add_secret_options(parser)
    parser.add_argument("--value", "-v", help="the value itself, a text; better from a file")
    parser.add_argument(
        "--text-file",
        "--value-file",
        "-t",
        metavar="FILE",
        help="UTF-8 file that holds the value, exactly; - is standard input",
    )
    parser.add_argument(
        "--file",
        "-f",
        metavar="FILE",
        help="file whose bytes become a binary value; - is standard input",
    )


def _create(arguments: Namespace) -> int:
    value = _value(arguments)
    connect_to_store(arguments).create(arguments.path, value)
    return EXIT_OK


def _update(arguments: Namespace) -> int:
    value = _value(arguments)
    connect_to_store(arguments).update(arguments.path, value)
    return EXIT_OK


def _get(arguments: Namespace) -> int:
    value = connect_to_store(arguments).read(arguments.path)
    chosen = output_format(arguments)
    if chosen != "table":
        name = "value" if value.is_text else "value_base64"
        shown = value.content if value.is_text else base64.b64encode(value.content)
        print_result({name: shown.decode("utf-8", "surrogatepass")}, chosen)
        return EXIT_OK
    is_terminal = sys.stdout.isatty()
    if is_terminal and not value.is_text and not arguments.raw:
        raise LocalError(
            "the secret is binary: send it to a file with >, or see it as base64 with -j; "
            "--raw prints it here all the same"
        )
    sys.stdout.flush()
    sys.stdout.buffer.write(value.content)
    if is_terminal and value.is_text:
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    names = connect_to_store(arguments).list(arguments.path)
    chosen = output_format(arguments)
    if chosen != "table":
        print_result(names, chosen)
        return EXIT_OK
    for name in names:
        print(printable(name))
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    if arguments.recursive:
        return _delete_all(arguments)
    connect_to_store(arguments).delete(arguments.path)
    return EXIT_OK


def _delete_all(arguments: Namespace) -> int:
    """Delete what is below a path and what is at it, one by one, and say which are gone."""
    folder = arguments.path.strip("/")
    if not folder:
        raise UsageError("path: expected a folder; all secrets of a store are not deleted at once")
    client = connect_to_store(arguments)
    below = [f"{folder}/{name}" for name in client.list(folder)]
    for path in below:
        client.delete(path)
        print(printable(path))
    try:
        client.delete(folder)
    except RemoteNotFoundError:
        if not below:
            raise
    else:
        print(printable(folder))
    return EXIT_OK


def _value(arguments: Namespace) -> str | bytes:
    given = (arguments.value, arguments.text_file, arguments.file)
    if sum(one is not None for one in given) != 1:
        raise UsageError("expected exactly one of --value, --text-file and --file")
    if arguments.file is not None:
        return bytes_of_file(arguments.file, name="file")
    if arguments.text_file is not None:
        try:
            return bytes_of_file(arguments.text_file, name="text file").decode("utf-8")
        except UnicodeDecodeError:
            raise LocalError("text file: expected UTF-8; --file takes binary content as it is") from None
    warn_of_inline("--value")
    value: str = arguments.value
    return value
