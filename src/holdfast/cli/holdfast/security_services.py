"""``holdfast security org service-accounts keypair | create | delete | show | list``: programs.

A service account logs in with a token that it signs itself, with the private half of the key that is
registered here. The private half never leaves the files of whoever made it.
"""

import os
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.connection import add_server_options, connect_iam
from holdfast.cli.holdfast.security_output import add_output_options, show_rows, show_thing
from holdfast.cli.holdfast.security_users import USER, add_uid, delete_user
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import text_of_file

KEY_BITS = (2048, 3072, 4096)
DEFAULT_KEY_BITS = 3072

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o600
_PUBLIC = 0o644


def keypair(parser: CommandParser) -> Run:
    """Make an RSA key pair for a service account, in two new files."""
    parser.add_argument("private", metavar="PRIVATE", help="new file for the private key, closed to others")
    parser.add_argument("public", metavar="PUBLIC", help="new file for the public key")
    parser.add_argument(
        "--length", "-l", type=int, default=DEFAULT_KEY_BITS, help="bits: 2048, 3072 or 4096 [3072]"
    )
    return _keypair


def create(parser: CommandParser) -> Run:
    """Make a service account; it may do nothing until something is granted to it."""
    add_uid(parser)
    parser.add_argument("--public-key", "-p", metavar="FILE", help="PEM file with its public key")
    parser.add_argument("--description", "-d", default="", help="what that is")
    add_server_options(parser)
    return _create


def delete(parser: CommandParser) -> Run:
    """Remove a service account with everything that was granted to it; its tokens end at once."""
    add_uid(parser)
    add_server_options(parser)
    return delete_user


def show(parser: CommandParser) -> Run:
    """Show one service account and its public key; without a name, list all."""
    parser.add_argument("uid", metavar="UID", nargs="?", help="name of the service account")
    add_output_options(parser)
    add_server_options(parser)
    return _show


def list_accounts(parser: CommandParser) -> Run:
    """List all service accounts."""
    add_output_options(parser)
    add_server_options(parser)
    return _list


def _keypair(arguments: Namespace) -> int:
    if arguments.length not in KEY_BITS:
        raise UsageError("--length: expected 2048, 3072 or 4096")
    from cryptography.hazmat.primitives.asymmetric import rsa

    from holdfast.tokens.rsa_key import PUBLIC_EXPONENT, RsaSigningKey

    key = RsaSigningKey(rsa.generate_private_key(PUBLIC_EXPONENT, arguments.length))
    with key.pem() as private:
        _write_new(Path(arguments.private), private.view(), _PRIVATE)
    try:
        _write_new(Path(arguments.public), key.verifying_key().pem(), _PUBLIC)
    except BaseException:  # one half is of no use
        Path(arguments.private).unlink()
        raise
    return EXIT_OK


def _write_new(path: Path, content: bytes | memoryview, mode: int) -> None:
    try:
        descriptor = os.open(path, _FLAGS, mode)
    except FileExistsError:
        raise LocalError(f"{path}: is there already, and a key is never overwritten") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _create(arguments: Namespace) -> int:
    if arguments.public_key is None:
        raise UsageError("expected --public-key with the file of its public key")
    public_key = text_of_file(arguments.public_key, name="public key")
    if "PRIVATE KEY" in public_key:
        raise LocalError("--public-key: this is a private key and was not sent; give the public one")
    body = {"description": arguments.description, "public_key": public_key}
    connect_iam(arguments).request("PUT", "users", arguments.uid, body=body)
    return EXIT_OK


def _show(arguments: Namespace) -> int:
    if arguments.uid is None:
        return _list(arguments)
    account = connect_iam(arguments).request("GET", "users", arguments.uid)
    show_thing(account, (*USER, ("Public key", "public_key")), arguments)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    show_rows(connect_iam(arguments).array("users", query={"type": "service"}), USER, arguments)
    return EXIT_OK
