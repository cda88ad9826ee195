"""``holdfast security cluster secret-store init | init-status``: the keys that open a store, and for whom.

With OpenPGP keys every share is encrypted for its holder, and nobody ever sees it in clear before he decrypts
it. A store that is open can be given other keys this way; its secrets stay, and the keys before open nothing.
"""

import base64
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.connection import add_server_options
from holdfast.cli.holdfast.security_output import add_output_options, output_format
from holdfast.cli.holdfast.security_store import add_store_id, add_store_options, connect_to
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import bytes_of_file

DEFAULT_SHARES = 5

_ARMOURED_PRIVATE_KEY = b"PRIVATE KEY BLOCK"
# The first byte of a binary secret key packet, tag 5: RFC 4880 section 4.2, the old forms and the new one.
_PRIVATE_KEY_PACKETS = frozenset({0x94, 0x95, 0x96, 0x97, 0xC5})


def init(parser: CommandParser) -> Run:
    """Make the keys of a new store, or give an open store other keys; print them, once."""
    add_store_id(parser)
    parser.add_argument("--shares", type=int, help="how many to make [one for each OpenPGP key, else 5]")
    parser.add_argument("--threshold", type=int, help="how many of them open the store [more than half]")
    parser.add_argument(
        "--pgp-key-file",
        action="append",
        default=[],
        metavar="FILE",
        help="public key of one holder, as gpg --export writes it; once for each share",
    )
    parser.add_argument(
        "--new-keys",
        action="store_true",
        help="the store is in use: its secrets stay, the keys it has now will open nothing",
    )
    add_output_options(parser)
    add_server_options(parser)
    return _init


def init_status(parser: CommandParser) -> Run:
    """Show whether a store has keys; if they are encrypted, these too, and the fingerprints they are for."""
    add_store_options(parser)
    return _init_status


def _init(arguments: Namespace) -> int:
    keys = [_public_key(path) for path in arguments.pgp_key_file]
    shares = arguments.shares if arguments.shares is not None else len(keys) or DEFAULT_SHARES
    threshold = arguments.threshold if arguments.threshold is not None else shares // 2 + 1
    client = connect_to(arguments)
    _check_intention(client.initialization(), new_keys=arguments.new_keys)
    made = client.init(shares=shares, threshold=threshold, pgp_keys=keys)
    if output_format(arguments) != "table":
        print_result(made, output_format(arguments))
        return EXIT_OK
    kind = "Encrypted Key" if keys else "Unseal Key"
    for number, key in enumerate(made.get("keys") or (), 1):
        print(f"{kind} {number}: {key}")
    for number, fingerprint in enumerate(made.get("pgp_fingerprints") or (), 1):
        print(f"Fingerprint {number}: {fingerprint}")
    for title, name in (("Root Token", "root_token"), ("Encrypted Root Token", "encrypted_root_token")):
        if made.get(name):
            print(f"{title}: {made[name]}")
    print(f"\nOpening the store takes {threshold} of these {shares} keys.")
    if keys:
        print("Each is hex of a message to one holder, who decrypts it with: xxd -r -p | gpg --decrypt")
    else:
        print("Hand each to a different person now: they are not stored and cannot be shown again.")
    return EXIT_OK


def _init_status(arguments: Namespace) -> int:
    state = connect_to(arguments).initialization()
    if output_format(arguments) != "table":
        print_result(state, output_format(arguments))
        return EXIT_OK
    print_pairs([("Initialized", state.get("initialized", False)), *_encrypted_keys(state)])
    return EXIT_OK


def _encrypted_keys(state: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows = []
    for title, name in (("Key", "keys"), ("Fingerprint", "pgp_fingerprints")):
        rows += [(f"{title} {number}", text) for number, text in enumerate(state.get(name) or (), 1)]
    return rows


def _check_intention(state: Mapping[str, Any], *, new_keys: bool) -> None:
    """Refuse to replace keys by mistake: a command repeated would make the keys of the first worthless."""
    if state.get("initialized") and not new_keys:
        raise LocalError(
            "the store has keys already; --new-keys replaces them, and those before will open nothing"
        )
    if new_keys and not state.get("initialized"):
        raise LocalError("the store has no keys yet; leave --new-keys out")


def _public_key(path: str) -> str:
    content = bytes_of_file(path, name="OpenPGP key")
    if _ARMOURED_PRIVATE_KEY in content[:4096] or content[:1] in map(_byte, _PRIVATE_KEY_PACKETS):
        raise LocalError(f"{path}: this is a private key and was not sent; give the public one, gpg --export")
    return base64.b64encode(content).decode()


def _byte(value: int) -> bytes:
    return bytes([value])
