"""A throw-away machine with device-mapper, for hosts without: QEMU, emulated, no network.

    host: /            --virtiofs, read-only-->   guest: /, under an overlay in memory
    host: a directory  --copied onto its disk-->  guest: /tmp/exchange
    host: another      <--copied off its disk--   guest: /tmp/exchange

So the guest has the host's tools and this very tree, and whatever it changes is gone afterwards. Its /tmp
is that disk, a real file system. Of the host's /tmp, /run and /dev it sees this tree and the interpreter, if
they are there, and nothing else. The processor is emulated: a hypervisor may be offered by a host and still
hang, and nothing here takes long enough to need one. Both processors of the guest are used if two things run.

Nothing of it outlives the process that started it.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.vm.kernel import Kernel

EXCHANGE = Path("/tmp/exchange")  # in the guest
ROOT = Path(__file__).parents[2]

_HERE = Path(__file__).parent
_SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = ("qemu-system-x86_64", "setpriv", "busybox", "modprobe", "depmod", "mkfs.ext4", "debugfs")
_VIRTIOFSD = (Path("/usr/libexec/virtiofsd"), Path("/usr/lib/qemu/virtiofsd"))  # Debian 13, Debian 12
_BOOT_MODULES = ("virtio_pci", "virtiofs", "overlay", "virtio_blk")
_DISK_BYTES = 1 << 30
_MEMORY = "1024M"
# How long a machine may run: `./dev test` has a limit for everything, and sets this one.
GUEST_SECONDS = float(os.environ.get("HOLDFAST_GUEST_SECONDS", "1500"))
# For tests without properties: `tests/conftest.py` and Hypothesis stay away, which take long to import.
LEAN = ("--confcutdir=tests/vm", "-o", "filterwarnings=error")

_STATUS = "guest: ended with "
_BEGUN = "guest: begins"
_REPORT = "tests.xml"  # in the exchange directory
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # whatever kills us, no machine is left running
_KERNEL_OPTIONS = (
    *("console=ttyS0", "quiet", "loglevel=1", "panic=-1"),
    # The clock that the kernel would choose is a device, and asking an emulated one takes long.
    *("clocksource=tsc", "tsc=reliable"),
    # A kernel whose processor was kept waiting would take its timer, or itself, for broken.
    *("no_timer_check", "nowatchdog"),
    "mitigations=off",  # nobody spies on anybody here
)
_BOOTS = 4  # a machine that did not come up, or has a wrong clock, is started anew, as long as there is time


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command in the guest ended.

    Attributes:
        status: its exit status; ``leftovers`` if something still used the disk after it; empty if
            the guest never got so far.
        console: all that was written to the console.
        exchange: a copy of the exchange directory as the command left it.
    """

    status: str
    console: str
    exchange: Path

    def passed_files(self) -> set[str]:
        """Return the files of tests of ``pytest_command``; all of them passed, and none was left out."""
        assert self.status == "0", f"ended with {self.status or 'nothing'}: {self.console[-4000:]}"
        (suite,) = ET.parse(self.exchange / _REPORT).getroot()
        outcome = {name: int(suite.get(name, "")) for name in ("failures", "errors", "skipped")}
        assert not any(outcome.values()), outcome
        return {case.get("classname", "").replace(".", "/") + ".py" for case in suite}


def missing_programs() -> list[str]:
    """Return what the host lacks to run a guest."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SEARCH_PATH) is None]
    return missing if _find_virtiofsd() else [*missing, "virtiofsd"]


def python_command(module: str, *arguments: str) -> str:
    """Return the shell command that runs a module of this tree with our interpreter."""
    return f"cd {shlex.quote(str(ROOT))} && {shlex.join([sys.executable, '-B', '-m', module, *arguments])}"


def pytest_command(*arguments: str) -> str:
    """Return the shell command that runs tests of this tree."""
    # Of the plug-ins only the one that pyproject.toml configures: importing the others takes the guest long.
    # A test's usual limit is for processors that are not emulated.
    options = ("-p", "pytest_timeout", "-p", "no:cacheprovider", "--color=no", "-v", "--timeout=1500")
    report = f"--junit-xml={EXCHANGE / _REPORT}"
    variables = ["PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", "HOLDFAST_EMULATED=1"]
    if os.environ.get("HOLDFAST_EVERY_STEP") == "1":
        variables.append("HOLDFAST_EVERY_STEP=1")
    return f"export {' '.join(variables)}; " + python_command("pytest", *options, report, *arguments)


def prepare(*tests: str) -> None:
    """Compile what the guest is going to import, here, where that takes no time."""
    compiled = subprocess.run([sys.executable, "-m", "compileall", "-q", "src"], check=False, cwd=ROOT)
    assert compiled.returncode == 0, "some module cannot be compiled"
    if tests:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", *tests]
        collected = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert collected.returncode == 0, collected.stdout[-4000:]


def run(kernel: Kernel, command: str, work: Path, *, exchange: Path | None = None, seconds: float) -> Ended:
    """Boot, run one shell command as root, switch off.

    The guest keeps no bytecode, so what it imports had better been imported here before: see ``prepare``.

    Args:
        kernel: what to boot.
        command: its output goes to the console.
        work: an empty directory, for the disk and all else that makes a machine.
        exchange: a directory of which the command finds a copy, as ``EXCHANGE``.
        seconds: when to pull the plug.
    """
    disk, console = work / "disk", work / "console"
    _make_disk(disk, work / "staging", exchange, command)
    initramfs, deadline = _initramfs(kernel, work), time.monotonic() + seconds
    for _ in range(_BOOTS):
        with _host_root(work) as socket:
            _run_machine(_qemu(kernel, initramfs, disk, socket), console, deadline)
        if _BEGUN in console.read_text(errors="replace") or time.monotonic() > deadline:
            break
    text = console.read_text(errors="replace").replace("\r\n", "\n")
    status = text.rpartition(_STATUS)[2].split("\n")[0] if _STATUS in text else ""
    return Ended(status, text, _read_disk(disk, work))


def _run_machine(command: list[str | Path], console: Path, deadline: float) -> None:
    with console.open("ab") as output:
        machine = subprocess.Popen(
            [*_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            machine.wait(timeout=max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            output.write(b"\nguest: no end within the time limit\n")
        finally:
            machine.kill()
            machine.wait()


def _qemu(kernel: Kernel, initramfs: Path, disk: Path, socket: Path) -> list[str | Path]:
    return [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", _MEMORY),
        *("-machine", "q35,memory-backend=memory"),
        *("-object", f"memory-backend-memfd,id=memory,size={_MEMORY},share=on"),  # virtiofsd maps it too
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"),
        *("-chardev", f"socket,id=root,path={socket}", "-device", "vhost-user-fs-pci,chardev=root,tag=host"),
        *("-drive", f"file={disk},if=virtio,format=raw,cache=unsafe,discard=unmap"),
        *("-kernel", kernel.image, "-initrd", initramfs),
        *("-append", " ".join(_KERNEL_OPTIONS)),
    ]


@contextmanager
def _host_root(work: Path) -> Iterator[Path]:
    """Serve the host's root directory, which the guest mounts read-only."""
    socket, log = work / "root.sock", work / "virtiofsd.log"
    socket.unlink(missing_ok=True)  # of a machine that did not come up
    options = ["-o", "source=/", "-o", "cache=always", "-o", "sandbox=chroot", "-f"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*_WITH_US, str(_find_virtiofsd()), f"--socket-path={socket}", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        while not socket.exists():
            assert server.poll() is None, log.read_text()
            time.sleep(0.01)
        yield socket
    finally:
        server.kill()
        server.wait()


def _initramfs(kernel: Kernel, work: Path) -> Path:
    tree = work / "initramfs"
    for directory in ("bin", "modules"):
        (tree / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin")
    for number, module in enumerate(kernel.modules(*_BOOT_MODULES)):
        shutil.copy(module, tree / "modules" / f"{number:02}-{module.name}")
    shutil.copy(_HERE / "init.sh", tree / "init")
    (tree / "init").chmod(0o755)
    shutil.copy(_HERE / "session.sh", tree)
    (tree / "kernel").write_text(str(kernel.directory))
    # What has to be where it is, even below a directory that the guest has one of its own of.
    (tree / "places").write_text(f"{ROOT}\n{sys.base_prefix}\n")
    names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
    packed = work / "initramfs.cpio"
    packed.write_bytes(_run("busybox", "cpio", "-o", "-H", "newc", stdin=names.encode(), cwd=tree))
    return packed


def _make_disk(disk: Path, staging: Path, exchange: Path | None, command: str) -> None:
    handed_over = staging / EXCHANGE.name
    handed_over.mkdir(parents=True)
    if exchange is not None:
        _run("cp", "-a", "--sparse=always", f"{exchange}/.", handed_over)
    (handed_over / "command").write_text(command)
    with disk.open("wb") as file:
        file.truncate(_DISK_BYTES)
    _run("mkfs.ext4", "-q", "-F", "-m", "0", "-d", staging, disk)


def _read_disk(disk: Path, work: Path) -> Path:
    """Copy the exchange directory back, without mounting anything."""
    _run("debugfs", "-R", f"rdump /{EXCHANGE.name} {work}", disk)
    return work / EXCHANGE.name


def _run(*command: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> bytes:
    environment = {"PATH": _SEARCH_PATH, "LC_ALL": "C"}
    ended = subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=environment)
    assert ended.returncode == 0, f"{command[0]}: {ended.stderr.decode(errors='replace')}"
    return ended.stdout


def _find_virtiofsd() -> Path | None:
    return next((path for path in _VIRTIOFSD if path.exists()), None)
