"""``holdfast operator backup | restore``: all records of a store in one file, and back.

These read and write storage itself, so they run where the server does and need its configuration, but neither
a token nor a key: records are ciphertext.
"""

import sys
import time
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.record_options import (
    add_config_option,
    add_resume_option,
    load_server_config,
    progress,
    reading,
)
from holdfast.cli.migrate.sealed_file import check_place, sealed_file
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word

SNAPSHOT_ATTEMPTS = 5


def backup(parser: CommandParser) -> Run:
    """Write all records of a store to a file for holders of OpenPGP keys; the store may go on serving."""
    parser.add_argument("file", metavar="FILE", help="to write; must not be there yet")
    add_config_option(parser)
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="KEY_FILE",
        help="public key of somebody who can read it, as gpg --export writes it; once for each",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    return _backup


def restore(parser: CommandParser) -> Run:
    """Write the records of a backup into an empty storage of any kind, which no server uses.

    The content key comes from standard input: operator restore --show-key FILE | gpg --decrypt
    """
    parser.add_argument("file", metavar="FILE", help="from operator backup")
    add_config_option(parser)
    parser.add_argument(
        "--show-key", action="store_true", help="print the encrypted content key, and no more"
    )
    add_resume_option(parser)
    return _restore


def _backup(arguments: Namespace) -> int:
    from holdfast.crypto.openpgp import MAX_KEY_BYTES, read_recipient
    from holdfast.server.records.archive import write_archive
    from holdfast.server.records.copying import records_of
    from holdfast.storage.errors import OvertakenError
    from holdfast.storage.factory import open_storage

    if not arguments.recipient:
        raise UsageError("expected --recipient=KEY_FILE: who shall be able to read the backup?")
    recipients = []
    for name in arguments.recipient:
        with reading(name) as file:
            recipients.append(read_recipient(file.read(MAX_KEY_BYTES + 1)))
    place = Path(arguments.file)
    check_place(place, replace=arguments.force)
    config = load_server_config(arguments)
    storage = open_storage(config.storage_kind, config.storage_options, readonly=True)
    try:
        for attempt in range(1, SNAPSHOT_ATTEMPTS + 1):
            try:
                with (
                    storage.snapshot() as snapshot,
                    sealed_file(place, replace=arguments.force) as target,
                    progress("saved") as told,
                ):
                    count = write_archive(
                        target, records_of(snapshot), recipients, now=time.time(), progress=told
                    )
                break
            except OvertakenError:
                # A storage that nodes share does not hold still: what was to be read has changed meanwhile.
                if attempt == SNAPSHOT_ATTEMPTS:
                    raise
    finally:
        storage.close()
    print(f"Success! Saved {count} records to {place} for {len(recipients)} recipient(s).")
    return EXIT_OK


def _restore(arguments: Namespace) -> int:
    from holdfast.server.records.archive import read_header, read_records
    from holdfast.server.records.copying import copy_records
    from holdfast.server.records.places import unused_storage

    with reading(arguments.file) as file:
        header, bound_to = read_header(file)
        if arguments.show_key:
            sys.stdout.buffer.write(header.content_key)
            sys.stdout.buffer.flush()
            return EXIT_OK
        config = load_server_config(arguments)
        with (
            secret_word(None, prompt="Content key", name="content key") as key,
            unused_storage(config.storage_kind, config.storage_options) as storage,
            progress("restored") as told,
        ):
            records = read_records(file, bound_to, key)
            count = copy_records(records, storage, told, resume=arguments.resume)
    print(f"Success! Restored {count} records. Start the server; the shares of the store open it.")
    return EXIT_OK
