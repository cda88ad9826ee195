"""``hfctl role test``: what roles would allow, and which rule says so. Nothing is changed by asking."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    prints_for_programs,
)
from holdfast.cli.hfctl.pairs import parse_pairs
from holdfast.cli.hfctl.role import read_role_file
from holdfast.cli.output import print_result, print_table, warn
from holdfast.cli.program import Run


def declare(parser: CommandParser) -> Run:
    """Show what a token with these roles may call, and which rule says so.

    With --local no node is asked: a role file is judged as it is, beside the default roles.

    For example:

        hfctl role test team.reader --call volume.create --call volume.inspect
        hfctl role test --role-config reader.json --local
        hfctl role test team.blue --call volume.delete --label team=blue
    """
    parser.add_argument("roles", nargs="*", help="names of roles, as a token has them")
    parser.add_argument("--role-config", metavar="FILE", help="JSON file of a role that need not be stored")
    parser.add_argument(
        "--call", action="append", default=[], metavar="SERVICE.METHOD", help="[everything that there is]"
    )
    parser.add_argument(
        "--label",
        action="append",
        metavar="NAME=VALUE",
        help="label of the volume that the calls are about [whatever volume]",
    )
    parser.add_argument("--allowed", action="store_true", help="show only what would be allowed")
    parser.add_argument("--local", action="store_true", help="ask no node; stored roles are not known then")
    add_node_options(parser)
    return _test


def _test(arguments: Namespace) -> int:
    role = read_role_file(arguments.role_config) if arguments.role_config else None
    if not arguments.roles and role is None:
        raise UsageError("expected names of roles, or --role-config")
    calls = [_call(text) for text in arguments.call]
    labels = None if arguments.label is None else parse_pairs(arguments.label, option="--label")
    if arguments.local:
        found = _locally(arguments.roles, role, calls, labels)
    else:
        body = {
            "names": arguments.roles,
            "calls": [{"service": service, "method": method} for service, method in calls],
            **({"role": role} if role is not None else {}),
            **({"volume": {"labels": labels}} if labels is not None else {}),
        }
        found = node_client(arguments).request("POST", "roles/test", body)
    return _print(arguments, found)


def _print(arguments: Namespace, found: dict[str, Any]) -> int:
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    for text in found.get("warnings", []):
        warn(text)
    rows = [
        (
            call["service"],
            call["method"] + ("" if call.get("known") else " (unknown)"),
            "allowed" if call.get("allowed") else "refused",
            call.get("rule") or call.get("reason", ""),
        )
        for call in found.get("results", [])
        if call.get("allowed") or not arguments.allowed
    ]
    print_table(("SERVICE", "METHOD", "RESULT", "WHY"), rows)
    return 0


def _call(text: str) -> tuple[str, str]:
    service, dot, method = text.partition(".")
    if not dot or not service or not method:
        raise UsageError("--call: expected service.method, such as volume.create")
    return service, method


def _locally(
    names: list[str], document: Any, calls: list[tuple[str, str]], labels: dict[str, str] | None
) -> dict[str, Any]:
    import msgspec

    from holdfast.cli.errors import LocalError
    from holdfast.node.access.known_apis import about, known_apis
    from holdfast.node.api import SCOPED_SERVICES
    from holdfast.policy.decision import Allowed
    from holdfast.policy.default_roles import default_roles
    from holdfast.policy.role_check import check_scopes, dead_patterns
    from holdfast.policy.roles import Role, any_of, decide_one

    roles = dict(default_roles())
    warnings: list[str] = []
    known = known_apis()
    if document is not None:
        try:
            role = msgspec.convert(document, Role)
        except msgspec.ValidationError as error:
            raise LocalError(f"--role-config: {error}") from None
        roles[role.name] = role
        names = [*names, role.name]
        check_scopes(role, known, SCOPED_SERVICES)
        warnings = [dead.text for dead in dead_patterns(role, known)]
    wanted = [(service.lower(), method.lower()) for service, method in calls] or [
        (service, method) for service, methods in sorted(known.items()) for method in sorted(methods)
    ]

    def verdict(service: str, method: str) -> dict[str, Any]:
        what = about(service, labels)
        decision = any_of(
            names, lambda name: decide_one(roles[name], service, method, what) if name in roles else None
        )
        return {
            "service": service,
            "method": method,
            "known": method in known.get(service, ()),
            "allowed": bool(decision),
            **({"rule": decision.rule} if isinstance(decision, Allowed) else {"reason": decision.reason}),
        }

    return {"results": [verdict(service, method) for service, method in wanted], "warnings": warnings}
