"""``holdfast operator init``: the one time that the shares of the unseal key are ever shown."""

import base64
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.public_keys import read_public_keys
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run

DEFAULT_SHARES = 5
DEFAULT_THRESHOLD = 3


def init(parser: CommandParser) -> Run:
    """Make the keys of a new store; print the shares of its unseal key, and its root token."""
    parser.add_argument("--key-shares", "-n", type=int, default=DEFAULT_SHARES, help="shares to make [5]")
    parser.add_argument(
        "--key-threshold",
        "-t",
        type=int,
        default=DEFAULT_THRESHOLD,
        help="shares that open the store [3]",
    )
    parser.add_argument(
        "--pgp-keys", metavar="FILES", help="public key files with commas between, one for each share"
    )
    parser.add_argument("--root-token-pgp-key", metavar="FILE", help="encrypt the root token for this key")
    parser.add_argument("--stored-shares", type=int, help="taken for the sake of scripts; means nothing")
    parser.add_argument("--recovery-shares", type=int, help="for seals that have such shares")
    parser.add_argument("--recovery-threshold", type=int, help="for seals that have such shares")
    parser.add_argument("--recovery-pgp-keys", metavar="FILES", help="for seals that have such shares")
    parser.add_argument("--status", action="store_true", help="only ask: exit code 0 initialised, 2 not")
    add_format_option(parser)
    add_server_options(parser)
    return _init


def _init(arguments: Namespace) -> int:
    client = connect(arguments)
    if arguments.status:
        initialized = bool(client.request("GET", "sys/init").get("initialized"))
        print(f"The store is {'already' if initialized else 'not'} initialised.")
        return EXIT_OK if initialized else EXIT_REMOTE_ERROR
    body = _wanted(arguments)
    made = client.request("PUT", "sys/init", body)
    shares, root_token = made["keys_base64"], made["root_token"]
    if arguments.format == "table":
        print(_text(shares, root_token, body["secret_threshold"]))
    else:
        print_result(_document(made, body["secret_threshold"]), arguments.format)
    return EXIT_OK


def _wanted(arguments: Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {
        "secret_shares": arguments.key_shares,
        "secret_threshold": arguments.key_threshold,
    }
    if keys := read_public_keys(arguments.pgp_keys):
        body["pgp_keys"] = keys
    for key in read_public_keys(arguments.root_token_pgp_key):
        body["root_token_pgp_key"] = key
    if keys := read_public_keys(arguments.recovery_pgp_keys):
        body["recovery_pgp_keys"] = keys
    for name in ("recovery_shares", "recovery_threshold"):
        if (value := getattr(arguments, name)) is not None:
            body[name] = value
    return body


def _text(shares: Sequence[str], root_token: str, threshold: int) -> str:
    """Lay the keys out as the ``vault`` program does; scripts cut them out of these very lines."""
    lines = [f"Unseal Key {number}: {share}" for number, share in enumerate(shares, start=1)]
    lines += ["", f"Initial Root Token: {root_token}", ""]
    lines += [
        f"Holdfast initialized with {len(shares)} key shares and a key threshold of {threshold}. Hand each",
        "share to a different person now: they are not stored and cannot be shown again.",
        "",
        f"The store starts sealed, and seals itself whenever it stops. Opening it takes {threshold} of",
        "these shares; with fewer, nothing in it can ever be read again.",
        "",
        "Next: holdfast operator unseal",
    ]
    return "\n".join(lines)


def _document(made: Mapping[str, Any], threshold: int) -> dict[str, Any]:
    shares = made["keys_base64"]
    return {
        "unseal_keys_b64": shares,
        "unseal_keys_hex": made.get("keys") or [base64.b64decode(share).hex() for share in shares],
        "unseal_shares": len(shares),
        "unseal_threshold": threshold,
        "recovery_keys_b64": made.get("recovery_keys_base64") or [],
        "recovery_keys_hex": made.get("recovery_keys") or [],
        "recovery_keys_shares": len(made.get("recovery_keys_base64") or []),
        "recovery_keys_threshold": 0,
        "root_token": made["root_token"],
    }
