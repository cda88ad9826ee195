"""``hfctl secrets``: the cluster-wide key by reference, and the state of the secrets provider."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.advice import NO_NODE
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.pairs import namespace_of
from holdfast.cli.hfctl.rotation_progress import rotation_progress
from holdfast.cli.hfctl.volume import describe_key
from holdfast.cli.output import print_pairs, print_result, remark
from holdfast.cli.program import EXIT_REMOTE_ERROR, Run
from holdfast.errors import UnavailableError

OWN_KEYS = "holdfast/volumes/"  # where the node puts the keys that it makes for single volumes
DEFAULT_SECRET_KEY = "cluster/secrets/defaultsecretkey"  # noqa: S105 - a path of the API


def set_cluster_key(parser: CommandParser) -> Run:
    """Say which secret is the cluster-wide key. What is given is a name, never the key itself.

    Without a name it is asked for. For example:

        hfctl secrets set-cluster-key --secret cluster-wide-key --generate
        hfctl secrets set-cluster-key --secret pwx/secrets/cluster-wide-secret-key
        hfctl secrets set-cluster-key --secret next-key --overwrite
        hfctl secrets rotate-cluster-key --resume
    """
    parser.add_argument("name", nargs="?", help="path of the secret; the same as --secret")
    parser.add_argument("--secret", metavar="NAME", help="path of the secret in the secrets provider")
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a reference that was set before")
    parser.add_argument(
        "--generate", action="store_true", help="make the secret, 256 random bits, if there is none"
    )
    add_node_options(parser)
    return _set_cluster_key


def rotate_cluster_key(parser: CommandParser) -> Run:
    """Give the cluster-wide key a new version, and every volume that uses it that version.

    For example:

        hfctl secrets rotate-cluster-key
        hfctl secrets rotate-cluster-key --resume
    """
    parser.add_argument(
        "--resume", action="store_true", help="make no new version; move the volumes left behind"
    )
    add_node_options(parser)
    return _rotate_cluster_key


def move_keys(parser: CommandParser) -> Run:
    """Give every volume whose key is in the former provider one in the present provider.

    For a node that was started with --former-secret-type. Volumes stay attached. Run again, it goes on with
    what was left.
    """
    parser.add_argument(
        "--secret",
        metavar="NAME",
        default="",
        help="secret of the present provider for volumes whose creator named a secret; else they stay behind",
    )
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    add_node_options(parser)
    return _move_keys


def status(parser: CommandParser) -> Run:
    """Show whether keys can be had, and which are in use."""
    add_node_options(parser)
    return _status


def _set_cluster_key(arguments: Namespace) -> int:
    if arguments.secret and arguments.name:
        raise UsageError("expected the name of one secret, with --secret")
    name = arguments.secret or arguments.name or _ask_for_name()
    body = {
        "DefaultSecretKey": name,
        "Override": arguments.overwrite,
        "SecretNamespace": namespace_of(arguments.secret_options),
        "Generate": arguments.generate,
    }
    answer = node_client(arguments).request("PUT", DEFAULT_SECRET_KEY, body)
    return print_answer(arguments, answer, "Successfully set cluster secret key")


def _ask_for_name() -> str:
    if not sys.stdin.isatty():
        raise UsageError("expected the name of a secret, with --secret")
    from getpass import getpass

    # Without echo: where it comes from, some providers took the key itself here, and habits stay.
    name = getpass("Enter cluster wide secret key: ", stream=sys.stderr).strip()
    if not name:
        raise UsageError("expected the name of a secret")
    return name


def _rotate_cluster_key(arguments: Namespace) -> int:
    body, again = {"Resume": arguments.resume}, "hfctl secrets rotate-cluster-key --resume"
    with rotation_progress(arguments), _gone_on_with(again):
        answer = node_client(arguments).request("POST", "cluster/secrets/rotatedefaultsecretkey", body)
    said = f"Cluster secret key is now {describe_key(answer['key'])}; "
    return _print_outcomes(arguments, answer, said, again=again)


def _move_keys(arguments: Namespace) -> int:
    body = {"SecretId": arguments.secret, "SecretNamespace": namespace_of(arguments.secret_options)}
    with rotation_progress(arguments), _gone_on_with("hfctl secrets move-keys"):
        answer = node_client(arguments).request("POST", "cluster/secrets/movekeys", body)
    return _print_outcomes(arguments, answer, "", again="hfctl secrets move-keys")


@contextmanager
def _gone_on_with(again: str) -> Iterator[None]:
    """Say how to go on if the node goes away amid the work."""
    try:
        yield
    except UnavailableError as error:
        if error.message.startswith(NO_NODE):
            remark(f"What was moved by then stays so; go on with `{again}` once the node is back.")
        raise


def _print_outcomes(arguments: Namespace, answer: dict[str, Any], said: str, *, again: str) -> int:
    volumes = answer.get("volumes", [])
    left = [volume for volume in volumes if not volume.get("rotated")]
    print_answer(arguments, answer, f"{said}{len(volumes) - len(left)} volume(s) moved")
    for volume in left:
        remark(f"Volume {volume['name']} keeps its old key: {volume.get('problem', '')}")
    if left:
        remark(f"Run `{again}` when the reason is gone.")
    return EXIT_REMOTE_ERROR if left else 0


def _status(arguments: Namespace) -> int:
    answer = node_client(arguments).request("GET", "cluster/secrets/status")
    if prints_for_programs(arguments):
        print_result(answer, output_format(arguments))
    else:
        print_pairs(_pairs(answer))
    provider = answer.get("provider")
    return 0 if provider and provider.get("usable") else EXIT_REMOTE_ERROR


def _time(unix_seconds: str | int) -> str:
    return datetime.fromtimestamp(int(unix_seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _pairs(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    provider, key = answer.get("provider"), answer.get("cluster_key")
    pairs: list[tuple[str, Any]] = [("Provider", provider["type"] if provider else "none")]
    if provider:
        pairs += [("Place", provider["place"])] if provider.get("place") else []
        pairs.append(("Usable", provider.get("usable", False)))
        if provider.get("problem"):
            pairs.append(("Problem", provider["problem"]))
        if provider.get("login"):
            pairs.append(("Login", provider["login"]))
        pairs += [
            (title, _time(provider[name]))
            for title, name in (("Last renewal", "renewed_at"), ("Login ends", "expires_at"))
            if provider.get(name)
        ]
        pairs += [("Note", note) for note in provider.get("notes") or ()]
    if former := answer.get("former_provider"):
        waiting = answer.get("volumes_on_former_provider", 0)
        need = f"{waiting} volume(s) need it: hfctl secrets move-keys" if waiting else "no volume needs it"
        pairs.append(("Former provider", f"{former['type']}, {need}"))
    pairs.append(
        ("Cluster key", f"{describe_key(key)}, {answer['cluster_key_source']}" if key else "not set")
    )
    return pairs + _volumes(answer.get("volumes_by_key", {}))


def _volumes(by_key: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return a row for each key that volumes share, and one for all that have their own."""
    shared = {name: count for name, count in by_key.items() if not name.startswith(OWN_KEYS)}
    own = sum(by_key.values()) - sum(shared.values())
    rows = [(f"Volumes on {name}", count) for name, count in sorted(shared.items())]
    return [*rows, ("Volumes on keys of their own", own)] if own else rows
