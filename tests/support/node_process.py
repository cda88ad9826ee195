"""A real storage node for tests: ``holdfast node`` in its own process, on a free loopback port."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.support import process_logs

from holdfast.client import SdkClient
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

ISSUER = "test.holdfast"
SHARED_SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
START_SECONDS = 180.0
STOP_SECONDS = 60.0


class NodeProcess:
    """One node, started and stopped by process id.

    Args:
        directory: where its storage, log and mount root go.
        arguments: further words after ``holdfast node``.
        environment: further environment variables.
    """

    def __init__(self, directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.storage = directory / "node"
        self.mount_root = directory / "mounts"
        self.mount_root.mkdir(exist_ok=True)
        self.ready_file = directory / "ready.json"
        self.log_path = directory / "node.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.tls_ca, self.tls_client = "", ("", "")  # for a node with a certificate
        self._arguments = arguments
        self._environment = environment or {}

    def command(self) -> list[str]:
        words = ["-c", "test-cluster", "-s", str(self.storage), "--listen", "127.0.0.1:0"]
        words += ["-jwt_issuer", ISSUER, "--mount-root", str(self.mount_root), "--disable-mlock"]
        words += ["--ready-file", str(self.ready_file), *self._arguments]
        return [sys.executable, "-m", "holdfast.cli.holdfast", "node", *words]

    def environment(self) -> dict[str, str]:
        variables = {
            "PATH": os.environ["PATH"],
            "PORTWORX_AUTH_JWT_SHAREDSECRET": SHARED_SECRET,
            **self._environment,
        }
        return {name: value for name, value in variables.items() if value}  # empty: not there at all

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                self.release_volumes()
        finally:
            self.stop()

    def start(self) -> None:
        """Start it and wait until it says where it listens."""
        process_logs.note(self.log_path)
        self.ready_file.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the node did not start:\n{self.log_path.read_text()[-2000:]}")
            time.sleep(0.02)
        self.address = json.loads(self.ready_file.read_text())["address"]

    def stop(self) -> int:
        """Stop it as an operator does; return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)

    def hang_up(self) -> None:
        """Have it read its certificates and keys again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=STOP_SECONDS)

    def refused(self) -> tuple[int, str]:
        """Start it where it must not start; return exit status and what it said."""
        done = subprocess.run(
            self.command(),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        return done.returncode, done.stderr

    def token(self, name: str, *, secret: str = SHARED_SECRET, lifetime: int = 600, **fields) -> str:
        """Return a signed token for a user; a plain user unless other roles are given."""
        fields = {"roles": ("system.user",), **fields}
        return generate_token(
            User(name=name, email=f"{name}@example.com", sub=name, **fields),
            issuer=ISSUER,
            key=SharedSecretKey(SecretBytes(secret.encode())),
            issued_at=time.time(),
            lifetime_seconds=lifetime,
        )

    def admin(self) -> str:
        return self.token("admin", roles=("system.admin",), groups=("*",))

    def client(self, token: str | None) -> SdkClient:
        certificate, key = self.tls_client
        tls = TlsSettings(ca_cert=self.tls_ca, client_cert=certificate, client_key=key)
        return SdkClient(self.address, token, tls=tls if self.tls_ca else None)

    def release_volumes(self) -> None:
        """Detach everything, whatever a failed test left mounted."""
        client = self.client(self.admin())
        for volume_id in client.request("GET", "volumes").get("volume_ids", []):
            options = {"force": True, "unmount_before_detach": True}
            client.request("POST", "mountattach/detach", {"volume_id": volume_id, "options": options})
        client.close()
