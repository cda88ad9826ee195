"""How the DC/OS commands print: ``--output table | json | yaml``, and ``-j`` for JSON as ``dcos`` has it.

Tables show the few columns that people look for; JSON and YAML have every field.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.output import FORMATS, print_pairs, print_result, print_table

Columns = Sequence[tuple[str, str]]
"""Title and name of the field, for each column."""


def add_output_options(parser: CommandParser) -> None:
    """Declare how the result is printed."""
    parser.add_argument(
        "--output",
        "--format",
        type=one_of(*FORMATS),
        default=setting("FORMAT") or "table",
        help="table, json or yaml [HOLDFAST_FORMAT; table]",
    )
    parser.add_argument("--json", "-j", action="store_true", help="the same as --output json")


def output_format(arguments: Namespace) -> str:
    """Return the form that was asked for."""
    chosen: str = "json" if arguments.json else arguments.output
    return chosen


def show_rows(rows: Iterable[Mapping[str, Any]], columns: Columns, arguments: Namespace) -> None:
    """Print a list of things of one kind."""
    found, chosen = list(rows), output_format(arguments)
    if chosen == "table":
        print_table(
            [title for title, _ in columns],
            [[_cell(row.get(name, "")) for _, name in columns] for row in found],
        )
    else:
        print_result(found, chosen)


def show_thing(thing: Mapping[str, Any], columns: Columns, arguments: Namespace) -> None:
    """Print one thing; a table leaves out what it does not have."""
    chosen = output_format(arguments)
    if chosen == "table":
        print_pairs((title, thing[name]) for title, name in columns if name in thing)
    else:
        print_result(dict(thing), chosen)


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
