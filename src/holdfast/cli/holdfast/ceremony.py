"""What commands of share holders have in common: options, nonces, shares, and how far they are."""

import base64
from argparse import Namespace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.output import print_result
from holdfast.cli.typed_input import secret_word
from holdfast.client import VaultClient

MAX_KEY_BYTES = 64 * 1024
_ENVELOPE = frozenset(
    {"auth", "data", "lease_duration", "lease_id", "renewable", "request_id", "warnings", "wrap_info"}
)


def add_share_options(parser: CommandParser) -> None:
    """Declare how a share is handed in, and how to look and to give up."""
    parser.add_argument("key", nargs="?", help="the share; better left out: it is asked for without echo")
    parser.add_argument("--nonce", help="of the operation that the share is meant for [the one in progress]")
    parser.add_argument("--status", action="store_true", help="show how far it is")
    parser.add_argument("--cancel", action="store_true", help="forget what was handed in")


def current_nonce(client: VaultClient, path: str, arguments: Namespace) -> str:
    """Return the nonce that was given, else that of the operation in progress.

    Raises:
        LocalError: there is none.
    """
    nonce = arguments.nonce or client.request("GET", path).get("nonce")
    if not nonce:
        raise LocalError("nothing is in progress: somebody has to begin with -init")
    return str(nonce)


def submit_share(client: VaultClient, path: str, nonce: str, arguments: Namespace) -> dict[str, Any]:
    """Hand in a share; return how far it is."""
    share = secret_word(arguments.key, prompt="Unseal Key", name="unseal key").reveal().decode()
    return client.request("PUT", path, {"key": share, "nonce": nonce})


def show_state(state: dict[str, Any], output_format: str) -> None:
    """Print how far it is, without the envelope of the answer."""
    print_result({name: value for name, value in state.items() if name not in _ENVELOPE}, output_format)


def read_public_keys(names: str | None) -> list[str]:
    """Return public keys as the API takes them.

    Args:
        names: files with commas between, as ``gpg --export`` writes them.
    """
    return [_read_public_key(name) for name in names.split(",")] if names else []


def _read_public_key(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            key = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise LocalError(f"{name}: cannot be read: {error.strerror}") from None
    if not 0 < len(key) <= MAX_KEY_BYTES:
        raise LocalError(f"{name}: expected an OpenPGP public key, as gpg --export writes it")
    return base64.b64encode(key).decode()
