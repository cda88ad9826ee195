"""``hfctl volume``: create, list, inspect, update and delete."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.access import owner_word
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.pairs import namespace_of, parse_pairs
from holdfast.cli.hfctl.schedule_options import declare_plan, plan_of
from holdfast.cli.hfctl.sizes import format_size, parse_size
from holdfast.cli.hfctl.volume_figures import request_size
from holdfast.cli.output import on_one_line, print_result, print_table, printable, remark
from holdfast.cli.program import Run

FORMATS = {"ext4": "FS_TYPE_EXT4", "xfs": "FS_TYPE_XFS"}
DEFAULT_SIZE = "1G"
LIST_HEADER = ("ID", "NAME", "SIZE", "HA", "SHARED", "ENCRYPTED", "IO_PRIORITY", "SCALE", "STATUS")


def create(parser: CommandParser) -> Run:
    """Create a volume that belongs to you.

    In place of a name, words may say what it is to be, as in volume specs of the original: ``name=data,
    size=10G,fs=xfs,secure=true,secret_key=team/key`` in one argument without blanks.
    """
    parser.add_argument("name", help="unique within the cluster; or words, see above")
    parser.add_argument("--size", help="such as 64M; a bare number counts GiB [1G]")
    parser.add_argument("--fs", type=one_of(*FORMATS), help="ext4 or xfs [ext4]")
    parser.add_argument("--secure", action="store_true", help="encrypt it")
    parser.add_argument(
        "--use_cluster_secret", action="store_true", help="with the cluster-wide key; as --secure"
    )
    parser.add_argument(
        "--secret_key", metavar="NAME", help="with this secret's value as key; implies --secure"
    )
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    parser.add_argument(
        "--own-key", action="store_true", help="with a key made for it alone; implies --secure"
    )
    parser.add_argument(
        "--integrity",
        action="store_true",
        help="with authenticated encryption: reads of a changed backing file fail; implies --secure",
    )
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="labels")
    parser.add_argument("--storagepolicy", metavar="NAME", help="rules that it follows [the default ones]")
    declare_plan(parser)
    add_node_options(parser)
    return _create


def list_volumes(parser: CommandParser) -> Run:
    """List the volumes that you may see."""
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME=VALUE", help="only with these labels"
    )
    parser.add_argument("--ownerless", action="store_true", help="only what belongs to nobody")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--snapshot", "-s", action="store_true", help="snapshots instead")
    kind.add_argument("--all", "-a", action="store_true", help="volumes and snapshots")
    add_node_options(parser)
    return _list


def inspect(parser: CommandParser) -> Run:
    """Show one volume."""
    _volume_argument(parser)
    return _inspect


def update(parser: CommandParser) -> Run:
    """Change labels or the size, or the owner if you are the storage administrator."""
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME=VALUE", help="an empty value removes one"
    )
    parser.add_argument("--owner", metavar="USER", help="the new owner")
    parser.add_argument("--size", help="make it that large, such as 64M; a bare number counts GiB")
    _volume_argument(parser)
    return _update


def delete(parser: CommandParser) -> Run:
    """Crypto-erase and remove a detached volume."""
    parser.add_argument("--force", action="store_true", help="do not ask; for scripts that pass it")
    _volume_argument(parser)
    return _delete


def _volume_argument(parser: CommandParser) -> None:
    parser.add_argument("volume", help="name or id")
    add_node_options(parser)


def _create(arguments: Namespace) -> int:
    if arguments.own_key and arguments.secret_key:
        raise UsageError("--own-key: makes no sense together with --secret_key")
    secure = (
        arguments.secure
        or arguments.use_cluster_secret
        or arguments.own_key
        or arguments.integrity
        or bool(arguments.secret_key)
    )
    plan = plan_of(arguments)
    # Words in place of the name may say the size themselves; the node puts both together.
    size = arguments.size or ("" if "size=" in arguments.name else DEFAULT_SIZE)
    wanted = {
        "size": str(parse_size(size)) if size else "",
        "format": FORMATS.get(arguments.fs, ""),
        "encrypted": secure,
        "passphrase": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
        "own_key": arguments.own_key,
        "integrity": arguments.integrity,
        "storage_policy": arguments.storagepolicy,
        "snapshot_schedule": plan.text() if plan is not None else "",
    }
    # What was not asked for is not sent: an older node refuses a field that it does not know.
    spec = {name: value for name, value in wanted.items() if value}
    labels = parse_pairs(arguments.label, option="--label")
    body = {"name": arguments.name, "spec": spec, "labels": labels}
    answer = node_client(arguments).request("POST", "volumes", body)
    kind = "Encrypted volume" if arguments.secret_key else "Volume"
    return print_answer(arguments, answer, f"{kind} successfully created: {answer['volume_id']}")


def _list(arguments: Namespace) -> int:
    filters = {
        "labels": parse_pairs(arguments.label, option="--label"),
        **({"ownerless": True} if arguments.ownerless else {}),
    }
    answer = node_client(arguments).request("POST", "volumes/inspectwithfilters", filters)
    volumes = [
        entry["volume"]
        for entry in answer.get("volumes", [])
        if arguments.all or bool(entry["volume"].get("readonly")) is arguments.snapshot
    ]
    if prints_for_programs(arguments):
        print_result(volumes, output_format(arguments))
    else:
        print_table(LIST_HEADER, [_row(volume) for volume in volumes])
    return 0


def _inspect(arguments: Namespace) -> int:
    volume = inspect_volume(arguments)
    if prints_for_programs(arguments):
        print_result(volume, output_format(arguments))
    else:
        for name, value in _fields(volume):
            print(f"{name.ljust(16)} : {printable(value)}")
    return 0


def _update(arguments: Namespace) -> int:
    labels = parse_pairs(arguments.label, option="--label")
    if not labels and arguments.owner is None and not arguments.size:
        raise UsageError("expected --label, --size or --owner")
    if arguments.size:
        request_size(arguments)
    body: dict[str, Any] = {"labels": labels}
    if arguments.owner is not None:
        body["spec"] = {
            "ownership": {"owner": owner_word(arguments.owner)}
        }  # who else has access stays as it is
    answer = node_client(arguments).request("PUT", f"volumes/{arguments.volume}", body)
    return print_answer(arguments, answer, f"Volume {arguments.volume} successfully updated")


def _delete(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"volumes/{arguments.volume}")
    report = answer.get("holdfast", {})
    code = print_answer(arguments, report, f"Volume {arguments.volume} successfully deleted.")
    if not prints_for_programs(arguments) and report.get("keyslots_destroyed"):
        print(f"Crypto-erased: {report['keyslots_destroyed']} keyslot(s) destroyed.")
        if report.get("own_key_destroyed"):
            print("Its own key was destroyed in the secrets provider.")
        for text in report.get("remarks", []):
            remark(f"Note: {text}")
    return code


def inspect_volume(arguments: Namespace) -> dict[str, Any]:
    """Return what the node says about the volume that the arguments name."""
    answer = node_client(arguments).request("GET", f"volumes/inspect/{arguments.volume}")
    volume: dict[str, Any] = answer["volume"]
    return volume


def _row(volume: Mapping[str, Any]) -> tuple[str, ...]:
    spec = volume.get("spec", {})
    return (
        volume["id"],
        volume["locator"]["name"],
        format_size(int(spec.get("size", 0))),
        "1",
        "no",
        _yes(spec.get("encrypted", False)),
        "NONE",
        "0",
        _status(volume),
    )


def _fields(volume: Mapping[str, Any]) -> list[tuple[str, str]]:
    spec, own = volume.get("spec", {}), volume.get("holdfast", {})
    key, ownership = own.get("key", {}), spec.get("ownership", {})
    fields = [
        ("Volume", volume["id"]),
        ("Name", volume["locator"]["name"]),
        ("Size", format_size(int(spec.get("size", 0)))),
        ("Format", volume.get("format", "").removeprefix("FS_TYPE_").lower()),
        ("HA", "1"),
        ("Owner", ownership.get("owner") or "nobody"),
        ("Creation time", volume.get("ctime", "")),
        ("Status", _status(volume)),
        ("State", volume.get("state", "").removeprefix("VOLUME_STATE_").lower()),
        ("Stage", own.get("stage", "")),
    ]
    attributes = [
        word
        for word, is_so in (
            ("encrypted", spec.get("encrypted")),
            ("integrity", spec.get("integrity")),
            ("read-only", volume.get("readonly")),
        )
        if is_so
    ]
    if attributes:
        fields.append(("Attributes", ",".join(attributes)))
    if spec.get("storage_policy"):
        fields.append(("StoragePolicy", spec["storage_policy"]))
    if spec.get("snapshot_schedule"):
        fields.append(("Snapshots", spec["snapshot_schedule"]))
    if own.get("taken_by"):
        fields.append(("Taken by", f"schedule {own['taken_by']}"))
    if volume.get("source", {}).get("parent"):
        fields.append(("Parent", volume["source"]["parent"]))
    if volume.get("fs_resize_required"):
        fields.append(("File system", "fills the volume when it is mounted next"))
    if spec.get("encrypted"):
        fields.append(("Key", describe_key(key)))
    if volume.get("device_path"):
        fields.append(("Device Path", volume["device_path"]))
    fields += [("Mounted at", path) for path in volume.get("attach_path", [])]
    labels = volume["locator"].get("volume_labels", {})
    if labels:
        fields.append(("Labels", on_one_line(",".join(f"{name}={value}" for name, value in labels.items()))))
    return fields


def describe_key(key: Mapping[str, Any]) -> str:
    """Say in one line where a key is kept."""
    version = f" version {key['version']}" if key.get("version") is not None else ""
    namespace = f" in namespace {key['namespace']}" if key.get("namespace") else ""
    whose = ", ".join(text for text in (key.get("provider"), key.get("origin")) if text)
    return f"{key.get('name', '')}{version}{namespace} ({whose})"


def _status(volume: Mapping[str, Any]) -> str:
    return "up - " + str(volume.get("state", "")).removeprefix("VOLUME_STATE_").lower()


def _yes(value: object) -> str:
    return "yes" if value else "no"
