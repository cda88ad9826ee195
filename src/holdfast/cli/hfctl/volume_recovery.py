"""``hfctl volume key recovery``: a key for the day on which the volume's own is lost."""

import base64
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.hfctl.volume import describe_key
from holdfast.cli.output import remark
from holdfast.cli.private_file import check_named, write_new_private
from holdfast.cli.program import Run
from holdfast.cli.typed_input import bytes_of_file, secret_word


def add(parser: CommandParser) -> Run:
    """Make a recovery key and hand it out, once: keep it where the secrets provider is not.

    For example:

        hfctl volume key recovery add data --output-file data.recovery
        hfctl volume key recovery add data --pgp-key officer.asc --output-file data.recovery.pgp
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument(
        "--pgp-key",
        metavar="FILE",
        default="",
        help="an OpenPGP public key to encrypt it to, of gpg --export",
    )
    parser.add_argument(
        "--output-file", metavar="FILE", default="", help="write it there, readable for you only [show it]"
    )
    add_node_options(parser)
    return _add


def remove(parser: CommandParser) -> Run:
    """Have the recovery key open the volume no longer."""
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)
    return _remove


def use(parser: CommandParser) -> Run:
    """Give a volume whose key is lost a new one; asks for the recovery key without echo.

    For example:

        hfctl volume key recovery use data
        hfctl volume key recovery use data < data.recovery
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("recovery_key", nargs="?", help="better left out; - reads it from standard input")
    add_node_options(parser)
    return _use


def _add(arguments: Namespace) -> int:
    body = {"volume_id": arguments.volume}
    place = Path(arguments.output_file)
    if arguments.output_file:  # before a key is made that nobody would get, or that takes another's place
        check_named(place, name="--output-file", replace=False)
    if arguments.pgp_key:
        public_key = bytes_of_file(arguments.pgp_key, name="--pgp-key")
        body["public_key"] = base64.b64encode(public_key).decode()
    answer = node_client(arguments).request("POST", "volumes/keys/recovery", body)
    handed_out = _handed_out(answer)
    if not arguments.output_file:
        shown = handed_out if "recovery_key" in answer else base64.b64encode(handed_out)
        return print_answer(arguments, answer, shown.decode())
    try:
        write_new_private(place, handed_out)
    except OSError as error:
        raise LocalError(
            f"--output-file: cannot be written ({error.strerror}), so nobody has the key; remove it with "
            "`hfctl volume key recovery remove`, and make another"
        ) from None
    remark("Nobody can ask for it again. Keep it where the secrets provider is not.")
    written = {"volume": arguments.volume, "keyslot": answer.get("keyslot", 0), "file": arguments.output_file}
    return print_answer(arguments, written, f"Recovery key written to {arguments.output_file}")


def _handed_out(answer: dict[str, str]) -> bytes:
    """Return the key as a line of text, or the OpenPGP message that holds it."""
    if "recovery_key" in answer:
        return answer["recovery_key"].encode()
    return base64.b64decode(answer["encrypted_recovery_key"])


def _remove(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"volumes/keys/recovery/{arguments.volume}")
    destroyed = answer.get("keyslots_destroyed", 0)
    text = "Recovery key removed" if destroyed else "The volume has no recovery key"
    return print_answer(arguments, answer, text)


def _use(arguments: Namespace) -> int:
    with secret_word(arguments.recovery_key, prompt="Recovery key", name="recovery key") as recovery_key:
        body = {"volume_id": arguments.volume, "recovery_key": recovery_key.reveal().decode()}
    answer = node_client(arguments).request("POST", "volumes/keys/recover", body)
    return print_answer(
        arguments, answer, f"Volume {arguments.volume} now uses {describe_key(answer['key'])}"
    )
