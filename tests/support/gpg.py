"""People with GnuPG: each keyring in a directory of its own, used by the real ``gpg`` as a person would."""

import base64
import subprocess
from pathlib import Path
from typing import Self

LIMIT_SECONDS = 240.0  # a prime of 2048 bits is luck, and others compute here too


class GpgHome:
    """One private ``GNUPGHOME``; ends its agent when closed.

    Args:
        directory: where it goes; made if it is not there.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        subprocess.run(
            ["gpgconf", "--homedir", str(self.directory), "--kill", "all"], check=False, timeout=LIMIT_SECONDS
        )

    def gpg(self, *words: str, standard_input: bytes = b"") -> bytes:
        """Run gpg without a terminal; return what it printed."""
        command = ["gpg", "--homedir", str(self.directory), "--batch", "--quiet", "--no-tty", *words]
        ran = subprocess.run(
            command, input=standard_input, capture_output=True, timeout=LIMIT_SECONDS, check=False
        )
        assert ran.returncode == 0, ran.stderr.decode(errors="replace")
        return ran.stdout

    def generate(self, name: str, *, bits: int = 4096) -> str:
        """Make a pair "RSA and RSA" without a passphrase; return its fingerprint in lower-case hex."""
        parameters = (
            f"%no-protection\nKey-Type: RSA\nKey-Length: {bits}\nSubkey-Type: RSA\nSubkey-Length: {bits}\n"
            f"Name-Real: {name}\nExpire-Date: 0\n%commit\n"
        )
        self.gpg("--gen-key", standard_input=parameters.encode())
        return self.fingerprint(name)

    def fingerprint(self, name: str) -> str:
        listed = self.gpg("--list-keys", "--with-colons", name).decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")).lower()

    def public_key(self, name: str) -> str:
        """Return the public key as the API takes it: binary, in base64 on one line."""
        return base64.b64encode(self.gpg("--export", name)).decode()

    def decrypt(self, message: str) -> str:
        """Decrypt what the API gave out in hex, by way of a file, as the procedures have it."""
        file = self.directory / "message"
        file.write_bytes(bytes.fromhex(message))
        return self.gpg("--decrypt", str(file)).decode()

    def import_secret_key(self, armoured: bytes) -> None:
        self.gpg("--import", standard_input=armoured)
