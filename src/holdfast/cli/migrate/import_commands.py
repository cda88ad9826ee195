"""``holdfast import dcos | dir | env | k8s-json | export``: the sources, and what all of them share.

The store is asked first whether it is there and open. Then the names are planned, and each secret is read and
carried on its own; one that cannot be does not keep the others back. The report comes last, and the exit code
is zero only if nothing in it failed.
"""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable
from pathlib import Path

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import DEFAULT_ADDRESS, add_server_options, connect_dcos
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.migrate.carrier import DEFAULT_MAX_BYTES, Carrier, OnConflict, Patience
from holdfast.cli.migrate.dcos_source import add_source_options, connect_source, entries_of_store
from holdfast.cli.migrate.entry import Entry
from holdfast.cli.migrate.parallel import for_each
from holdfast.cli.migrate.plan import plan, prefix_of
from holdfast.cli.migrate.report import exit_code_of, show
from holdfast.cli.output import FORMATS
from holdfast.cli.program import Run
from holdfast.client import DcosClient
from holdfast.client.address import parse_address
from holdfast.client.errors import RemoteSealedError
from holdfast.errors import InvalidInputError
from holdfast.process.hardening import deny_inspection


def dcos(parser: CommandParser) -> Run:
    """Copy every secret of another store that speaks the DC/OS secrets API, text and binary exactly."""
    add_source_options(parser)
    _add_import_options(parser)
    return _dcos


def directory(parser: CommandParser) -> Run:
    """Make a secret of each file of a directory, named by its path; links are not followed."""
    parser.add_argument("directory", help="whose files become secrets")
    parser.add_argument("--trim-newline", action="store_true", help="leave out the last newline of texts")
    _add_import_options(parser)
    return _directory


def env(parser: CommandParser) -> Run:
    """Make a secret of each NAME=value of a file; a line that cannot be read refuses the whole file."""
    parser.add_argument("file", help="to read; - is standard input")
    _add_import_options(parser)
    return _env


def kubernetes(parser: CommandParser) -> Run:
    """Make a secret of each key of what `kubectl get secret -o json` prints, as namespace/name/key."""
    parser.add_argument("file", help="to read; - is standard input")
    _add_import_options(parser)
    return _kubernetes


def export(parser: CommandParser) -> Run:
    """Bring back what `holdfast export` wrote: gpg -d backup.gpg | holdfast import export -."""
    parser.add_argument("file", help="the decrypted document; - is standard input")
    _add_import_options(parser)
    return _export


def _add_import_options(parser: CommandParser) -> None:
    parser.add_argument("--into", default="", metavar="PREFIX", help="put every secret below this path")
    parser.add_argument(
        "--into-store", default="default", metavar="STORE", help="secret store to fill [default]"
    )
    parser.add_argument(
        "--on-conflict",
        type=one_of(*OnConflict),
        default=OnConflict.FAIL.value,
        help="where another secret is: fail and go on, skip, or replace (as a new version) [fail]",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    parser.add_argument(
        "--max-size",
        type=_positive,
        default=DEFAULT_MAX_BYTES,
        metavar="BYTES",
        help=f"the largest secret that the store takes [{DEFAULT_MAX_BYTES}]",
    )
    parser.add_argument(
        "--output",
        "--format",
        dest="format",
        type=one_of(*FORMATS),
        default=setting("FORMAT") or "table",
        help="of the report: table, json or yaml [HOLDFAST_FORMAT; table]",
    )
    add_server_options(parser)


def _dcos(arguments: Namespace) -> int:
    deny_inspection()
    prefix_of(arguments.into)
    _refuse_same_address(arguments)
    target = _open_target(arguments)
    source = connect_source(arguments)
    return _carry(arguments, target, entries_of_store(source, arguments.path))


def _directory(arguments: Namespace) -> int:
    from holdfast.cli.migrate.directory import entries_of_directory

    deny_inspection()
    entries = entries_of_directory(
        Path(arguments.directory), trim_newline=arguments.trim_newline, max_bytes=arguments.max_size
    )
    return _import(arguments, [*entries])


def _env(arguments: Namespace) -> int:
    from holdfast.cli.migrate.dotenv import MAX_FILE_BYTES, entries_of_dotenv
    from holdfast.cli.migrate.input_file import read_document

    deny_inspection()
    content = read_document(arguments.file, name="env file", max_bytes=MAX_FILE_BYTES)
    return _import(arguments, entries_of_dotenv(content))


def _kubernetes(arguments: Namespace) -> int:
    from holdfast.cli.migrate.input_file import read_document
    from holdfast.cli.migrate.kubernetes import MAX_FILE_BYTES, entries_of_kubernetes

    deny_inspection()
    content = read_document(arguments.file, name="document", max_bytes=MAX_FILE_BYTES)
    return _import(arguments, entries_of_kubernetes(content))


def _export(arguments: Namespace) -> int:
    from holdfast.cli.migrate.document import MAX_BYTES, entries_of_document
    from holdfast.cli.migrate.input_file import read_document

    deny_inspection()
    content = read_document(arguments.file, name="document", max_bytes=2 * MAX_BYTES)
    return _import(arguments, entries_of_document(content))


def _import(arguments: Namespace, entries: Iterable[Entry]) -> int:
    prefix_of(arguments.into)
    return _carry(arguments, _open_target(arguments), entries)


def _open_target(arguments: Namespace) -> DcosClient:
    client = connect_dcos(arguments, store=arguments.into_store)
    if client.seal_status().get("sealed"):
        raise RemoteSealedError("the store is sealed")
    return client


def _carry(arguments: Namespace, target: DcosClient, entries: Iterable[Entry]) -> int:
    carrier = Carrier(
        target,
        on_conflict=OnConflict(arguments.on_conflict),
        dry_run=arguments.dry_run,
        max_bytes=arguments.max_size,
        patience=Patience(),
    )
    rows = [*for_each(plan(entries, prefix=prefix_of(arguments.into)), carrier.carry)]
    show(rows, arguments.format, dry_run=arguments.dry_run)
    return exit_code_of(rows)


def _refuse_same_address(arguments: Namespace) -> None:
    """Refuse to read from the store that is written to: DCOS_URL may well name the old cluster."""
    ours = arguments.address or setting("ADDR", "DCOS_URL", "DCOS_CLUSTER_URL") or DEFAULT_ADDRESS
    try:
        is_same = parse_address(arguments.url, allow_plaintext_off_loopback=True) == parse_address(
            ours, allow_plaintext_off_loopback=True
        )
    except InvalidInputError:
        return  # refused with better words when it is used
    if is_same:
        raise UsageError(
            "--url: expected another address than that of the store to write to, "
            "which comes from -address, else HOLDFAST_ADDR, else DCOS_URL"
        )


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("expected a number of bytes, at least 1")
    return int(text)
