"""``holdfast lease lookup | renew | revoke``."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import show_data
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.program import EXIT_OK, Run


def lookup(parser: CommandParser) -> Run:
    """Show since when and until when something is leased."""
    parser.add_argument("lease", help="name of the lease, such as auth/token/create/...")
    add_format_option(parser)
    add_server_options(parser)
    return _lookup


def renew(parser: CommandParser) -> Run:
    """Extend a lease."""
    parser.add_argument("lease", help="name of the lease")
    parser.add_argument("--increment", help="by how long, such as 1h")
    add_format_option(parser)
    add_server_options(parser)
    return _renew


def revoke(parser: CommandParser) -> Run:
    """End a lease at once, or all below a prefix."""
    parser.add_argument("lease", help="name of the lease; with -prefix, what such names begin with")
    parser.add_argument("--prefix", action="store_true", help="end every lease below it")
    parser.add_argument("--force", action="store_true", help="with -prefix, whatever goes wrong elsewhere")
    parser.add_argument("--sync", action="store_true", help="wait until it is done, which happens anyhow")
    add_server_options(parser)
    return _revoke


def _lookup(arguments: Namespace) -> int:
    answer = connect(arguments).request("PUT", "sys/leases/lookup", {"lease_id": arguments.lease})
    show_data(answer, arguments.format)
    return EXIT_OK


def _renew(arguments: Namespace) -> int:
    body: dict[str, Any] = {"lease_id": arguments.lease}
    if arguments.increment:
        body["increment"] = arguments.increment
    show_data(connect(arguments).request("PUT", "sys/leases/renew", body), arguments.format)
    return EXIT_OK


def _revoke(arguments: Namespace) -> int:
    if arguments.force and not arguments.prefix:
        raise UsageError("-force: expected -prefix with it")
    client = connect(arguments)
    if arguments.prefix:
        call = "revoke-force" if arguments.force else "revoke-prefix"
        client.request("PUT", f"sys/leases/{call}/{arguments.lease.strip('/')}")
        print(f"Success! Revoked all leases below: {arguments.lease.strip('/')}")
    else:
        client.request("PUT", "sys/leases/revoke", {"lease_id": arguments.lease, "sync": arguments.sync})
        print("Success! Revoked lease (if it existed)")
    return EXIT_OK
