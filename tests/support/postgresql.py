"""Real PostgreSQL servers for tests: Debian's programs, in a fresh directory, on a free loopback port.

A server runs as a user without rights, as it refuses to run as root, and is a process of its own that the
test may kill, stop and start again; its data stays where it was. The cluster that Debian's package may have
started is left alone. Everything ends with the test.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
from tests.support import process_logs
from tests.support.ports import free_port

START_SECONDS = 60.0
SUPERUSER = "boss"
DATABASE = "holdfast"


def program(name):
    """Return the path of one of the newest PostgreSQL's programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parent.parent.name)
    )
    assert found, "needs Debian's package postgresql"
    return str(found[-1])


class Server:
    """One server; starts with ``start``.

    Args:
        directory: where its data, sockets and log go.
        settings: lines for its configuration.
        hba: who may connect how; everybody without a password unless told.
    """

    def __init__(self, directory, *, settings="", hba=None):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.log_path = self.directory / "log"
        self.port = free_port()
        self.process = None
        self._settings = settings
        self._hba = hba or "local all all trust\nhost all all 127.0.0.1/32 trust\n"
        self._as_nobody = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def url(self, *, user=SUPERUSER, password="", database=DATABASE, port=None, more=""):
        secret = f":{password}" if password else ""
        return f"postgres://{user}{secret}@127.0.0.1:{port or self.port}/{database}{more}"

    def make(self):
        """Make the cluster, and the database in it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._as_nobody:
            os.chown(self.directory, self._as_nobody["user"], self._as_nobody["group"])
        subprocess.run(
            [
                program("initdb"), "--pgdata", str(self.data), "--username", SUPERUSER, "--auth", "trust",
                "--locale", "C.UTF-8", "--encoding", "UTF8", "--no-sync", "--no-instructions",
            ],
            check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            timeout=120, **self._as_nobody,
        )  # fmt: skip
        (self.data / "pg_hba.conf").write_text(self._hba)
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.directory}'\nmax_connections = 60\n"
                "shared_buffers = 32MB\nmin_wal_size = 32MB\nmax_wal_size = 64MB\n"
                f"log_min_messages = info\n{self._settings}\n"
            )
        self.start()
        self.run(f"CREATE DATABASE {DATABASE}", database="postgres")

    def start(self):
        """Start it and wait until it serves; a server that crashed recovers first."""
        process_logs.note(self.log_path, lasting=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self._as_nobody,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("SELECT 1", database="postgres")
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL does not serve\n{self.log()[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self):
        """Stop it as an administrator in a hurry does: sessions are ended, nothing is left to recover."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=START_SECONDS)
            self.process = None

    def kill(self):
        """End it at once, as a loss of power would, with every process of it."""
        if self.process is not None:
            children = self.children()
            self.process.kill()
            self.process.wait()
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            deadline = time.monotonic() + START_SECONDS
            while any(Path(f"/proc/{child}").exists() for child in children):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            self.process = None

    def children(self):
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in listing.read_text().split()]

    def run(self, statement, parameters=None, *, database=DATABASE, user=SUPERUSER):
        """Run one statement; return its rows."""
        url = self.url(user=user, database=database)
        with psycopg.connect(url, autocommit=True, connect_timeout=30) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def sessions(self, more=""):
        """Return the process ids of the sessions of Holdfast."""
        rows = self.run(f"SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast' {more}")
        return [pid for (pid,) in rows]

    def end_sessions(self):
        """Have the server end every session of Holdfast; return how many there were."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"
            )
        )

    def dump(self, *, schema="*"):
        """Return everything in the database, or in one schema of it, as a backup has it."""
        done = subprocess.run(
            [program("pg_dump"), "--schema", schema, "--dbname", self.url()],
            check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout

    def restore(self, dump):
        """Load what a dump has."""
        subprocess.run(
            [program("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", self.url()],
            input=dump, check=True, stdout=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def log(self):
        return self.log_path.read_text(errors="replace")


@contextmanager
def postgresql(directory=None, *, settings="", hba=None):
    """Run a server below ``directory``, or in a directory of its own; yield it once it serves.

    A directory that only we may enter would be closed to the user that the server runs as.
    """
    own = tempfile.mkdtemp(prefix="holdfast-postgresql-", dir=directory)
    Path(own).chmod(0o755)
    server = Server(Path(own) / "server", settings=settings, hba=hba)
    with _in_memory(own):
        try:
            server.make()
            yield server
        finally:
            server.kill()
            shutil.rmtree(own, ignore_errors=True)


@contextmanager
def _in_memory(directory):
    """Have a directory in memory, if we may: processes are killed here, and no machine.

    A disk that others keep busy would hold up a commit for longer than any patience that is tried out.
    """
    words = ["mount", "-t", "tmpfs", "-o", "size=1g,mode=755", "tmpfs", directory]
    mounted = subprocess.run(words, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", directory], check=False)
            with suppress(OSError):
                Path(directory).rmdir()


@cache
def shared_server():
    """Return one server that runs as long as the tests; give each test a table of its own."""
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(postgresql())


def storage_stanza(url, **options):
    """Return the stanza of a store's configuration."""
    lines = {"connection_url": url, **options}
    return (
        'storage "postgresql" {\n'
        + "".join(f'  {name} = "{value}"\n' for name, value in lines.items())
        + "}\n"
    )
