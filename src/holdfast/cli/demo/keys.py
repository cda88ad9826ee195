"""Whether a key opens a volume, asked of ``cryptsetup`` itself rather than of our own code."""

from pathlib import Path

from holdfast.model import SecretBytes
from holdfast.volumes.cryptsetup import cryptsetup
from holdfast.volumes.errors import DamagedHeaderError, ErasedVolumeError, WrongKeyError


def opens(file: Path, key: SecretBytes) -> bool:
    """Return whether ``key`` opens the volume in ``file``; nothing is attached."""
    try:
        cryptsetup(
            "open", "--test-passphrase", "--key-file=-", f"--keyfile-size={len(key)}", str(file), stdin=key
        )
    except (WrongKeyError, ErasedVolumeError, DamagedHeaderError):
        return False
    return True
