"""``holdfast operator migrate``: a store moves to another storage engine."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.record_options import MIB, add_resume_option, progress, reading
from holdfast.cli.program import EXIT_OK, Run


def migrate(parser: CommandParser) -> Run:
    """Copy all records of a store to an empty storage of any kind; no server may use either of them."""
    parser.add_argument(
        "--config",
        required=True,
        metavar="FILE",
        help='with the stanzas storage_source "<kind>" {} and storage_destination "<kind>" {}',
    )
    add_resume_option(parser)
    return _migrate


def _migrate(arguments: Namespace) -> int:
    from holdfast.errors import ConflictError
    from holdfast.server.records.copying import copy_records, records_of
    from holdfast.server.records.places import unused_storage

    source_stanza, destination_stanza = _read_stanzas(arguments.config)
    with (
        unused_storage(*source_stanza, readonly=True) as source,
        unused_storage(*destination_stanza) as destination,
    ):
        before = source.revision()

        def check() -> None:
            if source.revision() != before:
                raise ConflictError(
                    "a server writes to the source: stop it, empty the destination, try again"
                )

        with source.snapshot() as snapshot, progress("copied") as told:
            count = copy_records(
                records_of(snapshot), destination, told, resume=arguments.resume, check=check
            )
    print(f"Success! Copied {count} records. The source is as it was; the shares of the store open the copy.")
    return EXIT_OK


def _read_stanzas(name: str) -> tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
    from holdfast.formats.hcl import parse_document
    from holdfast.server.config_stanzas import read_storage

    with reading(name) as file:
        document = parse_document(file.read(MIB).decode(errors="replace"), source=name)
    source, destination = (
        [read_storage(block) for block in document.blocks if block.type == stanza]
        for stanza in ("storage_source", "storage_destination")
    )
    if len(source) != 1 or len(destination) != 1:
        raise LocalError(f"{name}: expected one stanza storage_source and one storage_destination")
    return source[0], destination[0]
