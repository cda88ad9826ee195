"""``hfctl volume catalog``: what lies in a mounted volume, without having its files at hand."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    prints_for_programs,
)
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import on_one_line, print_result, print_table, remark
from holdfast.cli.program import Run

HEADER = ("PATH", "TYPE", "SIZE", "MODIFIED")


def catalog(parser: CommandParser) -> Run:
    """Show which files lie in a volume that is mounted at the node: names and sizes, no content.

    For example:

        hfctl volume catalog data --path /logs --depth 1
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--path", default="", metavar="PATH", help="where in the volume to begin [/]")
    parser.add_argument("--depth", default="", metavar="LAYERS", help="how many layers [all]")
    parser.add_argument("--max", default="0", metavar="NUMBER", help="at most this many [10000]")
    add_node_options(parser)
    return _catalog


def _catalog(arguments: Namespace) -> int:
    body = {
        "volume_id": arguments.volume,
        "path": arguments.path,
        "depth": arguments.depth,
        "max_entries": arguments.max,
    }
    found = node_client(arguments).request("POST", "volume/catalog", body)["catalog"]
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    root = found["root"]
    print_table(HEADER, [_row(entry) for entry in _below(root)] or [_row(root)])
    if found.get("incomplete"):
        remark("Note: there is more than one listing may hold; name a --path further down.")
    return 0


def _below(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in entry.get("children", ()):
        yield child
        yield from _below(child)


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    size = format_size(int(entry.get("size", 0))) if entry["type"] == "File" else ""
    # Whoever writes to the volume chooses the names in it.
    return (on_one_line(entry["path"]), entry["type"], size, entry.get("LastModified", ""))
