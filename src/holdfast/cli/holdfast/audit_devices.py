"""``holdfast audit enable | disable | list``: where audit lines go."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of, show_warnings
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run


def enable(parser: CommandParser) -> Run:
    """Add an audit device; the store must be told in its configuration that this may be done."""
    parser.add_argument("type", help="file, syslog or socket")
    parser.add_argument(
        "options", nargs="*", metavar="KEY=VALUE", help="such as file_path=/var/log/audit.log"
    )
    parser.add_argument("--path", help="what to call it [the type's name]")
    parser.add_argument("--description", default="", help="for people")
    parser.add_argument("--local", action="store_true", help="taken for clients that say it; changes nothing")
    add_server_options(parser)
    return _enable


def disable(parser: CommandParser) -> Run:
    """Remove an audit device that was added by a command."""
    parser.add_argument("path", help="what it is called")
    add_server_options(parser)
    return _disable


def list_devices(parser: CommandParser) -> Run:
    """List the audit devices."""
    parser.add_argument("--detailed", action="store_true", help="with their options, and how they fare")
    add_format_option(parser)
    add_server_options(parser)
    return _list


def _enable(arguments: Namespace) -> int:
    name = (arguments.path or arguments.type).strip("/")
    body = {
        "type": arguments.type,
        "description": arguments.description,
        "options": parse_option_pairs(arguments.options, option="KEY=VALUE"),
        "local": arguments.local,
    }
    show_warnings(connect(arguments).request("PUT", f"sys/audit/{name}", body))
    print(f"Success! Enabled the {arguments.type} audit device at: {name}/")
    return EXIT_OK


def _disable(arguments: Namespace) -> int:
    name = arguments.path.strip("/")
    connect(arguments).request("DELETE", f"sys/audit/{name}")
    print(f"Success! Disabled audit device (if it was enabled) at: {name}/")
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    devices = data_of(connect(arguments).request("GET", "sys/audit"))
    if arguments.format != "table":
        print_result(devices, arguments.format)
        return EXIT_OK if devices else EXIT_REMOTE_ERROR
    if not devices:
        print("No audit devices are enabled.")
        return EXIT_REMOTE_ERROR
    if arguments.detailed:
        rows = [_details(path, device) for path, device in sorted(devices.items())]
        print_table(("Path", "Type", "Description", "Replication", "Options", "Health"), rows)
    else:
        short = [(path, device.get("type"), device.get("description")) for path, device in devices.items()]
        print_table(("Path", "Type", "Description"), sorted(short))
    return EXIT_OK


def _details(path: str, device: dict[str, Any]) -> tuple[Any, ...]:
    options = " ".join(f"{name}={value}" for name, value in sorted(device.get("options", {}).items()))
    replication = "local" if device.get("local") else "replicated"
    return path, device.get("type"), device.get("description"), replication, options, _health(device)


def _health(device: dict[str, Any]) -> str:
    """Say how a device fares; other servers do not tell."""
    health = device.get("health")
    if not isinstance(health, dict):
        return "n/a"
    if health.get("failing_processes"):
        return f"failing since {health.get('failing_since')}"
    failed = health.get("failed_writes")
    return f"well; {failed} writes failed, last {health.get('last_failure')}" if failed else "well"
