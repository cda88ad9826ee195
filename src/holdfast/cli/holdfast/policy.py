"""``holdfast policy write | read | list | delete | explain | fmt``."""

import os
import shutil
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.holdfast.answers import data_of, nothing_found
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.output import print_names, print_pairs, print_result
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR, Run
from holdfast.cli.typed_input import secret_word, text_of_file
from holdfast.client.errors import RemoteNotFoundError


def write(parser: CommandParser) -> Run:
    """Store a policy, replacing the one of that name; tokens that carry it follow it at once."""
    parser.add_argument("name")
    parser.add_argument("file", help="HCL or JSON text; - is standard input")
    add_server_options(parser)
    return _write


def read(parser: CommandParser) -> Run:
    """Print the text of a policy."""
    parser.add_argument("name")
    add_format_option(parser)
    add_server_options(parser)
    return _read


def list_names(parser: CommandParser) -> Run:
    """List the names of all policies."""
    add_format_option(parser)
    add_server_options(parser)
    return _list


def explain(parser: CommandParser) -> Run:
    """Say whether a token may do something, and which rule says so; exit code 2 if it may not."""
    parser.add_argument("token", metavar="TOKEN", help="of whom; - is standard input, which nobody else sees")
    parser.add_argument(
        "verb", metavar="VERB", help="read, list, create, update, patch, delete, or an HTTP method"
    )
    parser.add_argument("path", metavar="PATH", help="as policies write it, such as secret/data/team/db")
    parser.add_argument("--accessor", action="store_true", help="TOKEN is an accessor")
    add_format_option(parser)
    add_server_options(parser)
    return _explain


def delete(parser: CommandParser) -> Run:
    """Remove a policy; tokens that carry it lose what it allowed at once."""
    parser.add_argument("name")
    add_server_options(parser)
    return _delete


def fmt(parser: CommandParser) -> Run:
    """Lay a file with a policy out, in its place; what it means and what it remarks on stays."""
    parser.add_argument("file", help="HCL or JSON text; - lays out standard input, on standard output")
    return _fmt


def _fmt(arguments: Namespace) -> int:
    from holdfast.cli.holdfast.policy_format import format_policy

    text = format_policy(text_of_file(arguments.file, name="policy"))
    if arguments.file == "-":
        print(text, end="")
        return EXIT_OK
    path = Path(arguments.file).resolve()
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8")
        shutil.copymode(path, scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    print(f"Success! Formatted policy: {arguments.file}")
    return EXIT_OK


def _explain(arguments: Namespace) -> int:
    if arguments.accessor:
        who = {"accessor": arguments.token}
    else:
        token = None if arguments.token == "-" else arguments.token  # noqa: S105 - stands for standard input
        who = {"token": secret_word(token, prompt="Token", name="token").reveal().decode()}
    body = {**who, "verb": arguments.verb, "path": arguments.path}
    told = data_of(connect(arguments).request("PUT", "sys/policies/explain", body))
    if arguments.format != "table":
        print_result(told, arguments.format)
    else:
        print_pairs(
            [
                ("allowed", told["allowed"]),
                ("path", told["path"]),
                ("policies", told["policies"]),
                *((one["capability"], one["because"]) for one in told["decisions"]),
                *([("root", "only the root policy opens this path")] if told["needs_root"] else []),
            ]
        )
        print()
        print_names(told["rules_for_the_path"], header="Rules that match, the deciding one first")
        if dropped := told.get("dropped_rules"):
            print()
            print_names(dropped, header="Rules that are nothing for this token")
    return EXIT_OK if told["allowed"] else EXIT_REMOTE_ERROR


def _write(arguments: Namespace) -> int:
    text = text_of_file(arguments.file, name="policy")
    name = arguments.name.lower()  # the store folds policy names, so say what it will be called
    connect(arguments).put_policy(name, text)
    print(f"Success! Uploaded policy: {name}")
    return EXIT_OK


def _read(arguments: Namespace) -> int:
    try:
        text = connect(arguments).get_policy(arguments.name.lower())
    except RemoteNotFoundError:
        return nothing_found(f"policy {arguments.name}")
    if arguments.format == "table":
        print(text)
    else:
        print_result({"policy": text}, arguments.format)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    names = data_of(connect(arguments).request("LIST", "sys/policies/acl")).get("keys") or []
    if arguments.format == "table":
        print("\n".join(names))
    else:
        print_result(names, arguments.format)
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    connect(arguments).delete_policy(arguments.name.lower())
    print(f"Success! Deleted policy: {arguments.name.lower()}")
    return EXIT_OK
