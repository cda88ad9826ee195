"""``hfctl volume snapshot``, ``clone`` and ``restore``: copies of a volume, and the way back."""

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
from holdfast.cli.hfctl.pairs import namespace_of, parse_pairs
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import Run

LIST_HEADER = ("ID", "NAME", "VOLUME", "SIZE", "ENCRYPTED", "TAKEN")


def create(parser: CommandParser) -> Run:
    """Take a snapshot; a mounted volume is frozen for the moment.

    For example:

        hfctl volume snapshot create data --name data-monday --label reason=upgrade
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--name", required=True, help="of the snapshot; unique among all volumes")
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="of the snapshot")
    add_node_options(parser)
    return _create


def list_snapshots(parser: CommandParser) -> Run:
    """List the snapshots that you may see."""
    parser.add_argument("volume", nargs="?", default="", help="only those of this volume")
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME=VALUE", help="only with these labels"
    )
    add_node_options(parser)
    return _list


def restore(parser: CommandParser) -> Run:
    """Make a detached volume what it was when a snapshot of it was taken; what it is now is lost.

    For example:

        hfctl volume restore data --snapshot data-monday
    """
    parser.add_argument("volume", help="name or id")
    parser.add_argument("--snapshot", "-s", required=True, metavar="SNAPSHOT", help="name or id")
    add_node_options(parser)
    return _restore


def clone(parser: CommandParser) -> Run:
    """Make a volume of your own out of a volume or snapshot.

    For example:

        hfctl volume clone data-monday --name data-test
        hfctl volume clone data --name data-partner --own-key --reencrypt
    """
    parser.add_argument("volume", help="name or id of the volume or snapshot")
    parser.add_argument("--name", required=True, help="of the clone; unique among all volumes")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="beside those of the volume; an empty value leaves one out",
    )
    parser.add_argument("--secret_key", metavar="NAME", default="", help="with this secret's value as key")
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    parser.add_argument("--own-key", action="store_true", help="with a key made for it alone")
    parser.add_argument(
        "--reencrypt",
        action="store_true",
        help="write it anew under another volume key, so that nothing of the original ever opens it",
    )
    add_node_options(parser)
    return _clone


def _create(arguments: Namespace) -> int:
    labels = parse_pairs(arguments.label, option="--label")
    body = {"volume_id": arguments.volume, "name": arguments.name, "labels": labels}
    answer = node_client(arguments).request("POST", "volumes/snapshots", body)
    return print_answer(arguments, answer, f"Volume snap successful: {answer['snapshot_id']}")


def _list(arguments: Namespace) -> int:
    client = node_client(arguments)
    wanted = {"volume_id": arguments.volume, "labels": parse_pairs(arguments.label, option="--label")}
    answer = client.request("POST", "volumes/snapshots/filters", wanted)
    found = set(answer.get("volume_snapshot_ids", []))
    answer = client.request("POST", "volumes/inspectwithfilters", {}) if found else {}
    volumes = {entry["volume"]["id"]: entry["volume"] for entry in answer.get("volumes", [])}
    snapshots = [volume for identity, volume in volumes.items() if identity in found]
    if prints_for_programs(arguments):
        print_result(snapshots, output_format(arguments))
    else:
        print_table(LIST_HEADER, [_row(snapshot, volumes) for snapshot in snapshots])
    return 0


def _restore(arguments: Namespace) -> int:
    body = {"volume_id": arguments.volume, "snapshot_id": arguments.snapshot}
    answer = node_client(arguments).request("POST", "volumes/snapshots/restore", body)
    said = f"Volume {arguments.volume} successfully restored from {arguments.snapshot}"
    return print_answer(arguments, answer, said)


def _clone(arguments: Namespace) -> int:
    if arguments.own_key and arguments.secret_key:
        raise UsageError("--own-key: makes no sense together with --secret_key")
    body = {
        "name": arguments.name,
        "parent_id": arguments.volume,
        "additional_labels": parse_pairs(arguments.label, option="--label"),
        "secret_name": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
        "own_key": arguments.own_key,
        "reencrypt": arguments.reencrypt,
    }
    answer = node_client(arguments).request("POST", "volumes/clone", body)
    return print_answer(arguments, answer, f"Volume clone successful: {answer['volume_id']}")


def _row(snapshot: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    parent = snapshot.get("source", {}).get("parent", "")
    name = volumes[parent]["locator"]["name"] if parent in volumes else parent
    spec = snapshot.get("spec", {})
    encrypted = "yes" if spec.get("encrypted") else "no"
    size = format_size(int(spec.get("size", 0)))
    return (snapshot["id"], snapshot["locator"]["name"], name, size, encrypted, snapshot.get("ctime", ""))
