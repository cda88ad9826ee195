"""``holdfast operator generate-root``: holders of shares make a root token."""

import base64
import binascii
import secrets
from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
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
from holdfast.cli.typed_input import secret_word
from holdfast.client import VaultClient
from holdfast.crypto.identifiers import BASE62

PATH = "sys/generate-root"


def generate_root(parser: CommandParser) -> Run:
    """Make a root token: begin with -init, then each holder of a share hands it in; -decode shows it."""
    parser.add_argument("--init", action="store_true", help="begin")
    parser.add_argument("--otp", help="what hides the token [the server makes one]")
    parser.add_argument("--pgp-key", metavar="FILE", help="encrypt the token for this public key instead")
    parser.add_argument(
        "--generate-otp", action="store_true", help="print a one-time password of the right length"
    )
    parser.add_argument("--decode", metavar="TOKEN", help="show the hidden token; takes --otp")
    add_share_options(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _generate_root


def _generate_root(arguments: Namespace) -> int:
    if arguments.decode is not None:
        otp = secret_word(arguments.otp, prompt="OTP", name="otp", ask=not arguments.non_interactive)
        token = _decoded(arguments.decode, otp.reveal())
        if arguments.format == "table":
            print(token)
        else:
            print_result({"token": token}, arguments.format)
        return EXIT_OK
    client = connect(arguments)
    attempt = f"{PATH}/attempt"
    if arguments.generate_otp:
        length = client.request("GET", attempt)["otp_length"]
        fresh = "".join(secrets.choice(BASE62) for _ in range(length))
        if arguments.format == "table":
            print(fresh)
        else:
            print_result({"otp": fresh, "otp_length": length}, arguments.format)
    elif arguments.cancel:
        client.request("DELETE", attempt)
        print("Success! What was handed in is forgotten.")
    elif arguments.init:
        _begin(client, attempt, arguments)
    elif arguments.status:
        show_state(client.request("GET", attempt), arguments.format)
    else:
        nonce = current_nonce(client, attempt, arguments)
        show_state(submit_share(client, f"{PATH}/update", nonce, arguments), arguments.format)
    return EXIT_OK


def _begin(client: VaultClient, attempt: str, arguments: Namespace) -> None:
    body = {}
    if arguments.otp:
        body["otp"] = arguments.otp
    for key in read_public_keys(arguments.pgp_key):
        body["pgp_key"] = key
    state = client.request("PUT", attempt, body)
    if arguments.format == "table" and state.get("otp"):
        print("A one-time password was made for you. Keep it: without it nobody can read the token.\n")
    show_state(state, arguments.format)


def _decoded(hidden: str, otp: bytes) -> str:
    try:
        mixed = base64.b64decode(hidden + "=" * (-len(hidden) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("--decode: expected the encoded token, in base64") from None
    if len(mixed) != len(otp):
        raise UsageError("--otp: expected the one-time password that the token was hidden with")
    return bytes(a ^ b for a, b in zip(mixed, otp, strict=True)).decode("ascii", errors="replace")
