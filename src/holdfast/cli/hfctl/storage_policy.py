"""``hfctl storage-policy``: rules for what new volumes may be."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl.access import Kind, declare_add, declare_remove, declare_show, declare_update
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.pairs import parse_pairs
from holdfast.cli.hfctl.sizes import format_size, parse_size
from holdfast.cli.output import print_result, print_table, printable
from holdfast.cli.program import Run
from holdfast.client import SdkClient

FORMATS = {"ext4": "FS_TYPE_EXT4", "xfs": "FS_TYPE_XFS"}
OPERATORS = {"": "Equal", "equal": "Equal", "min": "Minimum", "max": "Maximum"}
# How a person names a rule that an update is to remove, and how the node does.
RULES = {
    "size": "size",
    "replication": "ha_level",
    "secure": "encrypted",
    "secret_key": "passphrase",
    "label": "volume_labels",
    "fs": "formats",
    "force": "force",
    "allow-update": "allow_update",
}


def create(parser: CommandParser) -> Run:
    """Store a policy. Without --force it changes volumes that do not follow it; with it, it refuses them.

    For example:

        hfctl storage-policy create gold --secure --size 10G,min --label tier=gold
        hfctl storage-policy create strict --secure --fs xfs --force
    """
    _declare_rules(parser)
    return _create


def update(parser: CommandParser) -> Run:
    """Change rules of a policy; those that are not named stay."""
    parser.add_argument(
        "--remove", action="append", default=[], metavar="RULE", help=f"one of {', '.join(RULES)}"
    )
    _declare_rules(parser)
    return _update


def list_policies(parser: CommandParser) -> Run:
    """List the policies that you may see; * stands before the default."""
    add_node_options(parser)
    return _list


def inspect(parser: CommandParser) -> Run:
    """Show one policy."""
    _declare_name(parser)
    return _inspect


def delete(parser: CommandParser) -> Run:
    """Forget a policy. Volumes that were made under it keep what they have."""
    parser.add_argument("--force", action="store_true", help="even if it is the default")
    _declare_name(parser)
    return _delete


def set_default(parser: CommandParser) -> Run:
    """Let a policy count for all volumes that name none. For storage administrators."""
    _declare_name(parser)
    return _set_default


def unset_default(parser: CommandParser) -> Run:
    """Let no policy count for volumes that name none. For storage administrators."""
    parser.add_argument("policy", nargs="?", help="taken for the sake of scripts; there is one default")
    add_node_options(parser)
    return _unset_default


def _find(client: SdkClient, name: str) -> tuple[str, Mapping[str, Any]]:
    policy = client.request("GET", f"storagepolicies/inspect/{name}")["storage_policy"]
    return str(policy["name"]), policy.get("ownership", {})


POLICY = Kind("Storage Policy", "storage policy", _find, "storagepolicies/access/{id}", "name")


def show_access(parser: CommandParser) -> Run:
    """Show whom a policy belongs to, and who else may use it."""
    return declare_show(parser, POLICY)


def add_access(parser: CommandParser) -> Run:
    """Let others use a policy: r to make volumes under it, w also to change it, a also to share it."""
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


def _declare_rules(parser: CommandParser) -> None:
    parser.add_argument("--size", metavar="SIZE[,min|max]", help="exactly, at least or at most so large")
    parser.add_argument("--size-limit", metavar="SIZE", help="at most so large, beside a least size")
    parser.add_argument("--replication", metavar="N[,min|max]", help="copies of the data; nodes keep one")
    parser.add_argument("--secure", action="store_true", help="encrypted")
    parser.add_argument("--secret_key", metavar="NAME", help="with this secret's value as key")
    parser.add_argument("--fs", metavar="FS,...", help="one of these file systems; the first is the default")
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="labels")
    parser.add_argument("--force", action="store_true", help="refuse other volumes, rather than change them")
    parser.add_argument(
        "--allow-update", action="store_true", help="who may write the policy is free of it in updates"
    )
    _declare_name(parser)


def _create(arguments: Namespace) -> int:
    rules = _rules(arguments)
    if not rules:
        raise UsageError("expected at least one rule, such as --secure")
    answer = node_client(arguments).request(
        "POST", "storagepolicies", {"storage_policy": _policy(arguments, rules)}
    )
    return print_answer(arguments, answer, f"Storage Policy {arguments.policy} successfully created")


def _update(arguments: Namespace) -> int:
    if unknown := sorted(set(arguments.remove) - RULES.keys()):
        raise UsageError(f"--remove: expected one of {', '.join(RULES)}, and not {unknown[0]}")
    body = {
        "storage_policy": _policy(arguments, _rules(arguments)),
        "merge": True,
        "remove": [RULES[rule] for rule in arguments.remove],
    }
    answer = node_client(arguments).request("PUT", "storagepolicies", body)
    return print_answer(arguments, answer, f"Storage Policy {arguments.policy} successfully updated")


def _policy(arguments: Namespace, rules: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": arguments.policy,
        **({"policy": dict(rules)} if rules else {}),
        "force": arguments.force,
        "allow_update": arguments.allow_update,
    }


def _rules(arguments: Namespace) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    if arguments.size is not None:
        text, rules["size_operator"] = _operator(arguments.size, "--size")
        rules["size"] = str(parse_size(text))
    if arguments.size_limit is not None:
        rules["size_limit"] = str(parse_size(arguments.size_limit))
    if arguments.replication is not None:
        text, rules["ha_level_operator"] = _operator(arguments.replication, "--replication")
        if not text.isdecimal():
            raise UsageError("--replication: expected a number")
        rules["ha_level"] = text
    if arguments.secure or arguments.secret_key:
        rules["encrypted"] = True
    if arguments.secret_key:
        rules["passphrase"] = arguments.secret_key
    if arguments.fs is not None:
        names = [name for name in arguments.fs.split(",") if name]
        if not names or set(names) - FORMATS.keys():
            raise UsageError(f"--fs: expected some of {', '.join(FORMATS)}")
        rules["formats"] = [FORMATS[name] for name in names]
    if labels := parse_pairs(arguments.label, option="--label"):
        rules["volume_labels"] = labels
    return rules


def _operator(text: str, option: str) -> tuple[str, str]:
    number, _, word = text.partition(",")
    if word not in OPERATORS:
        raise UsageError(f"{option}: expected min, max or equal behind the comma")
    return number, OPERATORS[word]


def _list(arguments: Namespace) -> int:
    answer = node_client(arguments).request("GET", "storagepolicies")
    policies = answer.get("storage_policies", [])
    if prints_for_programs(arguments):
        print_result(policies, output_format(arguments))
        return 0
    rows = [
        (f"{'*' if policy.get('is_default') else ''}{policy['name']}", _description(policy))
        for policy in policies
    ]
    print_table(("StoragePolicy", "Description"), rows)
    return 0


def _inspect(arguments: Namespace) -> int:
    policy = _policy_of(arguments)
    if prints_for_programs(arguments):
        print_result(policy, output_format(arguments))
        return 0
    print(printable(f"Storage Policy  :  {policy['name']}"))
    for name, text in (("Default", "Yes" if policy.get("is_default") else "No"), *_parts(policy)):
        print(printable(f"    {name.ljust(24)} : {text}"))
    return 0


def _policy_of(arguments: Namespace) -> dict[str, Any]:
    answer = node_client(arguments).request("GET", f"storagepolicies/inspect/{arguments.policy}")
    policy: dict[str, Any] = answer["storage_policy"]
    return policy


def _description(policy: Mapping[str, Any]) -> str:
    return " ".join(f'{name}="{text}"' for name, text in _parts(policy))


def _parts(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    rules = policy.get("policy", {})
    if "size" in rules:
        yield "Size", f"{format_size(int(rules['size']))},{rules.get('size_operator', 'Equal')}"
    if "size_limit" in rules:
        yield "SizeLimit", format_size(int(rules["size_limit"]))
    if "ha_level" in rules:
        yield "HA", f"{rules['ha_level']},{rules.get('ha_level_operator', 'Equal')}"
    if "encrypted" in rules:
        yield "Encrypted", str(rules["encrypted"]).lower()
    if "passphrase" in rules:
        yield "SecretKey", rules["passphrase"]
    if "formats" in rules:
        names = {word: name for name, word in FORMATS.items()}
        yield "Format", ",".join(names[word] for word in rules["formats"])
    if "volume_labels" in rules:
        yield "Labels", ",".join(f"{name}={text}" for name, text in sorted(rules["volume_labels"].items()))
    for name, field in (("Force", "force"), ("AllowUpdate", "allow_update")):
        if policy.get(field):
            yield name, "true"


def _delete(arguments: Namespace) -> int:
    if not arguments.force and _policy_of(arguments).get("is_default"):
        raise LocalError(
            f"{arguments.policy} is the default policy; --force deletes it, and no policy counts then for "
            "volumes that name none"
        )
    answer = node_client(arguments).request("DELETE", f"storagepolicies/{arguments.policy}")
    return print_answer(arguments, answer, f"Storage Policy {arguments.policy} is deleted")


def _set_default(arguments: Namespace) -> int:
    body = {"name": arguments.policy}
    answer = node_client(arguments).request("POST", f"storagepolicies/default/{arguments.policy}", body)
    return print_answer(arguments, answer, f"Storage Policy *{arguments.policy}* is set to default")


def _unset_default(arguments: Namespace) -> int:
    answer = node_client(arguments).request("POST", "storagepolicies/release", {})
    return print_answer(arguments, answer, "Default storage policy restriction is removed")
