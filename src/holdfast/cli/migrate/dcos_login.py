"""A token for another cluster: from a file, for a password, or for the key of a service account."""

import time
from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.migrate.directory import without_newline
from holdfast.cli.private_file import read_private
from holdfast.cli.typed_input import secret_word
from holdfast.client import IamClient
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

LOGIN_TOKEN_SECONDS = 300
MAX_CREDENTIAL_BYTES = 64 * 1024


def add_login_options(parser: CommandParser) -> None:
    """Declare as whom the source is read."""
    options = parser.add_argument_group("login at the source")
    options.add_argument("--username", metavar="UID", help="log in as this user; the password is asked for")
    options.add_argument("--password-file", metavar="FILE", help="that holds the password of --username")
    options.add_argument(
        "--private-key", metavar="FILE", help="PEM file with the key of --username, a service account"
    )
    options.add_argument("--token-file", metavar="FILE", help="that holds a token; no login then")


def check_login_options(arguments: Namespace) -> None:
    """Return if the options say one way to log in.

    Raises:
        UsageError: none or several.
    """
    proofs = [arguments.password_file, arguments.private_key, arguments.token_file]
    if sum(proof is not None for proof in proofs) > 1:
        raise UsageError("expected only one of --password-file, --private-key and --token-file")
    if (arguments.username is None) == (arguments.token_file is None):
        raise UsageError("expected either --username, or --token-file without it")


def source_token(arguments: Namespace, iam: IamClient) -> SecretBytes:
    """Return the token to read the source with.

    Raises:
        LocalError: a file cannot be used.
        RemoteError: the source does not let us in.
    """
    if arguments.token_file is not None:
        return SecretBytes(_private(arguments.token_file, "token file").strip())
    if arguments.private_key is not None:
        return iam.log_in(arguments.username, token=_signed(arguments.username, arguments.private_key))
    if arguments.password_file is not None:
        password = SecretBytes(without_newline(_private(arguments.password_file, "password file")))
    else:
        password = secret_word(None, prompt="Password at the source", name="password")
    with password:
        return iam.log_in(arguments.username, password=password)


def _signed(uid: str, key_file: str) -> str:
    from holdfast.tokens.compact import write_compact
    from holdfast.tokens.key_files import load_signing_key
    from holdfast.tokens.rsa_key import RsaSigningKey

    try:
        key = load_signing_key(_private(key_file, "private key"))
    except HoldfastError as error:
        raise LocalError(f"--private-key: {error.message}") from None
    if not isinstance(key, RsaSigningKey):
        raise LocalError("--private-key: expected an RSA key, as service accounts of DC/OS have")
    return write_compact({"uid": uid, "exp": int(time.time()) + LOGIN_TOKEN_SECONDS}, key)


def _private(path: str, name: str) -> bytes:
    content = read_private(Path(path), max_bytes=MAX_CREDENTIAL_BYTES)
    if not content:
        raise LocalError(f"{name}: expected one that exists and is not empty")
    return content
