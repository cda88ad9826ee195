"""``hfctl volume resize``, ``usage`` and ``stats``: how large, how full and how busy a volume is."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.sizes import format_size, parse_size
from holdfast.cli.output import print_result, print_table, remark
from holdfast.cli.program import Run

USAGE_HEADER = ("VOLUME", "TOTAL", "EXCLUSIVE", "SHARED")
STATS_HEADER = ("READS", "BYTES READ", "WRITES", "BYTES WRITTEN", "IO TIME", "IN PROGRESS", "BYTES USED")


def resize(parser: CommandParser) -> Run:
    """Make a volume larger, attached or not. It never becomes smaller.

    For example:

        hfctl volume resize data --size 20G
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--size", required=True, help="such as 64M; a bare number counts GiB")
    add_node_options(parser)
    return _resize


def usage(parser: CommandParser) -> Run:
    """Show what a volume takes of the pool: what was written, not the size it offers."""
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)
    return _usage


def stats(parser: CommandParser) -> Run:
    """Show what a volume's device has done since it was attached."""
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)
    return _stats


def request_size(arguments: Namespace) -> dict[str, Any]:
    """Ask for the size that the arguments name; tell if the file system is not there yet."""
    client = node_client(arguments)
    body = {"spec": {"size": str(parse_size(arguments.size))}}
    answer: dict[str, Any] = client.request("PUT", f"volumes/{arguments.volume}", body)
    volume = client.request("GET", f"volumes/inspect/{arguments.volume}")["volume"]
    if volume.get("fs_resize_required"):
        remark("Note: its file system will fill it when it is mounted next.")
    return answer


def _resize(arguments: Namespace) -> int:
    answer = request_size(arguments)
    return print_answer(arguments, answer, f"Volume {arguments.volume} successfully resized")


def _usage(arguments: Namespace) -> int:
    answer = node_client(arguments).request("GET", f"volumes/usage/{arguments.volume}")
    info = answer.get("capacity_usage_info", {})
    if prints_for_programs(arguments):
        print_result(info, output_format(arguments))
    else:
        figures = [_bytes(info, f"{name}_bytes") for name in ("total", "exclusive", "shared")]
        print_table(USAGE_HEADER, [(arguments.volume, *figures)])
    return 0


def _stats(arguments: Namespace) -> int:
    found = node_client(arguments).request("GET", f"volumes/stats/{arguments.volume}").get("stats", {})
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
    else:
        row = (
            str(found.get("reads", 0)),
            _bytes(found, "read_bytes"),
            str(found.get("writes", 0)),
            _bytes(found, "write_bytes"),
            f"{found.get('io_ms', 0)} ms",
            str(found.get("io_progress", 0)),
            _bytes(found, "bytes_used"),
        )
        print_table(STATS_HEADER, [row])
    return 0


def _bytes(figures: Mapping[str, Any], name: str) -> str:
    return format_size(int(figures.get(name, 0)))
