"""``holdfast operator init``: the one time that the shares of the unseal key are ever shown."""

import base64
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
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
    parser.add_argument("--status", action="store_true", help="only ask: exit code 0 initialised, 2 not")
    add_format_option(parser)
    add_server_options(parser)
    return _init


def _init(arguments: Namespace) -> int:
    client = connect(arguments)
    if arguments.status:
        initialized = client.seal_status().initialized
        print(f"The store is {'already' if initialized else 'not'} initialised.")
        return EXIT_OK if initialized else EXIT_REMOTE_ERROR
    made = client.init(shares=arguments.key_shares, threshold=arguments.key_threshold)
    if arguments.format == "table":
        print(_text(made.shares, made.root_token, arguments.key_threshold))
    else:
        print_result(_document(made.shares, made.root_token, arguments.key_threshold), arguments.format)
    return EXIT_OK


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


def _document(shares: Sequence[str], root_token: str, threshold: int) -> dict[str, Any]:
    return {
        "unseal_keys_b64": list(shares),
        "unseal_keys_hex": [base64.b64decode(share).hex() for share in shares],
        "unseal_shares": len(shares),
        "unseal_threshold": threshold,
        "recovery_keys_b64": [],
        "recovery_keys_hex": [],
        "recovery_keys_shares": 0,
        "recovery_keys_threshold": 0,
        "root_token": root_token,
    }
