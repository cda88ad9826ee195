"""``hfctl auth token generate``: a signed token from a user file and a key."""

import time
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl.signing import add_key_options, named_key, read_file
from holdfast.cli.output import print_result, warn
from holdfast.cli.private_file import check_named, write_private
from holdfast.cli.program import Run

DEFAULT_DURATION = "1d"


def generate(parser: CommandParser) -> Run:
    r"""Make a signed token from a user file and a key.

    The user file is YAML and says who the token speaks for:

        name: Alice
        email: alice@example.com
        sub: alice                  # unique; what alice makes belongs to this name
        roles: ["system.user"]
        groups: ["team"]            # optional; "*" is every resource

    For example:

        hfctl auth token generate --auth-config=alice.yaml --issuer=portworx.com \
            --shared-secret-file=signing-secret --token-duration=8h
        hfctl auth token generate --auth-config=alice.yaml --issuer=portworx.com \
            --ecdsa-private-keyfile=key.pem --output=alice.token
    """
    add_user_options(parser)
    add_key_options(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="write the token there, mode 0600, instead of printing it"
    )
    parser.add_argument("--json", "-j", action="store_true", help="print it as JSON")
    return _generate


def add_user_options(parser: CommandParser) -> None:
    """Declare who a token speaks for, whose it is, and how long it lives."""
    parser.add_argument(
        "--auth-config", metavar="FILE", help="YAML file with name, email, sub, roles, groups"
    )
    parser.add_argument("--issuer", metavar="NAME", help="the iss claim; a plain name that the node trusts")
    parser.add_argument(
        "--token-duration",
        metavar="TIME",
        default=DEFAULT_DURATION,
        help=f"digits and one of s, m, h, d and y [{DEFAULT_DURATION}]",
    )


def _generate(arguments: Namespace) -> int:
    from holdfast.tokens.generate import generate_token, parse_lifetime
    from holdfast.tokens.user_file import read_user_file

    if not arguments.auth_config:
        raise UsageError("--auth-config: expected a user file")
    if not arguments.issuer:
        raise UsageError("--issuer: expected the name that the node trusts")
    user = read_user_file(read_file(arguments.auth_config, "--auth-config"), note=warn)
    if not user.roles:
        warn("user file: it names no role, so every call with this token will be refused.")
    token = generate_token(
        user,
        issuer=arguments.issuer,
        key=named_key(arguments),
        issued_at=time.time(),
        lifetime_seconds=parse_lifetime(arguments.token_duration, field="--token-duration"),
    )
    if arguments.output:
        _write(Path(arguments.output), token)
        answer, sentence = {"output": arguments.output}, f"Token written to output file: {arguments.output}"
    else:
        answer, sentence = {"token": token}, token
    if arguments.json:
        print_result(answer, "json")
    else:
        print(sentence)
    return 0


def _write(path: Path, token: str) -> None:
    check_named(path, name="--output", replace=True)
    try:
        write_private(path, f"{token}\n".encode())
    except OSError as error:
        raise LocalError(f"--output: cannot be written ({error.strerror})") from None
