"""``hfctl sched-policy``: named schedules, by which snapshots of volumes are taken."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.access import Kind, declare_add, declare_remove, declare_show, declare_update
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.schedule_options import declare_schedules, interval_of, interval_text, schedules_of
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import Run
from holdfast.client import SdkClient

HEADER = ("NAME", "SCHEDULES", "OWNER")


def create(parser: CommandParser) -> Run:
    """Store a policy. Volumes refer to it by its name; who may read it may use it.

    For example:

        hfctl sched-policy create nightly --daily 23:30,7 --monthly 1@04:00,12
    """
    declare_schedules(parser)
    _declare_name(parser)
    return _create


def update(parser: CommandParser) -> Run:
    """Replace the schedules of a policy, for all volumes that refer to it."""
    declare_schedules(parser)
    _declare_name(parser)
    return _update


def list_policies(parser: CommandParser) -> Run:
    """List the policies that you may see."""
    add_node_options(parser)
    return _list


def inspect(parser: CommandParser) -> Run:
    """Show one policy."""
    _declare_name(parser)
    return _inspect


def delete(parser: CommandParser) -> Run:
    """Forget a policy. No more snapshots are taken by it; those that were taken stay."""
    _declare_name(parser)
    return _delete


def _find(client: SdkClient, name: str) -> tuple[str, Mapping[str, Any]]:
    policy = client.request("GET", f"schedulepolicies/inspect/{name}")["policy"]
    return str(policy["name"]), policy.get("ownership", {})


POLICY = Kind("Schedule Policy", "schedule policy", _find, "schedulepolicies/access/{id}", "name")


def show_access(parser: CommandParser) -> Run:
    """Show whom a policy belongs to, and who else may use it."""
    return declare_show(parser, POLICY)


def add_access(parser: CommandParser) -> Run:
    """Let others use a policy: r to have snapshots taken by it, w also to change it, a also to share it."""
    return declare_add(parser, POLICY)


def remove_access(parser: CommandParser) -> Run:
    """Take access to a policy away again."""
    return declare_remove(parser, POLICY)


def update_access(parser: CommandParser) -> Run:
    """Replace the whole list of who else may use a policy, or give it another owner."""
    return declare_update(parser, POLICY)


def _declare_name(parser: CommandParser) -> None:
    parser.add_argument("policy", help="name of the policy")
    add_node_options(parser)


def _create(arguments: Namespace) -> int:
    answer = node_client(arguments).request("POST", "schedulepolicies", _body(arguments))
    return print_answer(arguments, answer, f"Schedule policy {arguments.policy} successfully created")


def _update(arguments: Namespace) -> int:
    answer = node_client(arguments).request("PUT", "schedulepolicies", _body(arguments))
    return print_answer(arguments, answer, f"Schedule policy {arguments.policy} successfully updated")


def _body(arguments: Namespace) -> dict[str, Any]:
    schedules = schedules_of(arguments)
    if not schedules:
        raise UsageError("expected --periodic, --daily, --weekly or --monthly")
    intervals = [interval_of(schedule) for schedule in schedules]
    return {"schedule_policy": {"name": arguments.policy, "schedules": intervals}}


def _list(arguments: Namespace) -> int:
    policies = node_client(arguments).request("GET", "schedulepolicies").get("policies", [])
    if prints_for_programs(arguments):
        print_result(policies, output_format(arguments))
    else:
        print_table(HEADER, [_row(policy) for policy in policies])
    return 0


def _inspect(arguments: Namespace) -> int:
    policy = node_client(arguments).request("GET", f"schedulepolicies/inspect/{arguments.policy}")["policy"]
    if prints_for_programs(arguments):
        print_result(policy, output_format(arguments))
    else:
        print_table(HEADER, [_row(policy)])
    return 0


def _delete(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"schedulepolicies/{arguments.policy}")
    return print_answer(arguments, answer, f"Schedule policy {arguments.policy} successfully deleted")


def _row(policy: Mapping[str, Any]) -> tuple[str, ...]:
    schedules = "; ".join(interval_text(interval) for interval in policy.get("schedules", ()))
    return (policy["name"], schedules, policy.get("ownership", {}).get("owner", ""))
