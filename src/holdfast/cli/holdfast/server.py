"""``holdfast server``: hand the command line to the store process."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.program import Run


def server(parser: CommandParser) -> Run:
    """Start a store in this process, from configuration files or for trying things out."""
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="PATH",
        help="HCL or JSON file, or a directory of them; may be given several times",
    )
    parser.add_argument(
        "--dev",
        action="store_true",
        help="a store in memory, unsealed, on loopback, gone when it stops: never for real secrets",
    )
    parser.add_argument(
        "--dev-root-token-id", metavar="TOKEN", help="the root token of --dev [HOLDFAST_DEV_ROOT_TOKEN_ID]"
    )
    parser.add_argument(
        "--dev-listen-address", metavar="HOST:PORT", help="where --dev listens [HOLDFAST_DEV_LISTEN_ADDRESS]"
    )
    parser.add_argument(
        "--dev-no-store-token", action="store_true", help="taken for the sake of scripts; none is ever kept"
    )
    return _server


def _server(arguments: Namespace) -> int:
    if not arguments.dev and not arguments.config:
        raise UsageError("expected -config=PATH, or -dev for a store to try things out with")
    for option in ("dev_root_token_id", "dev_listen_address"):
        if getattr(arguments, option) is not None and not arguments.dev:
            raise UsageError(f"--{option.replace('_', '-')}: makes sense with -dev only")
    from holdfast.server import run

    return run(
        config_paths=arguments.config,
        dev=arguments.dev,
        dev_root_token=arguments.dev_root_token_id or _of_dev(arguments, "DEV_ROOT_TOKEN_ID"),
        dev_listen_address=arguments.dev_listen_address or _of_dev(arguments, "DEV_LISTEN_ADDRESS"),
    )


def _of_dev(arguments: Namespace, name: str) -> str | None:
    """Return a setting of the environment for a store to try things out with; for others it means nothing."""
    return (setting(name) or None) if arguments.dev else None
