"""What commands of share holders have in common: options, nonces, shares, and how far they are."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.output import print_pairs, print_result
from holdfast.cli.typed_input import secret_word
from holdfast.client import VaultClient

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
    ask = not arguments.non_interactive
    share = secret_word(arguments.key, prompt="Unseal Key", name="unseal key", ask=ask).reveal().decode()
    return client.request("PUT", path, {"key": share, "nonce": nonce})


def show_state(state: dict[str, Any], output_format: str) -> None:
    """Print how far it is, without the envelope of the answer."""
    if output_format != "table":
        print_result({name: value for name, value in state.items() if name not in _ENVELOPE}, output_format)
        return
    if "t" not in state:
        rows = _generation_rows(state)
    elif "required" in state:
        rows = _rekey_rows(state)
    else:
        rows = _verification_rows(state)
    print_pairs([("Nonce", state.get("nonce", "")), ("Started", state.get("started", False)), *rows])


def _verification_rows(state: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("New Shares", state.get("n")),
        ("New Threshold", state.get("t")),
        ("Verification Progress", f"{state.get('progress', 0)}/{state.get('t', 0)}"),
    ]


def _rekey_rows(state: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    if state.get("started"):
        rows += [
            ("Rekey Progress", f"{state.get('progress', 0)}/{state['required']}"),
            ("New Shares", state.get("n")),
            ("New Threshold", state.get("t")),
            ("Verification Required", state.get("verification_required", False)),
        ]
        rows += [("Verification Nonce", nonce)] if (nonce := state.get("verification_nonce")) else []
    if fingerprints := state.get("pgp_fingerprints"):
        rows += [("PGP Fingerprints", fingerprints), ("Backup", state.get("backup", False))]
    return rows


def _generation_rows(state: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        ("Progress", f"{state.get('progress', 0)}/{state.get('required', 0)}"),
        ("Complete", state.get("complete", False)),
    ]
    for title, name in (
        ("PGP Fingerprint", "pgp_fingerprint"),
        ("Encoded Token", "encoded_token"),
        ("OTP", "otp"),
        ("OTP Length", "otp_length"),
    ):
        rows += [(title, state[name])] if state.get(name) else []
    return rows
