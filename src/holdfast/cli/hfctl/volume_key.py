"""``hfctl volume key``: where one volume's key is, and another one for it."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, output_format, print_answer
from holdfast.cli.hfctl.pairs import namespace_of
from holdfast.cli.hfctl.volume import describe_key, inspect_volume
from holdfast.cli.output import print_result
from holdfast.cli.program import Run


def show(parser: CommandParser) -> Run:
    """Show where the key is kept; never the key."""
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)
    return _show


def rotate(parser: CommandParser) -> Run:
    """Give the volume another key; the old one no longer opens it.

    For example:

        hfctl volume key rotate data
        hfctl volume key rotate data --secret_key teams/blue/data
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--secret_key", metavar="NAME", default="", help="the secret to use from now on")
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    add_node_options(parser)
    return _rotate


def _show(arguments: Namespace) -> int:
    print_result(inspect_volume(arguments).get("holdfast", {}).get("key", {}), output_format(arguments))
    return 0


def _rotate(arguments: Namespace) -> int:
    body = {
        "volume_id": arguments.volume,
        "secret_name": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
    }
    answer = node_client(arguments).request("POST", "volumes/rotatekey", body)
    return print_answer(
        arguments, answer, f"Volume {arguments.volume} now uses {describe_key(answer['key'])}"
    )
