"""What a token is signed with: the options that name a key, and the key that they name.

Of several the first counts, in the order in which they stand here. A shared secret may be typed, as users of
``pxctl`` do, and others see it then; a file, a variable or standard input keeps it to oneself.
"""

import os
import stat
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.output import warn
from holdfast.cli.typed_input import secret_word, warn_of_inline
from holdfast.model import SecretBytes

if TYPE_CHECKING:
    from holdfast.tokens.keys import SigningKey

MAX_FILE_BYTES = 1 << 20
NO_KEY = "Must provide a secret key to sign token"

# The option, its destination and what it takes, for the keys that files hold.
KEY_FILES = (
    ("--shared-secret-file", "shared_secret_file", "the secret in this file"),
    ("--rsa-private-keyfile", "rsa_private_keyfile", "this RSA key, PEM"),
    ("--ecdsa-private-keyfile", "ecdsa_private_keyfile", "this EC key, PEM"),
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key that a file holds.

    Attributes:
        option: which of ``KEY_FILES`` named it.
        path: where it is.
        key_id: the ``kid`` of its tokens; empty for the thumbprint of a key pair, and none of a secret.
        allow_short: accept a shared secret that can be guessed.
    """

    option: str
    path: str
    key_id: str = ""
    allow_short: bool = False

    def load(self) -> "SigningKey":
        """Read the key.

        Raises:
            LocalError: it cannot be read.
            InvalidInputError: it is not such a key, or too weak.
        """
        content = read_key_file(self.path, self.option)
        if self.option == "--shared-secret-file":
            return shared_secret_key(
                SecretBytes(content.strip(b"\r\n")), key_id=self.key_id, allow_short=self.allow_short
            )
        return _private_key(content, self.option, self.key_id)


def add_key_options(parser: CommandParser) -> None:
    """Declare every way to name a key."""
    parser.add_argument(
        "--shared-secret", metavar="TEXT", help="sign with this secret, which others can see here; - reads it"
    )
    parser.add_argument(
        "--shared-secret-env", metavar="NAME", help="sign with the secret in this environment variable"
    )
    add_key_file_options(parser)


def add_key_file_options(parser: CommandParser) -> None:
    """Declare the ways to name a key that is in a file."""
    for option, _, what in KEY_FILES:
        parser.add_argument(option, metavar="FILE", help=f"sign with {what}")
    parser.add_argument(
        "--key-id", metavar="ID", default="", help="the key's id [a key pair's thumbprint (RFC 7638)]"
    )
    parser.add_argument(
        "--allow-short-shared-secret", action="store_true", help="accept a secret that can be guessed"
    )


def named_key(arguments: Namespace) -> "SigningKey":
    """Return the key that the options name.

    Raises:
        UsageError: none is named.
        LocalError: it cannot be read.
        InvalidInputError: it is not such a key, or too weak.
    """
    secret = _typed_secret(arguments)
    if secret is not None:
        return shared_secret_key(
            secret, key_id=arguments.key_id, allow_short=arguments.allow_short_shared_secret
        )
    file = named_key_file(arguments)
    if file is None:
        raise UsageError(
            NO_KEY, usage="Give --shared-secret-file, --ecdsa-private-keyfile or --rsa-private-keyfile."
        )
    return file.load()


def named_key_file(arguments: Namespace) -> KeyFile | None:
    """Return the file that the options name, if they name one."""
    for option, destination, _ in KEY_FILES:
        if path := getattr(arguments, destination):
            return KeyFile(option, path, arguments.key_id, arguments.allow_short_shared_secret)
    return None


def read_key_file(path: str, option: str) -> bytes:
    """Return what a file with a key holds; warn if others can read it.

    Raises:
        LocalError: it cannot be read, or is too long.
    """
    content = read_file(path, option)
    if stat.S_IMODE(Path(path).stat().st_mode) & 0o077:
        warn(f"{option}: others can read this file; repair with: chmod 600 {path}")
    return content


def read_file(path: str, option: str) -> bytes:
    """Return what a file holds.

    Raises:
        LocalError: it cannot be read, or is too long.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LocalError(f"{option}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_FILE_BYTES:
        raise LocalError(f"{option}: expected at most {MAX_FILE_BYTES} bytes")
    return content


def shared_secret_key(secret: SecretBytes, *, key_id: str, allow_short: bool) -> "SigningKey":
    """Return the key that a shared secret is."""
    from holdfast.tokens.shared_secret import SharedSecretKey

    return SharedSecretKey(secret, key_id=key_id, allow_short_shared_secret=allow_short)


def _typed_secret(arguments: Namespace) -> SecretBytes | None:
    given: str | None = arguments.shared_secret
    if given == "-" and sys.stdin.isatty():
        return secret_word(given, prompt="Shared secret", name="--shared-secret", with_blanks=True)
    if given == "-":
        return SecretBytes(sys.stdin.buffer.readline(MAX_FILE_BYTES).strip(b"\r\n"))
    if given is not None:
        warn_of_inline("--shared-secret")
        return SecretBytes(given.encode())
    if arguments.shared_secret_env:
        return _of_environment(arguments.shared_secret_env, os.environ)
    return None


def _of_environment(name: str, environment: Mapping[str, str]) -> SecretBytes:
    if not environment.get(name):
        raise LocalError("--shared-secret-env: that variable is not set, or not exported to this program")
    return SecretBytes(environment[name].encode())


def _private_key(content: bytes, option: str, key_id: str) -> "SigningKey":
    from holdfast.tokens.key_files import load_named_signing_key
    from holdfast.tokens.rsa_key import RsaSigningKey

    key = load_named_signing_key(content, key_id=key_id)
    wants_rsa = option == "--rsa-private-keyfile"
    if isinstance(key, RsaSigningKey) is not wants_rsa:
        raise LocalError(f"{option}: expected an {'RSA' if wants_rsa else 'EC'} key")
    return key
