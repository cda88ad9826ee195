"""A real store for tests: ``holdfast server`` as processes, on a free loopback port, in a fresh directory."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support import process_logs
from tests.support.ports import free_port

from holdfast.client import TlsSettings, VaultClient

START_SECONDS = 60.0
STOP_SECONDS = 60.0


def make_certificate(directory: Path, *, name: str = "server") -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key_file.chmod(0o600)
    return certificate_file, key_file


class StoreProcess:
    """One store, started and stopped by process id.

    Args:
        directory: where its configuration, data, log and audit file go.
        tls: serve TLS with a fresh self-signed certificate.
        audit: have one audit file.
        workers: how many processes answer.
        settings: further top-level lines for the configuration file.
        launcher: a command that runs the store's command line, such as one that changes the user.
        storage: the storage stanza, in place of files in the directory.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tls: bool = False,
        audit: bool = False,
        workers: int = 2,
        settings: str = "",
        launcher: Sequence[str] = (),
        storage: str = "",
    ) -> None:
        self.directory = directory
        self._launcher = launcher
        self.port = free_port()
        self.certificate: Path | None = None
        self.shares: list[str] = []
        self.root_token = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = directory / "server.log"
        self.audit_path = directory / "audit" / "audit.log"
        self.data_path = directory / "data"
        transport = "tls_disable = true"
        if tls:
            self.certificate, key = make_certificate(directory)
            transport = f'tls_cert_file = "{self.certificate}"\n  tls_key_file = "{key}"'
        stanza = ""
        if audit:
            self.audit_path.parent.mkdir(mode=0o700, exist_ok=True)
            stanza = f'audit "file" "main" {{\n  options {{\n    file_path = "{self.audit_path}"\n  }}\n}}\n'
        self.config_path = directory / "config.hcl"
        self.config_path.write_text(
            (storage or f'storage "file" {{\n  path = "{self.data_path}"\n}}\n')
            + f'listener "tcp" {{\n  address = "127.0.0.1:{self.port}"\n  {transport}\n}}\n'
            f"{stanza}disable_mlock = true\nworkers = {workers}\n{settings}\n"
        )

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "holdfast.cli.holdfast", "server", f"-config={self.config_path}"]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until all its workers listen: before that, a process that dies ends the start."""
        process_logs.note(self.log_path)
        with self.log_path.open("ab") as log:
            said_before = log.tell()
            self.process = subprocess.Popen(
                [*self._launcher, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the store ended at once:\n{self.log_path.read_text()[-2000:]}")
            try:
                self.get("/v1/sys/health")
                if b" serves " in self.log_path.read_bytes()[said_before:]:
                    return
            except (urllib3.exceptions.HTTPError, OSError):
                pass
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"the store did not start:\n{self.log_path.read_text()[-2000:]}")

    def stop(self) -> int:
        """Stop it as an operator does; return its exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the store did not stop") from None

    def kill(self) -> None:
        """Kill every process of it at once, as a power cut would."""
        if self.process is not None:
            for pid in self.process_ids():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.wait(timeout=STOP_SECONDS)

    def process_ids(self) -> list[int]:
        """Return the supervisor's process id and those of its children."""
        assert self.process is not None
        return [self.process.pid, *self.children()]

    def children(self) -> list[int]:
        """Return the process ids of writer and workers."""
        assert self.process is not None
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(word) for word in listing.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            return []

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """Send a plain GET without a token."""
        with urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED" if self.certificate else None,
            ca_certs=str(self.certificate) if self.certificate else None,
            retries=False,
            timeout=30.0,
        ) as pool:
            return pool.request("GET", self.url + path)

    def context(self) -> ssl.SSLContext:
        """Return a client context that trusts this store's certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, token: str | None = None) -> VaultClient:
        """Return a client; with the root token unless another is given."""
        tls = TlsSettings(ca_cert=str(self.certificate)) if self.certificate else None
        return VaultClient(self.url, (self.root_token if token is None else token) or None, tls=tls)

    def initialize(self, *, shares: int = 5, threshold: int = 3) -> None:
        """Initialise it, keep shares and root token, and unseal it."""
        result = self.client("").init(shares=shares, threshold=threshold)
        self.shares, self.root_token = list(result.shares), result.root_token
        self.threshold = threshold
        self.unseal()

    def unseal(self) -> None:
        """Hand in as many shares as are needed."""
        client = self.client("")
        for share in self.shares[: self.threshold]:
            client.unseal(share)

    def log(self) -> str:
        return self.log_path.read_text()
