"""``hfctl secrets generate`` and ``list``: secrets are made and named here, and never shown."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.pairs import namespace_of
from holdfast.cli.output import print_names, print_result
from holdfast.cli.program import Run


def generate(parser: CommandParser) -> Run:
    """Make a secret of 256 random bits in the provider, if there is none of that name."""
    parser.add_argument("name", nargs="?", help="path of the secret")
    _add_secret_options(parser)
    return _generate


def generate_kms_key(parser: CommandParser) -> Run:
    """Make a data key that the KMS wraps; the name must not be taken."""
    parser.add_argument("--secret_id", metavar="NAME", dest="name", required=True, help="name of the secret")
    _add_secret_options(parser)
    return _generate_kms_key


def list_names(parser: CommandParser) -> Run:
    """List the names of secrets one level below a path; values are never shown."""
    parser.add_argument("prefix", nargs="?", default="", help="path to look below")
    _add_secret_options(parser)
    return _list_names


def _add_secret_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--secret_options", action="append", default=[], metavar="NAME=VALUE", help="vault-namespace=..."
    )
    add_node_options(parser)


def _generate(arguments: Namespace) -> int:
    return _make(arguments, "Secret made.")


def _generate_kms_key(arguments: Namespace) -> int:
    return _make(arguments, "KMS Data Key successfully created.")


def _make(arguments: Namespace, sentence: str) -> int:
    if not arguments.name:
        raise UsageError("expected the name of the secret to make")
    body = {"SecretId": arguments.name, "SecretNamespace": namespace_of(arguments.secret_options)}
    answer = node_client(arguments).request("POST", "cluster/secrets/generate", body)
    return print_answer(arguments, answer, sentence)


def _list_names(arguments: Namespace) -> int:
    query = {"prefix": arguments.prefix, "secret_namespace": namespace_of(arguments.secret_options)}
    answer = node_client(arguments).request(
        "GET", "cluster/secrets/names", query={name: text for name, text in query.items() if text}
    )
    names = answer.get("names", [])
    if prints_for_programs(arguments):
        print_result(names, output_format(arguments))
    else:
        print_names(names, header="Secret ID")
    return 0
