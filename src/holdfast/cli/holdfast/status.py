"""``holdfast status``, and the table of a seal's state that unsealing prints too."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run
from holdfast.client import VaultClient
from holdfast.client.errors import RemoteError

EXIT_SEALED = EXIT_REMOTE_ERROR

_SHOWN_IF_TOLD = (
    ("Build Date", "build_date"),
    ("Storage Type", "storage_type"),
    ("Cluster Name", "cluster_name"),
    ("Cluster ID", "cluster_id"),
)


def status(parser: CommandParser) -> Run:
    """Show the state of the store: exit code 0 when it is unsealed, 2 when sealed, 1 on any error."""
    add_format_option(parser)
    add_server_options(parser)
    return _status


def _status(arguments: Namespace) -> int:
    client = connect(arguments)
    try:
        state = seal_state(client)
    except RemoteError as error:
        # Scripts wait for 2, which here means sealed; so the server's trouble counts as ours.
        raise LocalError(error.message) from None
    show_seal_state(state, arguments.format)
    return EXIT_SEALED if state["sealed"] else EXIT_OK


def seal_state(client: VaultClient) -> dict[str, Any]:
    """Return what the store says about its seal, with ``ha_enabled`` added."""
    return with_leader(client, client.request("GET", "sys/seal-status"))


def with_leader(client: VaultClient, state: dict[str, Any]) -> dict[str, Any]:
    """Return a seal's state with ``ha_enabled`` added."""
    # A sealed node of a cluster refuses to say who leads; so a refusal means that there is a cluster.
    try:
        enabled = bool(client.request("GET", "sys/leader").get("ha_enabled"))
    except RemoteError:
        enabled = True
    return {**state, "ha_enabled": enabled}


def show_seal_state(state: dict[str, Any], output_format: str) -> None:
    """Print a seal's state."""
    if output_format != "table":
        print_result(state, output_format)
        return
    rows: list[tuple[str, Any]] = [
        ("Seal Type", state.get("type")),
        ("Initialized", state.get("initialized")),
        ("Sealed", state.get("sealed")),
        ("Total Shares", state.get("n")),
        ("Threshold", state.get("t")),
    ]
    if state.get("sealed"):
        rows.append(("Unseal Progress", f"{state.get('progress', 0)}/{state.get('t', 0)}"))
        rows.append(("Unseal Nonce", state.get("nonce", "")))
    rows.append(("Version", state.get("version")))
    rows += [(title, state[name]) for title, name in _SHOWN_IF_TOLD if state.get(name)]
    rows.append(("HA Enabled", state["ha_enabled"]))
    print_pairs(rows)
