"""``hfctl auth token generate``: a signed token from a user file and a key."""

import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.private_file import write_private
from holdfast.cli.program import Run
from holdfast.cli.typed_input import warn_of_inline
from holdfast.model import SecretBytes

if TYPE_CHECKING:
    from holdfast.tokens.keys import SigningKey

DEFAULT_DURATION = "1d"
MAX_FILE_BYTES = 1 << 20


def generate(parser: CommandParser) -> Run:
    """Make a token; of several keys the first in the order of these options is used."""
    parser.add_argument(
        "--auth-config", metavar="FILE", help="YAML file with name, email, sub, roles, groups"
    )
    parser.add_argument("--issuer", metavar="NAME", help="the iss claim; a plain name that the node trusts")
    parser.add_argument(
        "--shared-secret", metavar="TEXT", help="sign with this secret; others can see it here"
    )
    parser.add_argument("--shared-secret-file", metavar="FILE", help="sign with the secret in this file")
    parser.add_argument("--rsa-private-keyfile", metavar="FILE", help="sign with this RSA key, PEM")
    parser.add_argument("--ecdsa-private-keyfile", metavar="FILE", help="sign with this EC key, PEM")
    parser.add_argument(
        "--key-id", metavar="ID", default="", help="the key's id, for nodes that trust several keys"
    )
    parser.add_argument(
        "--token-duration",
        metavar="TIME",
        default=DEFAULT_DURATION,
        help="digits and one of s, m, h, d and y [1d]",
    )
    parser.add_argument(
        "--allow-short-shared-secret", action="store_true", help="accept a secret that can be guessed"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="write the token there, mode 0600, instead of printing it"
    )
    return _generate


def _generate(arguments: Namespace) -> int:
    from holdfast.tokens.generate import generate_token, parse_lifetime
    from holdfast.tokens.user_file import read_user_file

    if not arguments.auth_config:
        raise UsageError("--auth-config: expected a user file")
    if not arguments.issuer:
        raise UsageError("--issuer: expected the name that the node trusts")
    token = generate_token(
        read_user_file(_read(arguments.auth_config, "--auth-config")),
        issuer=arguments.issuer,
        key=_signing_key(arguments),
        issued_at=time.time(),
        lifetime_seconds=parse_lifetime(arguments.token_duration),
    )
    if arguments.output:
        _write(Path(arguments.output), token)
        print(f"Token written to output file: {arguments.output}")
    else:
        print(token)
    return 0


def _signing_key(arguments: Namespace) -> "SigningKey":
    if arguments.shared_secret is not None or arguments.shared_secret_file:
        from holdfast.tokens.shared_secret import SharedSecretKey

        return SharedSecretKey(
            _shared_secret(arguments),
            key_id=arguments.key_id,
            allow_short_shared_secret=arguments.allow_short_shared_secret,
        )
    from holdfast.tokens.key_files import load_signing_key

    for option in ("rsa_private_keyfile", "ecdsa_private_keyfile"):
        if path := getattr(arguments, option):
            return load_signing_key(_read(path, f"--{option.replace('_', '-')}"), key_id=arguments.key_id)
    raise UsageError("Must provide a secret key to sign token")


def _shared_secret(arguments: Namespace) -> SecretBytes:
    if arguments.shared_secret is not None:
        warn_of_inline("--shared-secret")
        return SecretBytes(arguments.shared_secret.encode())
    return SecretBytes(_read(arguments.shared_secret_file, "--shared-secret-file").strip(b"\r\n"))


def _read(path: str, option: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LocalError(f"{option}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_FILE_BYTES:
        raise LocalError(f"{option}: expected at most {MAX_FILE_BYTES} bytes")
    return content


def _write(path: Path, token: str) -> None:
    try:
        write_private(path, f"{token}\n".encode())
    except OSError as error:
        raise LocalError(f"--output: cannot be written ({error.strerror})") from None
