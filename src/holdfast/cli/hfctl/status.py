"""``hfctl status`` and ``hfctl whoami``: what the node can do, and who it takes you for."""

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, output_format, prints_for_programs
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.program import Run


def status(parser: CommandParser) -> Run:
    """Show what the node can do with volumes."""
    add_node_options(parser)
    return _status


def who_am_i(parser: CommandParser) -> Run:
    """Show who the node takes you for, after checking the token."""
    add_node_options(parser)
    return _who_am_i


def _status(arguments: Namespace) -> int:
    client = node_client(arguments)
    node = client.request("GET", "nodes/inspectcurrent")["node"]
    version = client.request("GET", "identities/version")["version"]["version"]
    if prints_for_programs(arguments):
        print_result({**node, "version": version}, output_format(arguments))
        return 0
    own = node["holdfast"]
    way = "attaches volumes" if own.get("attaches") else "copies trees in and out, does not attach"
    pairs: list[tuple[str, Any]] = [
        ("Status", "operational"),
        ("Node", node["id"]),
        ("Cluster", own["cluster_id"]),
        ("Version", version),
        ("Security", node["security_status"].lower()),
        ("Volume back end", f"{own.get('backend', 'none')} ({way})"),
        *((f"Not {name}", why) for name, why in own.get("passed_over", {}).items()),
        ("Pool free", format_size(int(own.get("pool_free_bytes", 0)))),
    ]
    print_pairs(pairs)
    return 0


def _who_am_i(arguments: Namespace) -> int:
    who = node_client(arguments).request("GET", "identities/whoami")
    if prints_for_programs(arguments):
        print_result(who, output_format(arguments))
        return 0
    expires_at = int(who.get("expires_at", 0))
    ends = datetime.fromtimestamp(expires_at, UTC).isoformat() if expires_at else "never"
    print_pairs(
        [
            ("Username", who.get("username", "")),
            ("Name", who.get("name", "")),
            ("Email", who.get("email", "")),
            ("Subject", who.get("subject", "")),
            ("Issuer", who.get("issuer", "")),
            ("Roles", ", ".join(who.get("roles", []))),
            ("Groups", ", ".join(who.get("groups", []))),
            ("Expiration Time", ends),
        ]
    )
    return 0
