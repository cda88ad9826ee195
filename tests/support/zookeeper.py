"""Real ZooKeeper servers for tests: one, or an ensemble of three, on free loopback ports.

A member runs as a process of its own that the test may kill, stop and start again; its data stays where it
was. Everything ends with the test.
"""

import atexit
import re
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from tests.support import process_logs
from tests.support.ports import free_ports

JAR = Path("/usr/share/java/zookeeper.jar")
# Debian's jar names all that it needs but what its TLS needs, and no way to log.
CLASSES = ":".join(
    ["/etc/zookeeper/conf", str(JAR)]
    + [f"/usr/share/java/{name}.jar" for name in ("netty-codec", "netty-resolver", "slf4j-simple")]
)
START_SECONDS = 60.0


class Member:
    """One server."""

    def __init__(self, directory, number, ports, *, settings="", jvm=()):
        self.number = number
        self.port, self.peer_port, self.election_port = ports
        self.directory = directory
        self.settings = settings
        self.jvm = tuple(jvm)
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def write_config(self, members):
        self.directory.mkdir(parents=True, exist_ok=True)
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        lines = [
            "tickTime=500",
            "initLimit=10",
            "syncLimit=4",
            "maxClientCnxns=0",
            # Processes are killed here, and no machine: what was written stays. A disk that others keep busy
            # would hold up an answer for longer than a session lasts.
            "forceSync=no",
            "admin.enableServer=false",
            "4lw.commands.whitelist=*",
            "standaloneEnabled=true",
            f"dataDir={data}",
            f"clientPort={self.port}",
            "clientPortAddress=127.0.0.1",
            self.settings,
        ]
        if len(members) > 1:
            (data / "myid").write_text(f"{self.number}\n")
            lines += [
                f"server.{member.number}=127.0.0.1:{member.peer_port}:{member.election_port}"
                for member in members
            ]
        (self.directory / "zoo.cfg").write_text("\n".join(lines) + "\n")

    def start(self):
        process_logs.note(self.directory / "log", lasting=True)
        log = (self.directory / "log").open("ab")
        self.process = subprocess.Popen(
            [
                "java",
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                *self.jvm,
                "-cp",
                CLASSES,
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                str(self.directory / "zoo.cfg"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()

    def kill(self):
        """End it at once, as a loss of power would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """Freeze it: its connections stay open, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def role(self):
        """Return ``leader``, ``follower``, ``standalone``, or nothing while it serves nobody."""
        found = re.search(r"^Mode: (\w+)", self.ask("srvr"), re.MULTILINE)
        return found[1] if found else ""

    def ask(self, word):
        """Return the answer to a four-letter word, empty if there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=3) as connection:
                connection.sendall(word.encode())
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
                return answer.decode()
        except OSError:
            return ""


class Ensemble:
    """One or more members that hold the same tree."""

    def __init__(self, members):
        self.members = members

    @property
    def address(self):
        """All members, as clients write it."""
        return ",".join(member.address for member in self.members)

    def start(self):
        for member in self.members:
            member.write_config(self.members)
            member.start()

    def wait_until_serving(self, count=None, seconds=START_SECONDS):
        """Wait until ``count`` members serve clients, all of them by default."""
        deadline = time.monotonic() + seconds
        wanted = len(self.members) if count is None else count
        while sum(1 for member in self.running() if member.role()) < wanted:
            if time.monotonic() > deadline:
                logs = "\n".join((member.directory / "log").read_text()[-2000:] for member in self.members)
                raise AssertionError(f"ZooKeeper does not serve\n{logs}")
            time.sleep(0.1)

    def running(self):
        return [member for member in self.members if member.process is not None]

    def leader(self):
        """Return the member that leads, ``None`` while nobody does."""
        return next((member for member in self.running() if member.role() == "leader"), None)

    def close(self):
        for member in self.members:
            member.kill()


@contextmanager
def zookeeper(directory, *, members=1, settings="", jvm=(), wait=True):
    """Run an ensemble below ``directory``; yield it once it serves."""
    assert JAR.exists(), "needs Debian's package zookeeper"
    ports = free_ports(3 * members)
    ensemble = Ensemble(
        [
            Member(
                Path(directory) / f"member{number}",
                number,
                ports[3 * (number - 1) : 3 * number],
                settings=settings,
                jvm=jvm,
            )
            for number in range(1, members + 1)
        ]
    )
    try:
        ensemble.start()
        if wait:
            ensemble.wait_until_serving()
        yield ensemble
    finally:
        ensemble.close()


def storage_stanza(address, path, **options):
    """Return the stanza of a store's configuration; without credentials unless options name some."""
    if not {"auth_info", "auth_info_file", "sasl_user"} & options.keys():
        options["unprotected"] = "true"
    lines = {"address": address, "path": path, **options}
    return (
        'storage "zookeeper" {\n'
        + "".join(f'  {name} = "{value}"\n' for name, value in lines.items())
        + "}\n"
    )


@cache
def shared_server():
    """Return the address of one server that runs as long as the tests; give each test a path of its own."""
    running = ExitStack()
    atexit.register(running.close)
    directory = running.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-zookeeper-"))
    return running.enter_context(zookeeper(directory)).address
