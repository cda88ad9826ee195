"""``hfctl volume snap-interval-update`` and ``snapshot schedule``: when snapshots are taken by themselves."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.schedule_options import declare_plan, plan_of
from holdfast.cli.output import print_result, print_table, printable, remark
from holdfast.cli.program import Run

HEADER = ("NAME", "SCHEDULE", "LAST TAKEN", "NEXT", "PROBLEM")


def update(parser: CommandParser) -> Run:
    """Say when snapshots of a volume are taken by themselves; what was said before counts no more.

    For example:

        hfctl volume snap-interval-update data --policy nightly --periodic 60,24
        hfctl volume snap-interval-update data --periodic 0
    """
    parser.add_argument("volume", help="name or id")
    declare_plan(parser)
    add_node_options(parser)
    return _update


def show(parser: CommandParser) -> Run:
    """Show when snapshots of a volume are taken by themselves, and whether they were."""
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)
    return _show


def _update(arguments: Namespace) -> int:
    plan = plan_of(arguments)
    if plan is None:
        raise UsageError(
            "expected --policy, --periodic, --daily, --weekly or --monthly; --periodic 0 for none"
        )
    body = {"spec": {"snapshot_schedule": plan.text()}}
    answer = node_client(arguments).request("PUT", f"volumes/{arguments.volume}", body)
    return print_answer(arguments, answer, f"Volume {arguments.volume} successfully updated")


def _show(arguments: Namespace) -> int:
    found = node_client(arguments).request("GET", f"volumes/snapshot/schedules/{arguments.volume}")
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    print_table(HEADER, [_row(state) for state in found.get("schedules", ())])
    if found.get("stopped"):
        remark(
            f"Note: nothing is done any more for {printable(found.get('planned_by', ''))}, who set it: "
            f"{printable(found['stopped'])}. Set it again to go on."
        )
    return 0


def _row(state: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        state["name"],
        state.get("schedule", "").replace("=", " ", 1),
        state.get("taken_at", ""),
        state.get("next_due", ""),
        state.get("failure", ""),
    )
