"""``holdfast operator unseal | seal | rotate | key-status | members | step-down``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of
from holdfast.cli.holdfast.connection import (
    DEFAULT_ADDRESS,
    add_format_option,
    add_server_options,
    connect,
)
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.holdfast.status import show_seal_state, with_leader
from holdfast.cli.output import print_pairs, print_result, print_table
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word
from holdfast.client import VaultClient

_OF_NODES = (
    ("Host Name", "hostname"),
    ("API Address", "api_address"),
    ("Cluster Address", "cluster_address"),
    ("Active Node", "active_node"),
    ("Version", "version"),
    ("Last Echo", "last_echo"),
)


def unseal(parser: CommandParser) -> Run:
    """Hand over one share of the unseal key; repeat with others until the threshold is reached."""
    parser.add_argument("key", nargs="?", help="the share; better left out: it is asked for without echo")
    parser.add_argument("--reset", action="store_true", help="forget the shares handed over so far")
    parser.add_argument("--migrate", action="store_true", help="for a store whose seal is being replaced")
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


def step_down(parser: CommandParser) -> Run:
    """Make the leading node give up its lead; a node that does not lead ignores it."""
    add_server_options(parser)
    return _step_down


def members(parser: CommandParser) -> Run:
    """List the nodes of the store."""
    add_format_option(parser)
    add_server_options(parser)
    return _members


def _unseal(arguments: Namespace) -> int:
    client = connect(arguments)
    if arguments.reset:
        body: dict[str, Any] = {"reset": True}
    else:
        ask = not arguments.non_interactive
        share = secret_word(arguments.key, prompt="Unseal Key", name="unseal key", ask=ask)
        body = {"key": share.reveal().decode(), "reset": False, "migrate": arguments.migrate}
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


def _step_down(arguments: Namespace) -> int:
    connect(arguments).request("PUT", "sys/step-down")
    print(f"Success! Stepped down: {arguments.address or setting('ADDR') or DEFAULT_ADDRESS}")
    return EXIT_OK


def _members(arguments: Namespace) -> int:
    nodes = data_of(connect(arguments).request("GET", "sys/ha-status")).get("nodes") or []
    if arguments.format != "table":
        print_result({"Nodes": nodes}, arguments.format)
        return EXIT_OK
    rows = [[node.get(name) for _, name in _OF_NODES] for node in nodes]
    print_table([title for title, _ in _OF_NODES], rows)
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
