"""``hfctl context``: save, show, choose and forget contexts."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.connection import add_output_options, home, output_format
from holdfast.cli.hfctl.context_file import (
    DEFAULT_ENDPOINT,
    Context,
    check_context_name,
    read_contexts,
    write_contexts,
)
from holdfast.cli.output import as_yaml, print_result
from holdfast.cli.program import Run
from holdfast.cli.typed_input import secret_word
from holdfast.client import parse_address
from holdfast.model import SecretBytes

MAX_TOKEN_BYTES = 16 * 1024


def create(parser: CommandParser) -> Run:
    """Save a context; the first one becomes current."""
    parser.add_argument("name", help="what to call it")
    parser.add_argument("--token", metavar="TOKEN", help="signed token; - reads it from standard input")
    parser.add_argument("--token-file", metavar="FILE", help="file with the signed token")
    parser.add_argument(
        "--endpoint", default=DEFAULT_ENDPOINT, help=f"address of the node [{DEFAULT_ENDPOINT}]"
    )
    return _create


def list_contexts(parser: CommandParser) -> Run:
    """Show the contexts as YAML, with tokens masked."""
    add_output_options(parser)
    return _list


def set_current(parser: CommandParser) -> Run:
    """Choose the current context."""
    parser.add_argument("name", help="a saved context")
    return _set


def unset(parser: CommandParser) -> Run:  # noqa: ARG001 - it takes no arguments
    """Have no current context."""
    return _unset


def delete(parser: CommandParser) -> Run:
    """Forget a context."""
    parser.add_argument("name", help="a saved context")
    return _delete


def _create(arguments: Namespace) -> int:
    name = check_context_name(arguments.name)
    parse_address(arguments.endpoint, field="--endpoint")
    token = _token(arguments)
    context = Context(name, arguments.endpoint, token, _identity(token) if token else {})
    write_contexts(home(), read_contexts(home()).with_context(context))
    print(f"Context {name} saved")
    return 0


def _list(arguments: Namespace) -> int:
    document = read_contexts(home()).to_document(masked=True)
    if output_format(arguments) == "json":
        print_result(document, "json")
    else:
        print(as_yaml(document), end="")
    return 0


def _set(arguments: Namespace) -> int:
    write_contexts(home(), read_contexts(home()).with_current(arguments.name))
    print(f"Current context is {arguments.name}")
    return 0


def _unset(_: Namespace) -> int:
    write_contexts(home(), read_contexts(home()).with_current(""))
    print("No context is current; calls are a guest's")
    return 0


def _delete(arguments: Namespace) -> int:
    write_contexts(home(), read_contexts(home()).without(arguments.name))
    print(f"Context {arguments.name} deleted")
    return 0


def _token(arguments: Namespace) -> SecretBytes | None:
    if arguments.token_file:
        try:
            text = Path(arguments.token_file).read_bytes()[: MAX_TOKEN_BYTES + 1].strip()
        except OSError as error:
            raise LocalError(f"--token-file: cannot be read ({error.strerror})") from None
        return SecretBytes(text)
    return secret_word(arguments.token, prompt="Token", name="--token") if arguments.token else None


def _identity(token: SecretBytes) -> Mapping[str, str]:
    """Return what the token claims of its bearer; unverified, and only ever shown.

    Raises:
        TokenError: it is not a signed token; better said now than at the first call.
    """
    from holdfast.tokens.compact import read_compact

    claims = read_compact(token.reveal()).unverified_claims
    shown = {"subject": claims.get("sub"), "name": claims.get("name"), "email": claims.get("email")}
    return {name: value for name, value in shown.items() if isinstance(value, str) and value}
