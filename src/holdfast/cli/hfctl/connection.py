"""The options that every command to a node shares: as whom, where, and how the answer is printed."""

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from holdfast.cli.arguments import Arguments, CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.context_file import CONFIG_VARIABLE, Context, chosen_file, read_contexts
from holdfast.cli.hfctl.field_words import in_typed_words
from holdfast.cli.output import FORMATS, print_result
from holdfast.client import SdkClient, TlsSettings
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

ENDPOINT_VARIABLE = "HOLDFAST_NODE"
CONTEXT_VARIABLE = "HFCTL_CONTEXT"
LONGEST_WAIT_SECONDS = 300.0  # formatting and rotation take their time


class NodeClient(SdkClient):
    """A client whose errors name what was typed, where the node names a field of its API.

    Args:
        endpoint: the node's address.
        token: signed token; ``None`` calls as a guest.
        typed: the options and arguments; names in them go into paths.
        tls: how the node's certificate is checked.
        timeout_seconds: longest wait for one answer.
    """

    def __init__(
        self,
        endpoint: str,
        token: SecretBytes | None,
        *,
        typed: Arguments,
        tls: TlsSettings,
        timeout_seconds: float,
    ) -> None:
        super().__init__(endpoint, token, tls=tls, timeout_seconds=timeout_seconds)
        self._typed = typed

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send one request; see ``SdkClient``.

        Raises:
            UsageError: a name that was typed would lead to something else than what has that name.
        """
        self._refuse_name_that_leads_on(path, body or {})
        try:
            return super().request(method, path, body, query=query)
        except HoldfastError as error:
            error.message = in_typed_words(error.message, self._typed.can_be_typed)
            raise

    def _refuse_name_that_leads_on(self, path: str, body: Mapping[str, Any]) -> None:
        for argument, value in vars(self._typed).items():
            leads_on = isinstance(value, str) and ("/" in value or value in {".", ".."})
            if leads_on and path.endswith(f"/{value}") and value not in body.values():
                option = f"--{argument.replace('_', '-')}"
                word = option if option in self._typed.can_be_typed else argument
                raise UsageError(
                    f"{word}: expected a name or an id, and none has a slash or is of dots alone"
                )


def add_node_options(parser: CommandParser) -> None:
    """Declare which node, as whom, and how its certificate is checked."""
    options = parser.add_argument_group("node")
    options.add_argument(
        "--context", help=f"context to use for this call [{CONTEXT_VARIABLE}; the current one]"
    )
    options.add_argument("--endpoint", help=f"address of the node [{ENDPOINT_VARIABLE}; the context's]")
    options.add_argument("--ca", help="PEM file of the authorities to trust [the context's]")
    options.add_argument("--cert", help="PEM file of our own certificate [the context's]")
    options.add_argument("--key", help="PEM file of its key [the context's]")
    options.add_argument("--ssl", action="store_true", help="refuse an address without TLS")
    add_output_options(parser)


def add_output_options(parser: CommandParser) -> None:
    """Declare how the answer is printed, and which file of contexts counts."""
    options = parser.add_argument_group("output")
    options.add_argument(
        "--output", type=one_of(*FORMATS), default="table", help="table, json or yaml [table]"
    )
    options.add_argument("--json", "-j", action="store_true", help="the same as --output json")
    options.add_argument("--raw", action="store_true", help="the same as --output json")
    options.add_argument(
        "--color", action="store_true", help="taken for the sake of scripts; nothing is coloured"
    )
    options.add_argument(
        "--config", metavar="FILE", help=f"the file of contexts [{CONFIG_VARIABLE}; ~/.hfctl/contextconfig]"
    )


def config_path(arguments: Namespace) -> Path:
    """Return the file of contexts that counts."""
    return chosen_file(arguments.config)


def output_format(arguments: Namespace) -> str:
    """Return how the answer is to be printed."""
    return "json" if arguments.json or arguments.raw else str(arguments.output)


def prints_for_programs(arguments: Namespace) -> bool:
    """Whether the answer is for a program, so that it must be data and nothing else."""
    return output_format(arguments) != "table"


def chosen_context(arguments: Namespace) -> Context:
    """Return the context that counts for this call.

    Raises:
        LocalError: there is no such context, or the file of contexts is not safe to use.
    """
    name = arguments.context or os.environ.get(CONTEXT_VARIABLE)
    return read_contexts(config_path(arguments)).chosen(name)


def node_client(arguments: Namespace) -> SdkClient:
    """Return a client of the chosen node with the chosen token, a new one if it is time for that.

    Raises:
        LocalError: there is no such context, its token is gone, or the file of contexts is not safe to use.
        InvalidInputError: an address that cannot be used.
    """
    context = chosen_context(arguments)
    return _client(arguments, context, usable_token_of(arguments, context), LONGEST_WAIT_SECONDS)


def usable_token_of(arguments: Namespace, context: Context) -> SecretBytes | None:
    """Return the token of a context, a new one if it is time for that."""
    if not context.name:
        return None
    from holdfast.cli.hfctl.renewal import usable_token

    return usable_token(
        config_path(arguments), context, node=lambda token, wait: _client(arguments, context, token, wait)
    )


def print_answer(arguments: Namespace, answer: Any, sentence: str) -> int:
    """Print what came of a change: a sentence for a person, the node's answer for a program."""
    if prints_for_programs(arguments):
        print_result(answer, output_format(arguments))
    else:
        print(sentence)
    return 0


def _client(arguments: Namespace, context: Context, token: SecretBytes | None, seconds: float) -> SdkClient:
    endpoint = arguments.endpoint or os.environ.get(ENDPOINT_VARIABLE) or context.endpoint
    if arguments.ssl and not endpoint.startswith("https://"):
        raise UsageError("--ssl: expected an address of the node that begins with https://")
    tls = TlsSettings(
        ca_cert=arguments.ca or context.tls.get("ca", ""),
        client_cert=arguments.cert or context.tls.get("cert", ""),
        client_key=arguments.key or context.tls.get("key", ""),
    )
    return NodeClient(endpoint, token, typed=cast("Arguments", arguments), tls=tls, timeout_seconds=seconds)
