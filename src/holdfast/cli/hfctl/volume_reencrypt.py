"""``hfctl volume reencrypt``: another volume key, block by block."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.hfctl.following import follow
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import warn
from holdfast.cli.program import EXIT_REMOTE_ERROR, Run


def reencrypt(parser: CommandParser) -> Run:
    """Read and write every block anew under another volume key; safe to interrupt and to repeat.

    For a volume whose volume key somebody may have seen, or a clone that is to have nothing in common with
    what it was copied from. Other than with dm-crypt, the volume has to be detached.
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--no-wait", action="store_true", help="return as soon as it is begun")
    parser.add_argument("--status", action="store_true", help="only say how far it is")
    add_node_options(parser)
    return _reencrypt


def _reencrypt(arguments: Namespace) -> int:
    client = node_client(arguments)
    status_path = f"volumes/keys/reencrypt/{arguments.volume}"
    if arguments.status:
        found = client.request("GET", status_path)["reencryption"]
        return print_answer(arguments, found, _text(found))
    begun = client.request("POST", "volumes/keys/reencrypt", {"volume_id": arguments.volume})["reencryption"]
    if arguments.no_wait:
        return print_answer(arguments, begun, f"Volume {arguments.volume} is being re-encrypted")
    found = follow(
        lambda: client.request("GET", status_path)["reencryption"],
        is_over=lambda found: not found.get("running"),
        text=_text,
        goes_on="It goes on at the node; see how far it is with --status.",
    )
    if found.get("keyslots_destroyed"):
        warn("Its recovery key opens it no longer: make another with `hfctl volume key recovery add`.")
    print_answer(arguments, found, found.get("problem") or f"Volume {arguments.volume} re-encrypted")
    return EXIT_REMOTE_ERROR if found.get("problem") else 0


def _text(state: dict[str, Any]) -> str:
    done, total = int(state.get("done_bytes", 0)), int(state["total_bytes"])
    if not state.get("running") and not state.get("unfinished"):
        return state.get("problem") or "not under way"
    word = "under way" if state.get("running") else "interrupted"
    return f"{word}: {format_size(done)} of {format_size(total)} done"
