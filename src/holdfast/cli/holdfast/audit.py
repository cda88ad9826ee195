"""``holdfast audit verify | hash``: for people who read audit files."""

import base64
from argparse import Namespace

from holdfast.audit.verify import Verifier
from holdfast.cli.arguments import CommandParser
from holdfast.cli.audit_files import verify_files
from holdfast.cli.holdfast.answers import data_of
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_result
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word


def verify(parser: CommandParser) -> Run:
    """Say whether audit files are as they were written; exit code 1 if they are not."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="oldest first, where a file was rotated")
    parser.add_argument(
        "--syslog", action="store_true", help="something put a header before each line, as syslog does"
    )
    _add_device_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _verify


def hash_text(parser: CommandParser) -> Run:
    """Print what stands for a text in the lines of a device, to look for it there."""
    parser.add_argument("text", nargs="?", help="better left out: it is asked for without echo")
    _add_device_option(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _hash_text


def _add_device_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--device", default="file", help="name of the audit device in the configuration [file]"
    )


def _verify(arguments: Namespace) -> int:
    answer = connect(arguments).request("GET", f"sys/audit-chain/{arguments.device}")
    verifier = Verifier(base64.b64decode(data_of(answer)["key"]), headers=arguments.syslog)
    return verify_files(verifier, arguments.files, arguments.format)


def _hash_text(arguments: Namespace) -> int:
    text = secret_word(arguments.text, prompt="Text", name="text").reveal().decode()
    answer = connect(arguments).request("PUT", f"sys/audit-hash/{arguments.device}", {"input": text})
    print_result({"hash": data_of(answer)["hash"]}, arguments.format)
    return EXIT_OK
