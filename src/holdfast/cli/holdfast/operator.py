"""``holdfast operator unseal | seal | rotate | key-status``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.status import show_seal_state, with_leader
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word
from holdfast.client import VaultClient


def unseal(parser: CommandParser) -> Run:
    """Hand over one share of the unseal key; repeat with others until the threshold is reached."""
    parser.add_argument("key", nargs="?", help="the share; better left out: it is asked for without echo")
    parser.add_argument("--reset", action="store_true", help="forget the shares handed over so far")
    add_format_option(parser)
    add_server_options(parser)
    return _unseal


def seal(parser: CommandParser) -> Run:
    """Make the store forget its keys at once; every request is refused until it is unsealed."""
    add_server_options(parser)
    return _seal


def rotate(parser: CommandParser) -> Run:
    """Add an encryption key for new records; older records stay readable and are not rewritten."""
    add_format_option(parser)
    add_server_options(parser)
    return _rotate


def key_status(parser: CommandParser) -> Run:
    """Show the number and age of the encryption key in use."""
    add_format_option(parser)
    add_server_options(parser)
    return _key_status


def _unseal(arguments: Namespace) -> int:
    client = connect(arguments)
    if arguments.reset:
        body: dict[str, Any] = {"reset": True}
    else:
        share = secret_word(arguments.key, prompt="Unseal Key", name="unseal key")
        body = {"key": share.reveal().decode(), "reset": False, "migrate": False}
    state = client.request("PUT", "sys/unseal", body)
    show_seal_state(with_leader(client, state), arguments.format)
    return EXIT_OK


def _seal(arguments: Namespace) -> int:
    connect(arguments).seal()
    print("Success! Holdfast is sealed.")
    return EXIT_OK


def _rotate(arguments: Namespace) -> int:
    client = connect(arguments)
    client.request("PUT", "sys/rotate")
    if arguments.format == "table":
        print("Success! Rotated key\n")
    _show_key_status(client, arguments.format)
    return EXIT_OK


def _key_status(arguments: Namespace) -> int:
    _show_key_status(connect(arguments), arguments.format)
    return EXIT_OK


def _show_key_status(client: VaultClient, output_format: str) -> None:
    state = data_of(client.request("GET", "sys/key-status"))
    if output_format != "table":
        print_result(state, output_format)
        return
    print_pairs(
        [
            ("Key Term", state.get("term")),
            ("Install Time", state.get("install_time")),
            ("Encryption Count", state.get("encryptions")),
        ],
    )
