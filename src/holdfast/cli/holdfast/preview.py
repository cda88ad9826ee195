"""``-output-curl-string`` and ``-output-policy``: what a command would ask for, printed in place of asking.

The token is never printed: the line for curl has the shell fetch it. What the user typed is in it.
"""

import json
import shlex
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import Shown, UsageError
from holdfast.client import TlsSettings

if TYPE_CHECKING:
    from holdfast.client.vault import Outgoing

_TOKEN = "X-Vault-Token"  # noqa: S105 - the name of a header
_CAPABILITIES = {
    "GET": ("read",),
    "PUT": ("create", "update"),
    "POST": ("create", "update"),
    "PATCH": ("patch",),
    "DELETE": ("delete",),
}


def add_preview_options(parser: CommandParser) -> None:
    """Declare that the request can be shown in place of being sent."""
    options = parser.add_argument_group("instead of doing it")
    options.add_argument(
        "--output-curl-string", action="store_true", help="print the request as a curl command"
    )
    options.add_argument(
        "--output-policy", action="store_true", help="print the policy that allows the request"
    )


def previewer(arguments: Namespace, address: str, tls: TlsSettings) -> "Callable[[Outgoing], None] | None":
    """Return what shows a request in place of sending it; ``None`` where that was not asked for.

    Args:
        arguments: parsed, with the options for it.
        address: of the server.
        tls: how its certificate is checked.

    Raises:
        UsageError: two things were asked for at once.
    """
    if arguments.output_curl_string and arguments.output_policy:
        raise UsageError("expected -output-curl-string or -output-policy, not both")

    def show(request: "Outgoing") -> None:
        raise Shown(_policy(request) if arguments.output_policy else _curl(request, address, tls))

    return show if arguments.output_curl_string or arguments.output_policy else None


def refuse_preview(arguments: Namespace) -> None:
    """Refuse the options where nothing can be shown, rather than do what was only to be shown.

    Raises:
        UsageError: one was given.
    """
    if arguments.output_curl_string or arguments.output_policy:
        raise UsageError("-output-curl-string, -output-policy: expected a command of the Vault API")


def _curl(request: "Outgoing", address: str, tls: TlsSettings) -> str:
    words = ["curl"]
    if request.method != "GET":
        words += ["-X", request.method]
    if tls.unsafe_skip_verification:
        words.append("--insecure")
    for option, value in (
        ("--cacert", tls.ca_cert),
        ("--capath", tls.ca_path),
        ("--cert", tls.client_cert),
        ("--key", tls.client_key),
    ):
        words += [option, shlex.quote(value)] if value else []
    for name, value in sorted(request.headers.items()):
        shown = (
            '"X-Vault-Token: $(holdfast print token)"' if name == _TOKEN else shlex.quote(f"{name}: {value}")
        )
        words += ["-H", shown]
    if request.body is not None:
        words += ["-d", shlex.quote(json.dumps(request.body, ensure_ascii=False))]
    if address.startswith("unix://"):
        words += ["--unix-socket", shlex.quote(address.removeprefix("unix://"))]
        address = "http://localhost"
    url = (
        address.rstrip("/") + quote(request.path) + (f"?{urlencode(request.query)}" if request.query else "")
    )
    return " ".join([*words, shlex.quote(url)])


def _policy(request: "Outgoing") -> str:
    path, capabilities = request.path.removeprefix("/v1/"), list(_CAPABILITIES[request.method])
    if request.method == "GET" and {"list", "scan"} & set(request.query):
        path, capabilities = path.rstrip("/"), ["list"]
    if _needs_sudo(path, request.method):
        capabilities.append("sudo")
    return f"path {json.dumps(path)} {{\n  capabilities = {json.dumps(capabilities)}\n}}"


def _needs_sudo(path: str, method: str) -> bool:
    """Look the path up where the store itself does."""
    from holdfast.errors import UnsupportedError
    from holdfast.store.request import Operation
    from holdfast.store.system_routes import SYSTEM_ROUTES
    from holdfast.store.tokens.routes import TOKEN_ROUTES

    operations = {"GET": (Operation.READ, Operation.LIST), "PATCH": (Operation.PATCH,)}
    operations |= {"DELETE": (Operation.DELETE,)}
    for table in (SYSTEM_ROUTES, TOKEN_ROUTES):
        for operation in operations.get(method, (Operation.WRITE,)):
            try:
                found = table.find(path, operation)
            except UnsupportedError:
                continue
            if found is not None and found[0].sudo:
                return True
    return False
