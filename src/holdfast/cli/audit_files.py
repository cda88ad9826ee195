"""Audit files against the chain of who wrote them: read, judged, and shown."""

from collections.abc import Sequence
from pathlib import Path

from holdfast.audit.verify import Verifier
from holdfast.cli.errors import LocalError
from holdfast.cli.output import print_pairs, print_result, print_table
from holdfast.cli.program import EXIT_LOCAL_ERROR, EXIT_OK

MOST_SHOWN = 20


def verify_files(verifier: Verifier, names: Sequence[str], output_format: str) -> int:
    """Check files, oldest first, and say what is wrong with which line.

    Returns:
        The exit code: 1 if anything is not as it was written.

    Raises:
        LocalError: a file cannot be read.
    """
    for name in names:
        try:
            with Path(name).open("rb") as file:
                verifier.read(name, file)
        except OSError as error:
            raise LocalError(f"{name}: cannot be read: {error.strerror}") from None
    _show(verifier, output_format)
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
