"""The options that every command to a node shares: as whom, where, and how the answer is printed."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.hfctl.context_file import read_contexts
from holdfast.cli.output import FORMATS, print_result
from holdfast.client import SdkClient, TlsSettings


def home() -> Path:
    """Return the user's home directory."""
    return Path(os.environ.get("HOME") or Path.home())


def add_node_options(parser: CommandParser) -> None:
    """Declare which node, as whom, and how its certificate is checked."""
    options = parser.add_argument_group("node")
    options.add_argument("--context", help="context to use for this call instead of the current one")
    options.add_argument("--endpoint", help="address of the node [HOLDFAST_NODE; the context's]")
    options.add_argument("--ca", help="PEM file of the authorities to trust")
    options.add_argument("--cert", help="PEM file of our own certificate")
    options.add_argument("--key", help="PEM file of its key")
    add_output_options(parser)


def add_output_options(parser: CommandParser) -> None:
    """Declare how the answer is printed."""
    options = parser.add_argument_group("output")
    options.add_argument(
        "--output", type=one_of(*FORMATS), default="table", help="table, json or yaml [table]"
    )
    options.add_argument("--json", "-j", action="store_true", help="the same as --output json")


def output_format(arguments: Namespace) -> str:
    """Return how the answer is to be printed."""
    return "json" if arguments.json else str(arguments.output)


def prints_for_programs(arguments: Namespace) -> bool:
    """Whether the answer is for a program, so that it must be data and nothing else."""
    return output_format(arguments) != "table"


def node_client(arguments: Namespace) -> SdkClient:
    """Return a client of the chosen node with the chosen token.

    Raises:
        LocalError: there is no such context, or the file of contexts is not safe to use.
        InvalidInputError: an address that cannot be used.
    """
    context = read_contexts(home()).chosen(arguments.context)
    endpoint = arguments.endpoint or os.environ.get("HOLDFAST_NODE") or context.endpoint
    tls = TlsSettings(
        ca_cert=arguments.ca or "", client_cert=arguments.cert or "", client_key=arguments.key or ""
    )
    return SdkClient(endpoint, context.token, tls=tls)


def print_answer(arguments: Namespace, answer: Any, sentence: str) -> int:
    """Print what came of a change: a sentence for a person, the node's answer for a program."""
    if prints_for_programs(arguments):
        print_result(answer, output_format(arguments))
    else:
        print(sentence)
    return 0
