"""``hfctl auth guest``: whether calls without a token are served, as the role ``system.guest`` says."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.program import Run

GUEST_ROLE = "system.guest"


def show(parser: CommandParser) -> Run:
    """Show whether calls without a token are served."""
    add_node_options(parser)
    return _show


def enable(parser: CommandParser) -> Run:
    """Serve calls without a token as far as volumes are public; see `hfctl role inspect system.guest`."""
    add_node_options(parser)
    return lambda arguments: _set(arguments, enabled=True)


def disable(parser: CommandParser) -> Run:
    """Refuse calls without a token, at once and on every node."""
    add_node_options(parser)
    return lambda arguments: _set(arguments, enabled=False)


def _show(arguments: Namespace) -> int:
    role = node_client(arguments).request("GET", f"roles/inspect/{GUEST_ROLE}")["role"]
    enabled = role != _rules(enabled=False)
    custom = enabled and role != _rules(enabled=True)
    answer = {"guest_access": "enabled" if enabled else "disabled", "custom_rules": custom}
    said = " with rules of its own; see `hfctl role inspect system.guest`" if custom else ""
    return print_answer(arguments, answer, f"Guest access {answer['guest_access']}{said}")


def _set(arguments: Namespace, *, enabled: bool) -> int:
    node_client(arguments).request("PUT", "roles", {"role": _rules(enabled=enabled)})
    word = "enabled" if enabled else "disabled"
    return print_answer(arguments, {"guest_access": word}, f"Guest access {word} successfully")


def _rules(*, enabled: bool) -> dict[str, Any]:
    from holdfast.policy.default_roles import GUEST_DISABLED, GUEST_ENABLED

    role = GUEST_ENABLED if enabled else GUEST_DISABLED
    rules = [{"services": list(rule.services), "apis": list(rule.apis)} for rule in role.rules]
    return {"name": role.name, "rules": rules}
