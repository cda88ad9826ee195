"""``hfctl volume import`` and ``export``: directory trees into and out of a volume, without mounting."""

from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.program import Run


def import_tree(parser: CommandParser) -> Run:
    """Replace a volume's content by a directory tree of the node's host."""
    parser.add_argument("volume", help="name or id")
    parser.add_argument("directory", help="the tree, below a directory that the node allows")
    add_node_options(parser)
    return _import


def export_tree(parser: CommandParser) -> Run:
    """Write a volume's content into an empty directory of the node's host."""
    parser.add_argument("volume", help="name or id")
    parser.add_argument("directory", help="an empty directory, below one that the node allows")
    add_node_options(parser)
    return _export


def _import(arguments: Namespace) -> int:
    source = str(Path(arguments.directory).absolute())
    body = {"volume_id": arguments.volume, "source_path": source}
    answer = node_client(arguments).request("POST", "mountattach/import", body)
    return print_answer(arguments, answer, f"{source} successfully imported into volume {arguments.volume}")


def _export(arguments: Namespace) -> int:
    destination = str(Path(arguments.directory).absolute())
    body = {"volume_id": arguments.volume, "destination_path": destination}
    answer = node_client(arguments).request("POST", "mountattach/export", body)
    return print_answer(
        arguments, answer, f"Volume {arguments.volume} successfully exported to {destination}"
    )
