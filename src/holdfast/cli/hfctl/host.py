"""``hfctl host``: attach, detach, mount and unmount on the node's host."""

from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.hfctl.pairs import namespace_of
from holdfast.cli.program import Run


def attach(parser: CommandParser) -> Run:
    """Attach a volume; its key is fetched for that moment.

    For example:

        hfctl host attach data
        hfctl host attach data --secret_key pwx/secrets/data-key
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--secret_key", metavar="NAME", default="", help="try this secret instead of its own")
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    parser.add_argument("--read-only", action="store_true", help="have the device refuse writes")
    add_node_options(parser)
    return _attach


def detach(parser: CommandParser) -> Run:
    """Take a volume's block device away.

    For example:

        hfctl host detach data
        hfctl host detach data --unmount
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--unmount", action="store_true", help="unmount it first, wherever it is mounted")
    parser.add_argument(
        "--force", action="store_true", help="also if in use; what was not synced may be lost"
    )
    add_node_options(parser)
    return _detach


def mount(parser: CommandParser) -> Run:
    """Mount an attached volume; the first time, its file system is made.

    For example:

        hfctl host mount data /mnt/data
    """
    _path_arguments(parser)
    return _mount


def unmount(parser: CommandParser) -> Run:
    """Unmount a volume."""
    _path_arguments(parser)
    return _unmount


def _path_arguments(parser: CommandParser) -> None:
    parser.add_argument("volume", help="name or id")
    parser.add_argument("path", help="a directory of the node's host, below one that the node allows")
    add_node_options(parser)


def _attach(arguments: Namespace) -> int:
    options = {
        "secret_name": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
        **({"read_only": True} if arguments.read_only else {}),
    }
    body = {"volume_id": arguments.volume, "options": options}
    answer = node_client(arguments).request("POST", "mountattach/attach", body)
    return print_answer(arguments, answer, f"Volume successfully attached at: {answer['device_path']}")


def _detach(arguments: Namespace) -> int:
    options = {"force": arguments.force, "unmount_before_detach": arguments.unmount}
    body = {"volume_id": arguments.volume, "options": options}
    answer = node_client(arguments).request("POST", "mountattach/detach", body)
    return print_answer(arguments, answer, "Volume successfully detached")


def _mount(arguments: Namespace) -> int:
    path = str(Path(arguments.path).absolute())
    body = {"volume_id": arguments.volume, "mount_path": path}
    answer = node_client(arguments).request("POST", "mountattach/mount", body)
    return print_answer(arguments, answer, f"Volume {arguments.volume} successfully mounted at {path}")


def _unmount(arguments: Namespace) -> int:
    path = str(Path(arguments.path).absolute())
    body = {"volume_id": arguments.volume, "mount_path": path}
    answer = node_client(arguments).request("POST", "mountattach/unmount", body)
    return print_answer(arguments, answer, f"Volume {arguments.volume} successfully unmounted from {path}")
