"""``holdfast auth login | logout``: as a user of the store's IAM, with a password or a service account's key.

A login is kept where ``holdfast login`` keeps a token, and counts for every command, in every dialect. Like
there, a token of the environment wins over it.
"""

import time
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.connection import add_server_options, configured_token, connect_iam
from holdfast.cli.holdfast.environment import setting
from holdfast.cli.holdfast.security_input import (
    add_password_options,
    bytes_of_private_key,
    password_of,
)
from holdfast.cli.holdfast.token_file import forget_token, write_token
from holdfast.cli.output import remark, warn
from holdfast.cli.program import EXIT_OK, Run
from holdfast.model import SecretBytes

LOGIN_TOKEN_SECONDS = 300  # for one request, on a machine whose clock may be off

_BEGIN_OF_A_USER_TOKEN = b"ey"  # a JSON object in base64; tokens of the store begin with their kind


def login(parser: CommandParser) -> Run:
    """Log in as a user with a password, or as a service account with its private key; keep the token."""
    parser.add_argument("--username", help="name of the user or service account [DCOS_USERNAME]")
    add_password_options(parser)
    parser.add_argument(
        "--private-key", metavar="FILE", help="PEM file of a service account's key; - is standard input"
    )
    parser.add_argument("--print-token", action="store_true", help="print the token instead of keeping it")
    add_server_options(parser)
    return _login


def logout(parser: CommandParser) -> Run:
    """End the token in use, at once and everywhere, and forget it."""
    add_server_options(parser)
    return _logout


def _login(arguments: Namespace) -> int:
    uid = arguments.username or setting("USERNAME", "DCOS_USERNAME")
    if not uid:
        raise UsageError("expected --username, or DCOS_USERNAME in the environment")
    with _authenticate(arguments, uid) as token:
        if arguments.print_token:
            print(token.reveal().decode())
            return EXIT_OK
        path = write_token(Path.home(), token)
    remark(f"Success! The token is kept in {path}; the commands that follow act as {uid}.")
    if setting("TOKEN", "DCOS_ACS_TOKEN"):
        warn("HOLDFAST_TOKEN, DCOS_ACS_TOKEN or VAULT_TOKEN is set, and wins over the file.")
    return EXIT_OK


def _authenticate(arguments: Namespace, uid: str) -> SecretBytes:
    client = connect_iam(arguments, anonymous=True)
    if arguments.private_key is None:
        with password_of(arguments, otherwise=setting("PASSWORD", "DCOS_PASSWORD")) as password:
            return client.log_in(uid, password=password)
    if arguments.password is not None or arguments.password_file is not None:
        raise UsageError("expected either a password or --private-key")
    return client.log_in(uid, token=_signed(uid, bytes_of_private_key(arguments.private_key)))


def _signed(uid: str, pem: bytes) -> str:
    """Return a login token of a service account."""
    from holdfast.errors import InvalidInputError
    from holdfast.tokens.compact import write_compact
    from holdfast.tokens.key_files import load_signing_key
    from holdfast.tokens.rsa_key import RsaSigningKey

    try:
        key = load_signing_key(pem)
    except InvalidInputError as error:
        raise LocalError(error.message) from None
    if not isinstance(key, RsaSigningKey):
        raise LocalError("private key: expected an RSA key; service accounts sign with RS256")
    return write_compact({"uid": uid, "exp": int(time.time()) + LOGIN_TOKEN_SECONDS}, key)


def _logout(arguments: Namespace) -> int:
    token = configured_token("DCOS_ACS_TOKEN")
    if token is None:
        raise LocalError("there is no token to end; nobody is logged in here")
    if not token.reveal().startswith(_BEGIN_OF_A_USER_TOKEN):
        raise LocalError("this is no user's token but the store's; end it with: holdfast token revoke -self")
    connect_iam(arguments).log_out()
    if not setting("TOKEN", "DCOS_ACS_TOKEN"):
        forget_token(Path.home())
    remark("Success! The token has ended.")
    return EXIT_OK
