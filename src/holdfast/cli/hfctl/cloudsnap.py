"""``hfctl cloudsnap``: backups of volumes in stores of objects, and volumes out of backups."""

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
from holdfast.cli.hfctl.following import follow
from holdfast.cli.hfctl.pairs import namespace_of, parse_pairs
from holdfast.cli.hfctl.sizes import format_size
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_REMOTE_ERROR, Run
from holdfast.client import SdkClient

LIST_HEADER = ("SOURCEVOLUME", "SOURCEVOLUMEID", "CLOUD-SNAP-ID", "CREATED-TIME", "SIZE", "ADDED", "STATUS")
STATUS_HEADER = ("NAME", "SOURCEVOLUME", "STATE", "BYTES-PROCESSED", "TIME-STARTED", "COMPLETED", "ERROR")
HISTORY_HEADER = ("SOURCEVOLUME", "CLOUD-SNAP-ID", "TIMESTAMP", "STATUS", "ERROR")


def backup(parser: CommandParser) -> Run:
    """Back a volume up, in use or not; what is in the store of objects already is not sent again.

    The backup is encrypted with the passphrase of the credential, or with a secret of the node's provider.
    """
    parser.add_argument("volume", help="name or id")
    _add_credential(parser)
    parser.add_argument("--full", "-f", action="store_true", help="send all of it")
    parser.add_argument(
        "--frequency",
        "-d",
        type=int,
        default=0,
        metavar="NUMBER",
        help="incremental backups per full one [7]",
    )
    parser.add_argument(
        "--label", "-l", action="append", default=[], metavar="NAME=VALUE", help="of the backup"
    )
    parser.add_argument("--name", default="", metavar="TASK", help="of the task; the same goes on with it")
    _add_secret(parser, "opens the backup, in place of the credential's passphrase; default: the cluster's")
    _add_waiting(parser)
    return _backup


def restore(parser: CommandParser) -> Run:
    """Make a volume of your own out of a backup."""
    _add_snap(parser)
    parser.add_argument("--volume", "-v", default="", metavar="NAME", help="of the new volume")
    _add_credential(parser)
    _add_secret(parser, "opens the new volume, in place of the cluster-wide key")
    parser.add_argument("--own-key", action="store_true", help="with a key made for it alone")
    _add_waiting(parser)
    return _restore


def verify(parser: CommandParser) -> Run:
    """Have the node read all of a backup, and check it."""
    _add_snap(parser)
    _add_credential(parser)
    _add_waiting(parser)
    return _verify


def list_backups(parser: CommandParser) -> Run:
    """List the backups that you may see."""
    _add_credential(parser)
    parser.add_argument("--src", "-s", default="", metavar="VOLUME", help="only of this volume, by id")
    parser.add_argument("--cluster", "-c", default="", metavar="ID", help="of another cluster")
    parser.add_argument("--all", "-a", action="store_true", help="of all clusters")
    parser.add_argument("--label", "-l", action="append", default=[], metavar="NAME=VALUE", help="only these")
    add_node_options(parser)
    return _list


def status(parser: CommandParser) -> Run:
    """Show how far backups and restores are."""
    parser.add_argument("--src", "-s", default="", metavar="VOLUME", help="only of this volume")
    parser.add_argument("--name", "-n", default="", metavar="TASK", help="only this task")
    parser.add_argument("--local", action="store_true", help="only of this node")
    add_node_options(parser)
    return _status


def history(parser: CommandParser) -> Run:
    """Show the backups of a volume, and the attempts that came to nothing."""
    parser.add_argument("--src", "-s", default="", metavar="VOLUME", help="only of this volume")
    add_node_options(parser)
    return _history


def delete(parser: CommandParser) -> Run:
    """Remove a backup, or all backups of a volume."""
    parser.add_argument("--snap", "-s", default="", metavar="BACKUP", help="id of the backup")
    parser.add_argument("--src", default="", metavar="VOLUME", help="all backups of this volume")
    parser.add_argument("--force", action="store_true", help="taken for the sake of scripts")
    _add_credential(parser)
    add_node_options(parser)
    return _delete


def pause(parser: CommandParser) -> Run:
    """Have a backup or restore wait."""
    return _declare_change(parser, "Pause", "paused")


def resume(parser: CommandParser) -> Run:
    """Have a backup or restore go on, also a backup that failed or was cut short."""
    return _declare_change(parser, "Resume", "resumed")


def stop(parser: CommandParser) -> Run:
    """End a backup or restore."""
    return _declare_change(parser, "Stop", "stopped")


def _add_credential(parser: CommandParser) -> None:
    parser.add_argument(
        "--cred-id", default="", metavar="CREDENTIAL", help="name or id [the only one that you may use]"
    )


def _add_snap(parser: CommandParser) -> None:
    parser.add_argument("--snap", "-s", required=True, metavar="BACKUP", help="id of the backup")


def _add_secret(parser: CommandParser, what: str) -> None:
    parser.add_argument("--secret_key", metavar="NAME", default="", help=what)
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )


def _add_waiting(parser: CommandParser) -> None:
    parser.add_argument("--no-wait", action="store_true", help="return as soon as it is begun")
    add_node_options(parser)


def _declare_change(parser: CommandParser, wanted: str, said: str) -> Run:
    parser.add_argument("--name", "-n", required=True, metavar="TASK", help="id of the task")
    add_node_options(parser)

    def change(arguments: Namespace) -> int:
        body = {"task_id": arguments.name, "requested_state": f"SdkCloudBackupRequestedState{wanted}"}
        answer = node_client(arguments).request("POST", "cloudbackups/statechange", body)
        return print_answer(arguments, answer, f"Cloudsnap task {arguments.name} {said}")

    return change


def _backup(arguments: Namespace) -> int:
    body = {
        "volume_id": arguments.volume,
        "credential_id": arguments.cred_id,
        "full": arguments.full,
        "full_backup_frequency": arguments.frequency,
        "labels": parse_pairs(arguments.label, option="--label"),
        "task_id": arguments.name,
        "secret_name": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
    }
    client = node_client(arguments)
    answer = client.request("POST", "cloudbackups", body)
    begun = f"Cloudsnap backup started successfully with id: {answer['task_id']}"
    return _follow(arguments, client, answer, begun, "Cloudsnap backup completed: {backup_id}")


def _restore(arguments: Namespace) -> int:
    if arguments.own_key and arguments.secret_key:
        raise UsageError("--own-key: makes no sense together with --secret_key")
    body = {
        "backup_id": arguments.snap,
        "restore_volume_name": arguments.volume,
        "credential_id": arguments.cred_id,
        "secret_name": arguments.secret_key,
        "secret_context": namespace_of(arguments.secret_options),
        "own_key": arguments.own_key,
    }
    client = node_client(arguments)
    answer = client.request("POST", "cloudbackups/restore", body)
    begun = f"Cloudsnap restore started successfully on volume: {answer['restore_volume_id']}"
    return _follow(arguments, client, answer, begun, "Cloudsnap restored into volume {src_volume_id}")


def _verify(arguments: Namespace) -> int:
    client = node_client(arguments)
    body = {"backup_id": arguments.snap, "credential_id": arguments.cred_id}
    answer = client.request("POST", "cloudbackups/verify", body)
    begun = f"Cloudsnap verification started with id: {answer['task_id']}"
    return _follow(arguments, client, answer, begun, "Cloudsnap is intact: {backup_id}")


def _follow(arguments: Namespace, client: SdkClient, answer: Mapping[str, Any], begun: str, done: str) -> int:
    if arguments.no_wait:
        return print_answer(arguments, answer, begun)
    task = answer["task_id"]
    found = follow(
        lambda: client.request("POST", "cloudbackups/status", {"task_id": task})["statuses"][task],
        is_over=lambda found: bool(found.get("completed_time")),
        text=_progress,
        goes_on=f"It goes on at the node, until `hfctl cloudsnap stop --name {task}` ends it.",
    )
    state, problem = _state(found), "; ".join(found.get("info", []))
    good = state == "Done"
    said = done.format_map(found) if good else f"Cloudsnap task {task}: {state}. {problem}"
    print_answer(arguments, {**answer, "status": found}, said)
    return 0 if good else EXIT_REMOTE_ERROR


def _progress(found: Mapping[str, Any]) -> str:
    done, total = int(found.get("bytes_done", 0)), int(found.get("bytes_total", 0))
    return f"{_state(found)}: {format_size(done)} of {format_size(total)}"


def _state(found: Mapping[str, Any]) -> str:
    return str(found.get("status", "")).removeprefix("SdkCloudBackupStatusType")


def _list(arguments: Namespace) -> int:
    client, found = node_client(arguments), []
    wanted = {
        "credential_id": arguments.cred_id,
        "src_volume_id": arguments.src,
        "cluster_id": arguments.cluster,
        "all": arguments.all,
        "metadata_filter": parse_pairs(arguments.label, option="--label"),
    }
    after = ""
    while True:
        body = {**wanted, "continuation_token": after}
        answer = client.request("POST", "cloudbackups/enumerate/filters", body)
        found += answer.get("backups", [])
        after = answer.get("continuation_token", "")
        if not after:
            break
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
    else:
        print_table(LIST_HEADER, [_row(each) for each in found])
    return 0


def _row(found: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = [
        format_size(int(found[field])) if field in found else ""
        for field in ("stored_bytes", "uploaded_bytes")
    ]
    name = found.get("src_volume_name", "")
    return (name, found["src_volume_id"], found["id"], found.get("timestamp", ""), *sizes, _state(found))


def _status(arguments: Namespace) -> int:
    body = {"volume_id": arguments.src, "task_id": arguments.name, "local": arguments.local}
    found = node_client(arguments).request("POST", "cloudbackups/status", body).get("statuses", {})
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    rows = [
        (
            task,
            each.get("src_volume_id", ""),
            f"{_operation(each)}-{_state(each)}",
            _progress(each).partition(": ")[2],
            each.get("start_time", ""),
            each.get("completed_time", ""),
            "; ".join(each.get("info", [])),
        )
        for task, each in sorted(found.items(), key=lambda item: str(item[1].get("start_time", "")))
    ]
    print_table(STATUS_HEADER, rows)
    return 0


def _operation(found: Mapping[str, Any]) -> str:
    word = str(found.get("optype", "")).removeprefix("Sdk").removeprefix("CloudBackupOpType")
    return word.removesuffix("Op")


def _history(arguments: Namespace) -> int:
    path = f"cloudbackups/history/{arguments.src}" if arguments.src else "cloudbackups/history"
    found = node_client(arguments).request("GET", path).get("history_list", [])
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    rows = [
        (
            each["src_volume_id"],
            each.get("backup_id", ""),
            each.get("timestamp", ""),
            _state(each),
            each.get("info", ""),
        )
        for each in found
    ]
    print_table(HISTORY_HEADER, rows)
    return 0


def _delete(arguments: Namespace) -> int:
    if bool(arguments.snap) == bool(arguments.src):
        raise UsageError("expected either --snap, one backup, or --src, all backups of a volume")
    client = node_client(arguments)
    if arguments.src:
        body = {"src_volume_id": arguments.src, "credential_id": arguments.cred_id}
        answer = client.request("POST", "cloudbackups/deleteall", body)
        return print_answer(arguments, answer, "Cloudsnaps deleted successfully")
    body = {"backup_id": arguments.snap, "credential_id": arguments.cred_id}
    answer = client.request("POST", "cloudbackups/delete", body)
    return print_answer(arguments, answer, "Cloudsnap deleted successfully")
