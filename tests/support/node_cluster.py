"""Several real storage nodes on this host, over one ZooKeeper or PostgreSQL, each behind its own proxy."""

import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.support import postgresql, zookeeper
from tests.support.cutting_proxy import cutting_proxy
from tests.support.node_process import NodeProcess

from holdfast.client import SdkClient
from holdfast.clock import SystemClock
from holdfast.errors import HoldfastError
from holdfast.noded.state import open_state, read_options, read_state_settings
from holdfast.volumes import loop

WAIT_SECONDS = 90
PATIENCE = "4s"  # storage that others keep busy is not away
LEASE_SECONDS = 10  # a busy machine must not lose it
SHORT_LEASE = ("--attach-lease", "3")  # for a node that is to be waited for
LONG_LEASE = ("--attach-lease", "60")  # for one that is to be back in time, however long it takes to start


class Member(NodeProcess):
    """One node, and the wire between it and storage."""

    def __init__(self, directory, proxy, *arguments, environment=None):
        directory.mkdir(exist_ok=True)
        super().__init__(directory, *arguments, environment=environment)
        self.proxy = proxy
        self.words = ()
        self.tls = None
        self.has_keys = True

    def command(self):
        return [*super().command(), *self.words]

    def environment(self):
        environment = super().environment()
        if not self.has_keys:
            del environment["PORTWORX_AUTH_JWT_SHAREDSECRET"]
        return environment

    def client(self, token):
        return SdkClient(self.address, token, tls=self.tls)

    def cut_off(self):
        """Take storage away from this node."""
        self.proxy.refuse()
        self.proxy.lose_questions()

    def mend(self):
        self.proxy.refuse(refusing=False)

    def call(self, method, path, body=None, *, token=None):
        """Call as an administrator, or with a token, or with none if that is empty."""
        client = self.client(self.admin() if token is None else token or None)
        try:
            return client.request(method, path, body)
        finally:
            client.close()

    def attach(self, volume_id):
        return self.call("POST", "mountattach/attach", {"volume_id": volume_id})["device_path"]

    def detach(self, volume_id, **options):
        self.call("POST", "mountattach/detach", {"volume_id": volume_id, "options": options})

    def create(self, name, *, token=None, **spec):
        return self.call(
            "POST", "volumes", {"name": name, "spec": {"size": str(32 << 20), **spec}}, token=token
        )["volume_id"]

    def try_to_attach(self, volume_id):
        """Return nothing, or why not."""
        try:
            self.attach(volume_id)
        except HoldfastError as error:
            return error.reason or type(error).__name__
        return None

    def __exit__(self, *_):
        """End it and whatever it attached; the kernel is asked, as the node may be dead or cut off."""
        try:
            if self.process is not None:
                self.stop()
        finally:
            self._take_away()

    def restart(self, *words):
        """Start it anew, with further words on its command line."""
        self.stop()
        self.words = words
        self.start()

    def _take_away(self):
        places = [str(self.directory.parent)]
        with suppress(FileNotFoundError):
            places.append((self.storage / "node-identity").read_text())
        for device in loop.marked_devices():
            if any(place in str(loop.backing_file(device.path)) for place in places):
                subprocess.run(["umount", "--lazy", device.path], check=False, capture_output=True)
                loop.detach(device.path)


@contextmanager
def node_cluster(directory, engine, count, *, shared_pool=True, prepare=lambda node, number: None):
    """Run nodes ``node1`` to ``node<count>``; yield them. ``prepare`` is called before each is started."""
    directory = Path(directory)
    pool, secrets = directory / "pool", directory / "secrets"
    secrets.mkdir(mode=0o700)
    with ExitStack() as running:
        nodes = []
        for number in range(1, count + 1):
            port, arguments = _engine(engine, directory)
            proxy = running.enter_context(cutting_proxy(port))
            arguments = [word.replace(f":{port}", f":{proxy.port}") for word in arguments]
            arguments += ["--node-id", f"node{number}", "--attach-lease", str(LEASE_SECONDS)]
            arguments += ["-secret_type", "file", *(["--pool", str(pool)] if shared_pool else [])]
            member = Member(
                directory / f"host{number}",
                proxy,
                *arguments,
                environment={"HOLDFAST_SECRETS_DIRECTORY": str(secrets)},
            )
            prepare(member, number)
            nodes.append(member)
            running.push(member)
        with ThreadPoolExecutor(count) as starting:
            list(starting.map(lambda node: node.start(), nodes))
        try:
            yield nodes
        finally:
            for node in nodes:
                node.mend()
            _release_everything(nodes)


def _release_everything(nodes):
    """Detach whatever is attached, wherever it is."""
    living = [node for node in nodes if node.process is not None and node.process.poll() is None]
    if not living:
        return
    with suppress(HoldfastError, OSError):
        for volume_id in living[0].call("GET", "volumes").get("volume_ids", []):
            for node in living:
                with suppress(HoldfastError, OSError):
                    node.detach(volume_id, force=True, unmount_before_detach=True)


def _engine(engine, directory):
    name = re.sub(r"[^a-z0-9]", "_", str(directory).lower())[-40:]
    if engine == "zookeeper":
        address = zookeeper.shared_server()
        options = ["unprotected=true", f"request_timeout={PATIENCE}"]
        words = ["-k", f"zk://{address}/nodes/{name}"]
        port = int(address.rpartition(":")[2])
    else:
        server = postgresql.shared_server()
        options = [f"table=nodes.t_{name}", f"request_timeout={PATIENCE}"]
        words = ["-k", server.url()]
        port = server.port
    for option in options:
        words += ["--kvdb-option", option]
    return port, words


class KernelsView:
    """Watches, as long as it runs, how often the kernel has a volume attached at the same time."""

    def __init__(self, uuid):
        self._uuid = uuid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most_devices = 0
        self.most_daemons = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        while not self._stop.wait(0.02):
            devices = [device for device in loop.marked_devices() if device.uuid == self._uuid]
            self.most_devices = max(self.most_devices, len(devices))
            self.most_daemons = max(self.most_daemons, len(daemon_sessions(self._uuid)))


def daemon_sessions(uuid):
    """Return the sessions of the daemons that serve a volume: one for each attachment."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if f"fuse_daemon\0{uuid}\0".encode() in (entry / "cmdline").read_bytes():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    found.add(int(fields[3]))
    return found


def open_cluster_state(node):
    """Open the storage that the nodes share, by the way that one of them takes."""
    words = node.command()
    options = [words[place + 1] for place, word in enumerate(words) if word == "--kvdb-option"]
    url = words[words.index("-k") + 1]
    settings = read_state_settings(url, read_options(options), is_argument=True)
    return open_state(settings, Path(), cluster_id="test-cluster", clock=SystemClock())


def wait_until(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)
