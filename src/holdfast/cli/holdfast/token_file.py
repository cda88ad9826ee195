"""The file that keeps a token between commands.

``~/.holdfast-token`` is written; ``~/.vault-token`` is read too, so that a login made with ``vault``
counts. See ``private_file`` for what makes either of them safe to use.
"""

from pathlib import Path

from holdfast.cli.private_file import read_private, write_private
from holdfast.model import SecretBytes

OWN_NAME = ".holdfast-token"
READ_NAMES = (OWN_NAME, ".vault-token")
MAX_TOKEN_BYTES = 64 * 1024


def read_token(home: Path) -> SecretBytes | None:
    """Return the token kept below ``home``, ``None`` if there is none.

    Raises:
        LocalError: a token file is there, and is not safe to use.
    """
    for name in READ_NAMES:
        content = (read_private(home / name, max_bytes=MAX_TOKEN_BYTES) or b"").strip()
        if content:
            return SecretBytes(content)
    return None


def write_token(home: Path, token: SecretBytes) -> Path:
    """Keep a token below ``home``, in place of the one before; return the file."""
    path = home / OWN_NAME
    write_private(path, token.view())
    return path


def forget_token(home: Path) -> None:
    """Remove the token that is kept below ``home``, if there is one."""
    (home / OWN_NAME).unlink(missing_ok=True)
