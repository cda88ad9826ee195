"""Throughput of volumes, by fio: each back end that works here, a file of the same file system, and QEMU.

    file            a file, read and written through the page cache of its file system
    file, direct    the same file past that cache
    plain, luks-fuse, dm-crypt    the block device of a volume, whose backing file lies beside that file
    cryptsetup      where dm-crypt works: a mapping as anybody makes it by hand, `cryptsetup open` of a file
    qemu-nbd        QEMU's own LUKS: qemu-nbd, of which nbdfuse makes a file, and a loop device on that
    qemu-nbd, bare  the same qemu-nbd, with fio as its client: no kernel in between

Devices are opened past their cache, so that every request reaches the back end. What lies below a back end
that reads its backing file by itself is cached by the kernel, as with a file.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.volume_bed import Bed, Kind
from holdfast.volumes import dm_crypt

PACKAGES = {"fio": "fio", "qemu-nbd": "qemu-utils", "qemu-img": "qemu-utils", "nbdfuse": "libnbd-bin"}
FILE, DIRECT, CRYPTSETUP, NBD = "file", "file, direct", "cryptsetup", "qemu-nbd"

_WAIT_SECONDS = 20.0
_ENGINE = ("--ioengine=libaio",)


@dataclass(frozen=True)
class Pattern:
    """A way to read or write.

    Attributes:
        name: for people.
        options: of fio.
        is_throughput: whether bytes count, and not requests.
    """

    name: str
    options: tuple[str, ...]
    is_throughput: bool = False


PATTERNS = (
    Pattern("1 MiB write", ("--rw=write", "--bs=1M", "--iodepth=8"), is_throughput=True),
    Pattern("1 MiB read", ("--rw=read", "--bs=1M", "--iodepth=8"), is_throughput=True),
    Pattern("4k random read, 1 at once", ("--rw=randread", "--bs=4k", "--iodepth=1")),
    Pattern("4k random read, 16 at once", ("--rw=randread", "--bs=4k", "--iodepth=16")),
    Pattern("4k random write, 1 at once", ("--rw=randwrite", "--bs=4k", "--iodepth=1")),
    Pattern("4k random write, 16 at once", ("--rw=randwrite", "--bs=4k", "--iodepth=16")),
)


@dataclass(frozen=True)
class Speed:
    """How fast one target was, in one way.

    Attributes:
        target: what was read or written.
        pattern: how.
        rate: MB or requests per second, median of the rounds.
        of_file: beside the file.
        of_direct: beside the file past the cache.
        of_cryptsetup: beside a mapping made by hand; 0 where there is no dm-crypt.
        of_nbd: beside ``qemu-nbd``; 0 if that is not installed.
    """

    target: str
    pattern: Pattern
    rate: float
    of_file: float
    of_direct: float
    of_cryptsetup: float
    of_nbd: float


@dataclass(frozen=True)
class Target:
    """What fio is to work on.

    Attributes:
        name: for people.
        options: of fio.
    """

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes:
        rounds: how often.
        seconds: of one run of fio.
        size: of each target, in bytes.
        with_qemu: whether QEMU is to stand beside.
    """

    rounds: int
    seconds: int
    size: int
    with_qemu: bool


def measure(settings: Settings, say: Callable[[str], None]) -> list[Speed]:
    """Measure every target in every way, pattern by pattern."""
    missing = {PACKAGES[name] for name in PACKAGES if shutil.which(name) is None}
    if "fio" in missing:
        raise SystemExit("fio is missing: apt-get install -y fio")
    if missing and settings.with_qemu:
        say(f"without QEMU beside; install {', '.join(sorted(missing))}")
    with TemporaryDirectory(prefix="holdfast-bench-") as name, ExitStack() as closing:
        bed = Bed(Path(name))
        targets = [
            *_files(bed, settings.size),
            *(_device(kind, closing, settings.size) for kind in _kinds(bed, settings.size)),
        ]
        if any(backend.name == dm_crypt.NAME for backend in bed.encrypting()):
            targets.append(_by_hand(bed.directory, closing, settings.size))
        if settings.with_qemu and not missing:
            targets += closing.enter_context(_qemu(bed.directory, settings.size))
        rates = {pattern: _rates(pattern, targets, settings, say) for pattern in PATTERNS}
    return [speed for pattern in PATTERNS for speed in _speeds(pattern, targets, rates[pattern])]


def _rates(
    pattern: Pattern, targets: Sequence[Target], settings: Settings, say: Callable[[str], None]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(settings.rounds):
        for target in targets if number % 2 == 0 else reversed(targets):
            found[target.name].append(_fio(target, pattern, settings))
    say(f"{pattern.name}: done")
    return found


def _speeds(pattern: Pattern, targets: Sequence[Target], rates: dict[str, list[float]]) -> Iterator[Speed]:
    for target in targets:
        ours = rates[target.name]
        ratios = [
            median(one / other for one, other in zip(ours, rates[beside], strict=True))
            if beside in rates
            else 0
            for beside in (FILE, DIRECT, CRYPTSETUP, NBD)
        ]
        yield Speed(target.name, pattern, median(ours), *ratios)


def _fio(target: Target, pattern: Pattern, settings: Settings) -> float:
    told = subprocess.run(
        [
            *("fio", "--name=bench", "--output-format=json", f"--size={settings.size}", "--time_based"),
            *(f"--runtime={settings.seconds}", "--randrepeat=1", *pattern.options, *target.options),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=settings.seconds + 60,
    ).stdout
    (job,) = json.loads(told[told.index(b"{") :])["jobs"]
    found = job["read" if "read" in pattern.options[0] else "write"]
    return float(found["bw_bytes"]) / 1e6 if pattern.is_throughput else float(found["iops"])


def _files(bed: Bed, size: int) -> Iterator[Target]:
    path = bed.directory / "file"
    _fill(path, size)
    yield Target(FILE, (*_ENGINE, f"--filename={path}", "--direct=0", "--invalidate=0"))
    yield Target(DIRECT, (*_ENGINE, f"--filename={path}", "--direct=1"))


def _kinds(bed: Bed, size: int) -> Iterator[Kind]:
    yield bed.plain(size)
    for backend in bed.encrypting():
        yield bed.encrypted(size, backend)


def _device(kind: Kind, closing: ExitStack, size: int) -> Target:
    closing.callback(kind.detach, force=True)
    device = kind.attach()
    _fill(Path(device), size)
    return _on_device(kind.name, device)


def _on_device(name: str, device: str) -> Target:
    return Target(name, (*_ENGINE, f"--filename={device}", "--direct=1"))


def _by_hand(directory: Path, closing: ExitStack, size: int) -> Target:
    image, key = directory / "by-hand.img", directory / "by-hand.key"
    name = f"bench-{directory.name}"
    key.write_text("it guards nothing but a benchmark")
    with image.open("wb") as file:
        file.truncate(size + (16 << 20))  # the header that cryptsetup makes unless told otherwise
    fast = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    _run("cryptsetup", "-q", "luksFormat", "--type", "luks2", *fast, "--key-file", key, image)
    _run("cryptsetup", "-q", "open", "--key-file", key, image, name)
    closing.callback(_run, "cryptsetup", "-q", "close", name)
    device = f"/dev/mapper/{name}"
    _fill(Path(device), size)
    return _on_device(CRYPTSETUP, device)


@contextmanager
def _qemu(directory: Path, size: int) -> Iterator[list[Target]]:
    image, key, socket = directory / "qemu.luks", directory / "qemu.key", directory / "qemu.sock"
    mounted = directory / "nbdfuse"
    key.write_text("it guards nothing but a benchmark")
    mounted.mkdir()
    secret = ("--object", f"secret,id=key,file={key}")
    options = ("-o", "key-secret=key,iter-time=10")
    _run("qemu-img", "create", "-q", *secret, "-f", "luks", *options, image, str(size))
    with ExitStack() as closing:
        _serve(
            closing,
            *("qemu-nbd", *secret, "--persistent", "--shared=8", "--cache=writeback", "-k", socket),
            *("--image-opts", f"driver=luks,key-secret=key,file.driver=file,file.filename={image}"),
            ready=socket.exists,
        )
        _serve(closing, "nbdfuse", mounted, "--unix", socket, ready=(mounted / "nbd").exists)
        closing.callback(_run, "umount", mounted)
        told = _run("losetup", "--find", "--show", "--direct-io=on", "--sector-size=4096", mounted / "nbd")
        device = told.decode().strip()
        closing.callback(_run, "losetup", "--detach", device)
        _fill(Path(device), size)
        uri = f"--uri=nbd+unix:///?socket={socket}"
        yield [_on_device(NBD, device), Target(f"{NBD}, bare", ("--ioengine=nbd", uri))]


def _serve(closing: ExitStack, *command: str | Path, ready: Callable[[], bool]) -> None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    closing.callback(_end, process)
    deadline = time.monotonic() + _WAIT_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} does not serve")
        time.sleep(0.01)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_WAIT_SECONDS)
    process.kill()
    process.wait()


def _fill(path: Path, size: int) -> None:
    """Write everything once, so that no target has the advantage of blocks that were never written."""
    with path.open("r+b" if path.exists() else "wb") as file:
        for _ in range(size >> 20):
            file.write(b"\xa5" * (1 << 20))
        file.flush()


def _run(*command: str | Path) -> bytes:
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
