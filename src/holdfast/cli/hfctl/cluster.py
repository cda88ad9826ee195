"""``hfctl cluster``: its nodes, the token by which another cluster pairs with it, and the pairs there are."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.signing import read_file
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import Run
from holdfast.cli.typed_input import secret_word
from holdfast.model import SecretBytes

DEFAULT_PORT = 9021
MODES = {"default": "Default", "dr": "DisasterRecovery", "migration": "OneTimeMigration"}
_MOST_PORT = 65_535


def show_token(parser: CommandParser) -> Run:
    """Show a token by which another cluster may pair with this one, once.

    Each time it is another one; those before stay good until they end, are used, or are reset.
    """
    add_node_options(parser)
    return lambda arguments: _token(arguments, "GET")


def reset_token(parser: CommandParser) -> Run:
    """Make a cluster token; all that were shown before are worth nothing from then on, at every node.

    To be done once after security was switched on in a cluster that is to be paired.
    """
    add_node_options(parser)
    return lambda arguments: _token(arguments, "POST")


def create_pair(parser: CommandParser) -> Run:
    """Pair this cluster with another one, by a token that `hfctl cluster token show` gives over there.

    For example:

        hfctl cluster pair create --ip 10.0.0.7 --token-file other.token
    """
    parser.add_argument(
        "--ip", metavar="ADDRESS", help="a node of the other cluster; TLS unless it says http://"
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="N", help=f"its port [{DEFAULT_PORT}]"
    )
    parser.add_argument("--token", metavar="TOKEN", help="the other's cluster token; - reads it")
    parser.add_argument("--token-file", metavar="FILE", help="the file that it is in")
    parser.add_argument(
        "--mode", type=one_of(*MODES), default="default", metavar="MODE", help="default, dr or migration"
    )
    parser.add_argument("--set-default", action="store_true", help="make it the default pair")
    add_node_options(parser)
    return _create_pair


def list_pairs(parser: CommandParser) -> Run:
    """List the clusters that this one is paired with; never their tokens."""
    add_node_options(parser)
    return _list_pairs


def delete_pair(parser: CommandParser) -> Run:
    """Forget a cluster that this one is paired with."""
    parser.add_argument("cluster", help="its id")
    add_node_options(parser)
    return _delete_pair


def remove_node(parser: CommandParser) -> Run:
    """Forget a node that is gone for good; `hfctl status` lists the nodes."""
    parser.add_argument("node", help="its name")
    add_node_options(parser)
    return _remove_node


def _remove_node(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"nodes/{arguments.node}")
    return print_answer(arguments, answer, f"Node {arguments.node} successfully removed")


def _token(arguments: Namespace, verb: str) -> int:
    body: dict[str, Any] | None = {} if verb == "POST" else None
    result = node_client(arguments).request(verb, "clusterpairs/token", body).get("result", {})
    return print_answer(arguments, result, f"Token is {result.get('token', '')}")


def _create_pair(arguments: Namespace) -> int:
    if not arguments.ip:
        raise UsageError("--ip: expected the address of a node of the other cluster")
    if not 0 < arguments.port <= _MOST_PORT:
        raise UsageError(f"--port: expected a number from 1 to {_MOST_PORT}")
    request = {
        "remote_cluster_ip": arguments.ip,
        "remote_cluster_port": arguments.port,
        "remote_cluster_token": _given_token(arguments).reveal().decode(),
        "set_default": arguments.set_default,
        "mode": MODES[arguments.mode],
    }
    answer = node_client(arguments).request("POST", "clusterpairs", {"request": request})
    result = answer.get("result", {})
    name = result.get("remote_cluster_name") or result.get("remote_cluster_id", "")
    return print_answer(arguments, result, f"Successfully paired with cluster {name}")


def _list_pairs(arguments: Namespace) -> int:
    result = node_client(arguments).request("GET", "clusterpairs").get("result", {})
    if prints_for_programs(arguments):
        print_result(result, output_format(arguments))
        return 0
    default = result.get("default_id", "")
    rows = [
        (
            key,
            pair.get("name", ""),
            pair.get("endpoint", ""),
            "yes" if pair.get("secure") else "no",
            pair.get("mode", "Default"),
            "yes" if key == default else "no",
        )
        for key, pair in sorted(result.get("pairs", {}).items())
    ]
    print_table(("CLUSTER-ID", "NAME", "ENDPOINT", "SECURE", "MODE", "DEFAULT"), rows)
    return 0


def _delete_pair(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"clusterpairs/{arguments.cluster}")
    return print_answer(arguments, answer, f"Cluster pair {arguments.cluster} successfully deleted")


def _given_token(arguments: Namespace) -> SecretBytes:
    if bool(arguments.token) == bool(arguments.token_file):
        raise UsageError("expected --token or --token-file: what `hfctl cluster token show` says over there")
    if arguments.token_file:
        return SecretBytes(read_file(arguments.token_file, "--token-file").strip())
    return secret_word(arguments.token, prompt="Cluster token", name="--token")
