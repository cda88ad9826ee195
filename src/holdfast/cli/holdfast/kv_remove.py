"""``holdfast kv delete | undelete | destroy``."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect
from holdfast.cli.holdfast.kv_target import add_path_argument, find_target
from holdfast.cli.program import EXIT_OK, Run


def delete(parser: CommandParser) -> Run:
    """Delete the newest version, or the versions given; they can be brought back."""
    _add_options(parser)
    return _delete


def undelete(parser: CommandParser) -> Run:
    """Bring deleted versions back."""
    _add_options(parser)
    return _undelete


def destroy(parser: CommandParser) -> Run:
    """Erase versions for good; their numbers are never used again."""
    _add_options(parser)
    return _destroy


def _add_options(parser: CommandParser) -> None:
    add_path_argument(parser)
    parser.add_argument("--versions", help="numbers, with commas between them")
    add_server_options(parser)


def _delete(arguments: Namespace) -> int:
    if arguments.versions is not None:
        return _change_versions(arguments, "delete")
    client = connect(arguments)
    path = find_target(client, arguments).api_path("data")
    client.request("DELETE", path)
    print(f"Success! Data deleted (if it existed) at: {path}")
    return EXIT_OK


def _undelete(arguments: Namespace) -> int:
    return _change_versions(arguments, "undelete")


def _destroy(arguments: Namespace) -> int:
    return _change_versions(arguments, "destroy")


def _change_versions(arguments: Namespace, change: str) -> int:
    versions = _numbers(arguments.versions)
    client = connect(arguments)
    target = find_target(client, arguments)
    target.require_versions()
    path = target.api_path(change)
    client.request("PUT", path, {"versions": versions})
    print(f"Success! Data {'deleted (if it existed) at' if change == 'delete' else 'written to'}: {path}")
    return EXIT_OK


def _numbers(text: str | None) -> list[int]:
    words = [word.strip() for word in (text or "").split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UsageError("--versions: expected version numbers with commas between them, such as 1,2")
    return [int(word) for word in words]
