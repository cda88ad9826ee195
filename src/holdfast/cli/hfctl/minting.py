"""Tokens made on this machine from a user file and a key file, for contexts that renew themselves so."""

import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.signing import KeyFile, add_key_file_options, named_key_file, read_file
from holdfast.cli.output import warn
from holdfast.model import SecretBytes

DEFAULT_DURATION = "1h"  # it costs nothing to make the next one


def add_minting_options(parser: CommandParser) -> None:
    """Declare what a token is made from."""
    options = parser.add_argument_group("instead of a token: what tokens are made from, here and by itself")
    options.add_argument(
        "--auth-config", metavar="FILE", help="YAML file with name, email, sub, roles, groups"
    )
    options.add_argument("--issuer", metavar="NAME", help="the iss claim; a plain name that the node trusts")
    options.add_argument(
        "--token-duration",
        metavar="TIME",
        default=DEFAULT_DURATION,
        help=f"digits and one of s, m, h, d and y [{DEFAULT_DURATION}]",
    )
    add_key_file_options(parser)


def minting_settings(arguments: Namespace) -> dict[str, str]:
    """Return what a context remembers of the options; nothing if they were not given.

    Raises:
        UsageError: only some of them were given.
    """
    key = named_key_file(arguments)
    if not (key or arguments.auth_config or arguments.issuer):
        return {}
    if not (key and arguments.auth_config and arguments.issuer):
        raise UsageError("expected --auth-config, --issuer and a key file together, or none of them")
    return {
        "auth_config": str(Path(arguments.auth_config).absolute()),
        "issuer": arguments.issuer,
        "token_duration": arguments.token_duration,
        "key_option": key.option,
        "key_file": str(Path(key.path).absolute()),
        "key_id": key.key_id,
        "allow_short": "yes" if key.allow_short else "",
    }


def mint(settings: Mapping[str, str]) -> SecretBytes:
    """Make a token.

    Raises:
        LocalError: a file cannot be read.
        InvalidInputError: a file or a setting is not what it must be.
    """
    from holdfast.tokens.generate import generate_token, parse_lifetime
    from holdfast.tokens.user_file import read_user_file

    key = KeyFile(
        settings["key_option"],
        settings["key_file"],
        settings.get("key_id", ""),
        allow_short=bool(settings.get("allow_short")),
    )
    token = generate_token(
        read_user_file(read_file(settings["auth_config"], "--auth-config"), note=warn),
        issuer=settings["issuer"],
        key=key.load(),
        issued_at=time.time(),
        lifetime_seconds=parse_lifetime(settings["token_duration"], field="--token-duration"),
    )
    return SecretBytes(token.encode())
