"""OpenPGP public keys from files, as ``gpg --export`` writes them, with ``--armor`` or without."""

import base64
import binascii
from pathlib import Path

from holdfast.cli.errors import LocalError

MAX_KEY_BYTES = 64 * 1024
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


def read_public_keys(names: str | None) -> list[str]:
    """Return public keys as the API takes them, in base64.

    Args:
        names: files with commas between; ``None`` for no keys.

    Raises:
        LocalError: a file cannot be read, or holds something else.
    """
    return [_read_public_key(name) for name in names.split(",")] if names else []


def _read_public_key(name: str) -> str:
    if name.startswith("keybase:"):
        raise LocalError("keybase: keys are taken from files only, so that you know whose they are")
    try:
        with Path(name).open("rb") as file:
            content = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise LocalError(f"{name}: cannot be read: {error.strerror}") from None
    key = _without_armor(content) if content.lstrip().startswith(_ARMOR) else _without_base64(content)
    if not 0 < len(key) <= MAX_KEY_BYTES:
        raise LocalError(f"{name}: expected an OpenPGP public key, as gpg --export writes it")
    return base64.b64encode(key).decode()


def _without_armor(content: bytes) -> bytes:
    lines = content.replace(b"\r\n", b"\n").strip().split(b"\n")
    body = lines[lines.index(b"") + 1 :] if b"" in lines else []
    # A line of four digits behind = is a check sum; then the block ends.
    text = b"".join(line for line in body if not line.startswith((b"=", b"-----")))
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _without_base64(content: bytes) -> bytes:
    """Return what a file in base64 stands for; a key in binary never looks like one."""
    try:
        return base64.b64decode(b"".join(content.split()), validate=True) or content
    except binascii.Error:
        return content
