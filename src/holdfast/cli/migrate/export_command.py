"""``holdfast export``: every secret of a store, as one message that only the holders of OpenPGP keys read.

In order: the recipients and the place of the result, while nothing has been read; the names; every value; the
message. All or nothing: if one secret cannot be read, nothing is written. In clear there is only memory.
"""

import sys
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_dcos
from holdfast.cli.migrate.dcos_source import add_path_option, entries_of_store
from holdfast.cli.migrate.document import write_document
from holdfast.cli.migrate.entry import Entry, NoSecretError
from holdfast.cli.migrate.parallel import for_each
from holdfast.cli.migrate.sealed_file import check_place, write_sealed
from holdfast.cli.output import remark
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run
from holdfast.client import DcosValue
from holdfast.crypto.openpgp import MAX_KEY_BYTES, Recipient, encrypt_for, read_recipient
from holdfast.errors import HoldfastError
from holdfast.process.hardening import deny_inspection


def export(parser: CommandParser) -> Run:
    """Write all secrets, encrypted to OpenPGP keys; `holdfast import export` brings them back."""
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="FILE",
        help="OpenPGP public key, as `gpg --export KEY` writes it; repeat it for others",
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="to write; - is standard output")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    add_path_option(parser)
    parser.add_argument("--store", default="default", help="name of the secret store [default]")
    add_server_options(parser)
    return _export


def _export(arguments: Namespace) -> int:
    deny_inspection()
    recipients = _recipients(arguments.recipient)
    place = _place(arguments)
    entries = entries_of_store(connect_dcos(arguments, store=arguments.store), arguments.path)
    results = [*for_each(entries, _read)]
    failures = [(name, result) for name, result in results if isinstance(result, HoldfastError)]
    gone = sum(isinstance(result, NoSecretError) for _, result in failures)
    if len(failures) > gone:
        for name, error in failures:
            if not isinstance(error, NoSecretError):
                remark(f"{name}: {error.message}")
        remark(f"Error: nothing was written, because {len(failures) - gone} secrets could not be read")
        return EXIT_REMOTE_ERROR
    secrets = [(name, result) for name, result in results if isinstance(result, DcosValue)]
    if not secrets:
        raise LocalError("there is nothing to export; nothing was written")
    document = write_document(secrets, store=arguments.store, path=arguments.path.strip("/"))
    message = encrypt_for(recipients, document)
    if place is None:
        sys.stdout.buffer.write(message)
        sys.stdout.buffer.flush()
    else:
        write_sealed(place, message, replace=arguments.force)
    told = ", ".join(recipient.fingerprint for recipient in recipients)
    remark(f"{len(secrets)} secrets encrypted to {told}")
    if gone:
        remark(f"{gone} were deleted while the others were read, and are not among them")
    return EXIT_OK


def _recipients(paths: list[str]) -> list[Recipient]:
    if not paths:
        raise UsageError("--recipient: expected at least one, since nothing is ever written in clear")
    recipients = []
    for path in paths:
        with Path(path).open("rb") as file:
            key = file.read(MAX_KEY_BYTES + 1)
        try:
            recipients.append(read_recipient(key))
        except HoldfastError as error:
            raise LocalError(f"--recipient {path}: {error.message}") from None
    return recipients


def _place(arguments: Namespace) -> Path | None:
    """Return the file to write, ``None`` for standard output."""
    if not arguments.output:
        raise UsageError("--output: expected a file, or - for standard output")
    if arguments.output == "-":
        if sys.stdout.isatty():
            raise UsageError("--output: expected a file or a pipe; a terminal cannot show the message")
        return None
    place = Path(arguments.output)
    check_place(place, replace=arguments.force)
    return place


def _read(entry: Entry) -> tuple[str, DcosValue | HoldfastError]:
    try:
        return entry.name, entry.read()
    except HoldfastError as error:
        return entry.name, error
