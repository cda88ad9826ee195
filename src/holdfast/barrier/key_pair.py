"""Making the OpenPGP key pair of a seal that opens itself: RSA with 4096 bits, by GnuPG.

GnuPG makes it because what it makes, any version of it can use: an operator has to be able to unseal by hand,
with the ``gpg`` of his distribution. It works in a directory of its own in memory, which is gone with its
agent when this returns.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from holdfast.errors import UnavailableError
from holdfast.model import SecretBytes
from holdfast.process.run import ChildFailedError, run

KEY_BITS = 4096
USER_ID = "Holdfast seal"
GENERATION_SECONDS = 120.0

_IN_MEMORY = ("/dev/shm", "/run")  # noqa: S108 - where Linux keeps files that never reach a disk


def generate_key_pair() -> SecretBytes:
    """Return a new private key without a passphrase, armoured; its public half is part of it.

    Takes seconds: finding large primes is luck.

    Raises:
        ProgramMissingError: gpg is not installed.
        UnavailableError: there is no file system in memory to work in, or gpg fails.
    """
    home = _make_home()
    try:
        gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--passphrase", "")
        algorithm = f"rsa{KEY_BITS}"
        run(
            [*gpg, "--quick-generate-key", USER_ID, algorithm, "default", "never"],
            timeout_seconds=GENERATION_SECONDS,
        )
        listed = run([*gpg, "--list-keys", "--with-colons"]).stdout.decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        run(
            [*gpg, "--quick-add-key", fingerprint, algorithm, "encr", "never"],
            timeout_seconds=GENERATION_SECONDS,
        )
        return SecretBytes(run([*gpg, "--armor", "--export-secret-keys", fingerprint]).stdout)
    except ChildFailedError as error:
        raise UnavailableError("gpg could not make a key pair for the seal", detail=error.detail) from None
    finally:
        with suppress(ChildFailedError):
            run(["gpgconf", "--homedir", home, "--kill", "all"])
        shutil.rmtree(home, ignore_errors=True)


def _make_home() -> str:
    for parent in _IN_MEMORY:
        if Path(parent).is_dir():
            with suppress(OSError):
                return tempfile.mkdtemp(prefix="holdfast-", dir=parent)
    raise UnavailableError("no file system in memory to make a key pair in: expected /dev/shm or /run")
