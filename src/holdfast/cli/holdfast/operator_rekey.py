"""``holdfast operator rekey``: holders of shares deal new ones."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.holdfast.ceremony import (
    add_share_options,
    current_nonce,
    show_state,
    submit_share,
)
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.public_keys import read_public_keys
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.client import VaultClient

DEFAULT_SHARES = 5
DEFAULT_THRESHOLD = 3
PATH = "sys/rekey"


def rekey(parser: CommandParser) -> Run:
    """Deal new shares of the unseal key: begin with -init, then each holder of an old share hands it in."""
    parser.add_argument("--init", action="store_true", help="begin")
    parser.add_argument("--key-shares", "-n", type=int, default=DEFAULT_SHARES, help="new shares to deal [5]")
    parser.add_argument(
        "--key-threshold",
        "-t",
        type=int,
        default=DEFAULT_THRESHOLD,
        help="new shares that open the store [3]",
    )
    parser.add_argument(
        "--pgp-keys", metavar="FILES", help="public key files with commas between, one for each new share"
    )
    parser.add_argument(
        "--verify", action="store_true", help="with -init: new shares count once shown; else: show"
    )
    parser.add_argument("--backup", action="store_true", help="with -pgp-keys: keep the encrypted shares")
    parser.add_argument("--backup-retrieve", action="store_true", help="show the encrypted shares")
    parser.add_argument("--backup-delete", action="store_true", help="forget the encrypted shares")
    parser.add_argument("--target", type=one_of("barrier"), default="barrier", help="which shares [barrier]")
    add_share_options(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _rekey


def _rekey(arguments: Namespace) -> int:
    client = connect(arguments)
    step = f"{PATH}/verify" if arguments.verify and not arguments.init else f"{PATH}/init"
    if arguments.backup_retrieve:
        print_result(client.request("GET", f"{PATH}/backup")["data"], arguments.format)
    elif arguments.backup_delete:
        client.request("DELETE", f"{PATH}/backup")
        print("Success! The encrypted shares are forgotten (if there were some).")
    elif arguments.cancel:
        client.request("DELETE", step)
        print("Success! What was handed in is forgotten.")
    elif arguments.init:
        show_state(client.request("PUT", step, _wanted(arguments)), arguments.format)
    elif arguments.status:
        show_state(client.request("GET", step), arguments.format)
    else:
        _hand_in(client, arguments, step)
    return EXIT_OK


def _wanted(arguments: Namespace) -> dict[str, Any]:
    keys = read_public_keys(arguments.pgp_keys)
    return {
        "secret_shares": len(keys) or arguments.key_shares,
        "secret_threshold": arguments.key_threshold,
        "pgp_keys": keys,
        "require_verification": arguments.verify,
        **({"backup": True} if arguments.backup else {}),
    }


def _hand_in(client: VaultClient, arguments: Namespace, step: str) -> None:
    update = step.replace("/init", "/update")
    state = submit_share(client, update, current_nonce(client, step, arguments), arguments)
    if not state.get("complete") or arguments.format != "table":
        show_state(state, arguments.format)
        return
    if "keys_base64" not in state:
        print("Success! The new shares were shown, and count from now on.")
        return
    owners = state.get("pgp_fingerprints") or [""] * len(state["keys_base64"])
    for number, (share, owner) in enumerate(zip(state["keys_base64"], owners, strict=False), 1):
        print(f"Key {number} fingerprint: {owner}; value: {share}" if owner else f"Key {number}: {share}")
    print(f"\nOperation nonce: {state['nonce']}\n")
    if state.get("verification_required"):
        print(
            "The old shares still count. Holders of new ones have to show them first:\n"
            f"holdfast operator rekey -verify -nonce={state['verification_nonce']}"
        )
    else:
        print(
            "Hand each share to a different person now: they are not stored and cannot be shown again.\n"
            "The shares of before open nothing any more."
        )
