"""``holdfast audit verify | hash``: for people who read audit files."""

import base64
from argparse import Namespace
from pathlib import Path

from holdfast.audit.verify import Verifier
from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.answers import data_of
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_pairs, print_result, print_table
from holdfast.cli.program import EXIT_LOCAL_ERROR, EXIT_OK, Run
from holdfast.cli.typed_input import secret_word

MOST_SHOWN = 20


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
    for name in arguments.files:
        try:
            with Path(name).open("rb") as file:
                verifier.read(name, file)
        except OSError as error:
            raise LocalError(f"{name}: cannot be read: {error.strerror}") from None
    _show(verifier, arguments.format)
    return EXIT_LOCAL_ERROR if verifier.faults else EXIT_OK


def _show(verifier: Verifier, output_format: str) -> None:
    findings = [
        {
            "file": finding.file,
            "line": finding.line,
            "fault": finding.fault.name.lower(),
            "text": str(finding.fault),
        }
        for finding in verifier.findings
    ]
    summary = {"lines": verifier.lines, "chains": verifier.chains, "faults": verifier.faults}
    if output_format != "table":
        print_result({**summary, "findings": findings}, output_format)
        return
    print_pairs(summary.items())
    if findings:
        print()
        print_table(
            ("File", "Line", "This line"),
            [(finding["file"], finding["line"], finding["text"]) for finding in findings[:MOST_SHOWN]],
        )
    if verifier.faults > MOST_SHOWN:
        print(f"\n{verifier.faults - MOST_SHOWN} more; --format=json shows up to {len(findings)}.")


def _hash_text(arguments: Namespace) -> int:
    text = secret_word(arguments.text, prompt="Text", name="text").reveal().decode()
    answer = connect(arguments).request("PUT", f"sys/audit-hash/{arguments.device}", {"input": text})
    print_result({"hash": data_of(answer)["hash"]}, arguments.format)
    return EXIT_OK
