"""``hfctl status`` and ``hfctl whoami``: how the cluster and this node are, and who the node takes you for.

A cluster in which some nodes look at tokens and others do not is as open as its most open node. Nobody who
asks how it is must miss that.
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, output_format, prints_for_programs
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import print_pairs, print_result, print_table, warn
from holdfast.cli.program import Run
from holdfast.client import SdkClient
from holdfast.errors import PermissionDeniedError, UnsupportedError

SECURED = frozenset({"SECURED", "SECURED_ALLOW_SECURITY_REMOVAL"})


def status(parser: CommandParser) -> Run:
    """Show how the cluster is, which of its nodes look at tokens, and what this node can do with volumes."""
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
    nodes = _nodes(client) or [node]
    cluster = client.request("GET", "clusters/inspectcurrent")["cluster"].get("holdfast", {})
    if prints_for_programs(arguments):
        security = security_of(nodes)
        print_result(
            {**node, "version": version, "nodes": nodes, "cluster_security": security},
            output_format(arguments),
        )
    else:
        _print_status(node, nodes, version, required=bool(cluster.get("security_required")))
    for text in warnings_about(nodes):
        warn(text)
    return 0


def _print_status(
    node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], version: str, *, required: bool
) -> None:
    own = node.get("holdfast", {})
    way = "attaches volumes" if own.get("attaches") else "copies trees in and out, does not attach"
    pairs: list[tuple[str, Any]] = [
        ("Status", "operational"),
        ("Node", node["id"]),
        ("Cluster", own.get("cluster_id", "")),
        ("Version", version),
        ("Security", security_of(nodes) + (", and required of every node" if required else "")),
        ("Volume back end", f"{own.get('backend', 'none')} ({way})"),
        *((f"Not {name}", why) for name, why in own.get("passed_over", {}).items()),
        ("Pool free", format_size(int(own.get("pool_free_bytes", 0)))),
    ]
    print_pairs(pairs)
    print()
    rows = [
        (
            each["id"] + (" (this one)" if each["id"] == node["id"] else ""),
            each.get("holdfast", {}).get("address") or each.get("mgmt_ip", ""),
            _security_words(each),
            "online" if _is_there(each) else "offline",
            each.get("holdfast", {}).get("version", ""),
        )
        for each in nodes
    ]
    print_table(("NODE", "ADDRESS", "SECURITY", "STATUS", "VERSION"), rows)


def security_of(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return whether the nodes that are there look at tokens: ``secured``, ``MIXED`` or ``unsecured``."""
    looking = [_is_secured(node) for node in nodes if _is_there(node)]
    if all(looking):
        return "secured"
    return "MIXED" if any(looking) else "unsecured"


def warnings_about(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what whoever asks how the cluster is has to know."""
    there = [node for node in nodes if _is_there(node)]
    open_nodes = [str(node["id"]) for node in there if not _is_secured(node)]
    if not open_nodes:
        return []
    if len(open_nodes) == len(there):
        return ["no node looks at tokens: whoever reaches one may do everything there."]
    said = f"THE CLUSTER IS NOT SECURE: {', '.join(open_nodes)} of {len(there)} nodes look at no token."
    return [f"{said} Give them the keys that the others have, and start them again."]


def _nodes(client: SdkClient) -> list[dict[str, Any]]:
    try:
        found = client.request("GET", "nodes/filters").get("nodes", [])
    except (PermissionDeniedError, UnsupportedError):  # a role for this node alone; an older node
        return []
    return sorted(found, key=lambda node: str(node["id"]))


def _is_there(node: Mapping[str, Any]) -> bool:
    return node.get("status") != "STATUS_OFFLINE"


def _is_secured(node: Mapping[str, Any]) -> bool:
    return node.get("security_status") in SECURED


def _security_words(node: Mapping[str, Any]) -> str:
    words = str(node.get("security_status", "UNSPECIFIED")).lower().replace("_", " ")
    return words if _is_secured(node) else words.upper()


def _who_am_i(arguments: Namespace) -> int:
    who = node_client(arguments).request("GET", "identities/whoami")
    if prints_for_programs(arguments):
        print_result(who, output_format(arguments))
        return 0
    print_pairs(
        [
            ("Username", who.get("username", "")),
            ("Name", who.get("name", "")),
            ("Email", who.get("email", "")),
            ("Subject", who.get("subject", "")),
            ("Issuer", who.get("issuer", "")),
            ("Roles", ", ".join(who.get("roles", []))),
            ("Groups", ", ".join(who.get("groups", []))),
            ("Issued At Time", _moment(who.get("issued_at"))),
            ("Expiration Time", _moment(who.get("expires_at")) or "never"),
            ("Token ID", who.get("token_id", "")),
        ]
    )
    return 0


def _moment(seconds: str | None) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else ""
