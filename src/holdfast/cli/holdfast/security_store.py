"""``holdfast security cluster secret-store show | status | seal-status | seal | unseal | auto-unseal``."""

import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_dcos
from holdfast.cli.holdfast.security_output import add_output_options, show_rows, show_thing
from holdfast.cli.output import warn
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word, text_of_file
from holdfast.client import DcosClient
from holdfast.model import SecretBytes

_STORE = (
    ("Name", "name"),
    ("Driver", "driver"),
    ("Initialized", "initialized"),
    ("Sealed", "sealed"),
    ("Description", "description"),
)
_SEAL = (("Sealed", "sealed"), ("Threshold", "threshold"), ("Shares", "shares"), ("Progress", "progress"))

# A key that somebody typed where the store's name belongs would become part of an address, and be logged.
_LIKE_A_KEY = re.compile(r"[0-9A-Za-z+/=_-]{43,}")


def show(parser: CommandParser) -> Run:
    """Show all secret stores, or one: what it is, and whether it is sealed."""
    parser.add_argument("store", metavar="ID", nargs="?", help="name of the store; all without one")
    add_output_options(parser)
    add_server_options(parser)
    return _show


def status(parser: CommandParser) -> Run:
    """Ask whether a store is there and its service answers; a sealed one does too."""
    add_store_options(parser)
    return _status


def seal_status(parser: CommandParser) -> Run:
    """Show whether a store is sealed, and how far unsealing is."""
    add_store_options(parser)
    return _seal_status


def seal(parser: CommandParser) -> Run:
    """Make every node forget the keys; the store stays sealed, over restarts too, until it is unsealed."""
    add_store_options(parser)
    _add_node_option(parser, "seal")
    return _seal


def unseal(parser: CommandParser) -> Run:
    """Hand in a decrypted unseal key, or one of its shares; repeat until the threshold is reached."""
    add_store_id(parser)
    parser.add_argument("key", metavar="KEY", nargs="?", help="better left out: it is asked for without echo")
    parser.add_argument("--key-file", metavar="FILE", help="file that holds the key; - is standard input")
    _add_node_option(parser, "unseal")
    add_output_options(parser)
    add_server_options(parser)
    return _unseal


def auto_unseal(parser: CommandParser) -> Run:
    """Have the store open itself with the private key that its configuration names."""
    add_store_options(parser)
    _add_node_option(parser, "unseal")
    return _auto_unseal


def add_store_id(parser: CommandParser) -> None:
    """Declare the store's name."""
    parser.add_argument("store", metavar="ID", help="name of the secret store, such as default")


def add_store_options(parser: CommandParser) -> None:
    """Declare the store's name, how the result is printed, and the server."""
    add_store_id(parser)
    add_output_options(parser)
    add_server_options(parser)


def connect_to(arguments: Namespace) -> DcosClient:
    """Return a client of the named store.

    Raises:
        UsageError: what stands there looks like a key.
    """
    if _LIKE_A_KEY.fullmatch(arguments.store):
        raise UsageError("ID: expected the name of a store, such as default; a key comes after it")
    return connect_dcos(arguments, store=arguments.store)


def _add_node_option(parser: CommandParser, verb: str) -> None:
    parser.add_argument(
        "--this-node", action="store_true", help=f"{verb} only the node that answers, not all of them"
    )


def _show(arguments: Namespace) -> int:
    if arguments.store is None:
        show_rows(connect_dcos(arguments, store="default").stores(), _STORE, arguments)
    else:
        show_thing(connect_to(arguments).store(), _STORE, arguments)
    return EXIT_OK


def _status(arguments: Namespace) -> int:
    connect_to(arguments).ping()
    columns = (("Name", "name"), ("Status", "status"))
    show_thing({"name": arguments.store, "status": "alive"}, columns, arguments)
    return EXIT_OK


def _seal_status(arguments: Namespace) -> int:
    _show_seal(connect_to(arguments).seal_status(), arguments)
    return EXIT_OK


def _seal(arguments: Namespace) -> int:
    client = connect_to(arguments)
    client.seal(this_node=arguments.this_node)
    _show_seal(client.seal_status(), arguments)
    return EXIT_OK


def _unseal(arguments: Namespace) -> int:
    client = connect_to(arguments)
    with _key(arguments) as key:
        _show_seal(client.unseal(key, this_node=arguments.this_node), arguments)
    return EXIT_OK


def _auto_unseal(arguments: Namespace) -> int:
    _show_seal(connect_to(arguments).auto_unseal(this_node=arguments.this_node), arguments)
    return EXIT_OK


def _key(arguments: Namespace) -> SecretBytes:
    if arguments.key_file is None:
        return secret_word(arguments.key, prompt="Unseal Key", name="unseal key")
    if arguments.key is not None:
        raise UsageError("expected at most one of KEY and --key-file")
    return SecretBytes(text_of_file(arguments.key_file, name="key file").strip().encode())


def _show_seal(state: Mapping[str, Any], arguments: Namespace) -> None:
    for text in state.get("warnings") or ():
        warn(str(text))
    show_thing(state, _SEAL, arguments)
