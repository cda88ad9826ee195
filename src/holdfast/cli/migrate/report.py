"""What became of every secret of an import, for people and for programs: names and reasons, never a value."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdfast.cli.output import print_result, print_table, remark
from holdfast.cli.program import EXIT_OK


class Outcome(StrEnum):
    """What became of one secret, or would."""

    CREATED = "created"
    IDENTICAL = "identical"
    REPLACED = "replaced"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One secret.

    Attributes:
        path: where it was to go.
        outcome: what became of it.
        reason: why, where the outcome does not say it all.
        exit_code: of the program, if this alone had gone wrong.
    """

    path: str
    outcome: Outcome
    reason: str = ""
    exit_code: int = EXIT_OK


def show(rows: Sequence[Row], output_format: str, *, dry_run: bool) -> None:
    """Print the report, and how many there are of each outcome."""
    counts = Counter(row.outcome for row in rows)
    if output_format == "table":
        header = ("Path", "Would be" if dry_run else "Outcome", "Reason")
        print_table(header, [(_name(row.path), row.outcome.value, row.reason) for row in rows])
    else:
        report = {
            "dry_run": dry_run,
            "summary": {outcome.value: counts[outcome] for outcome in Outcome},
            "secrets": [
                {"path": _name(row.path), "outcome": row.outcome.value, "reason": row.reason} for row in rows
            ],
        }
        print_result(report, output_format)
    told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
    remark(f"{len(rows)} secrets: {told or 'nothing to do'}{' (nothing was written)' if dry_run else ''}")


def exit_code_of(rows: Sequence[Row]) -> int:
    """Return zero if nothing failed, else the code of the gravest failure."""
    return max((row.exit_code for row in rows), default=EXIT_OK)


def _name(path: str) -> str:
    """Return a path that can be printed, also where a file's name is not UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
