"""``hfctl audit verify``: for people who read the audit log of a node, on that node."""

from argparse import Namespace
from pathlib import Path

from holdfast.audit.chain import chain_key
from holdfast.audit.verify import Verifier
from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.audit_files import verify_files
from holdfast.cli.errors import LocalError
from holdfast.cli.program import Run

KEY_FILE = "/var/lib/holdfast/node/audit.key"


def verify(parser: CommandParser) -> Run:
    """Say whether audit files of a node are as they were written; exit code 1 if they are not.

    For example:

        hfctl audit verify /var/lib/holdfast/node/audit.log.1 /var/lib/holdfast/node/audit.log
    """
    parser.add_argument("files", nargs="+", metavar="FILE", help="oldest first, where a file was rotated")
    parser.add_argument(
        "--key-file",
        default=KEY_FILE,
        help=f"the node's audit key: audit.key in its storage directory [{KEY_FILE}]",
    )
    parser.add_argument(
        "--output", type=one_of("table", "json", "yaml"), default="table", help="table, json or yaml [table]"
    )
    parser.add_argument("--json", "-j", action="store_true", help="the same as --output json")
    return _verify


def _verify(arguments: Namespace) -> int:
    try:
        key = Path(arguments.key_file).read_bytes()
    except OSError as error:
        raise LocalError(
            f"--key-file: cannot be read ({error.strerror}); run this as the node's user, on the node"
        ) from None
    output = "json" if arguments.json else arguments.output
    return verify_files(Verifier(chain_key(key)), arguments.files, output)
