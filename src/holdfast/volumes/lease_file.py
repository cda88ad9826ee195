"""Until when a node may use volumes of a pool that it shares, and which it uses: one file, for its guard.

The node writes it whenever it has renewed its lease, and before and after it takes up a volume. Time is
that of the kernel since it started, which no setting of a clock moves and which goes on while a machine
sleeps.
"""

import os
import threading
import time
from pathlib import Path

import msgspec

from holdfast.volumes.backend import VolumeFile

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LeasedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that the node uses.

    Attributes:
        id: its name within the pool.
        path: its backing file.
        size: in bytes.
        uuid: its identity.
        encrypted: whether it has a header.
        working: whether a request is at work on it, so that the node itself may write to the file.
        sequence: tells its loop device from one made later; 0 while that is not known.
    """

    id: str
    path: str
    size: int
    uuid: str
    encrypted: bool
    working: bool
    sequence: int = 0

    def file(self) -> VolumeFile:
        """Return it in the form that back ends take."""
        return VolumeFile(self.id, Path(self.path), self.size, self.uuid, self.encrypted)


class LeaseState(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says.

    Attributes:
        boot: identity of the kernel's run; a file of an earlier one says nothing.
        deadline: seconds since that start, see ``now``.
        process: the node's process.
        process_started: when that started, so that another with its number is not taken for it.
        volumes: what the node uses.
    """

    boot: str
    deadline: float
    process: int
    process_started: int
    volumes: tuple[LeasedVolume, ...]


def now() -> float:
    """Return the seconds since the kernel started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the identity of this run of the kernel."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def started_at(process: int) -> int:
    """Return when a process started, in clock ticks since the kernel did; 0 if there is none."""
    try:
        line = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return 0
    return int(line.rpartition(b")")[2].split()[19])


def write(path: Path, state: LeaseState) -> None:
    """Replace the file in one step."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(state))
    finally:
        os.close(descriptor)
    draft.replace(path)


def read(path: Path) -> LeaseState | None:
    """Return what the file says; ``None`` if it is not there or from an earlier run of the kernel."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=LeaseState)
    except (OSError, msgspec.MsgspecError):
        return None
    return state if state.boot == boot_id() else None


class LeaseWriter:
    """Keeps the file for the guard; safe for threads.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        before = read(path)
        # Of the process that ran before us: what it used is still used, until somebody has looked.
        self._deadline = before.deadline if before is not None else 0.0
        self._volumes = {volume.id: volume for volume in before.volumes} if before is not None else {}
        self._process = os.getpid()
        self._process_started = started_at(self._process)

    def renew(self, deadline: float) -> None:
        """Note until when the volumes may be used.

        Raises:
            OSError: it could not be written; what was noted before holds.
        """
        with self._lock:
            self._deadline = deadline
            self._write()

    def note(self, vol: VolumeFile, *, working: bool, sequence: int = 0) -> None:
        """Note that a volume is used, before it is; and its device once that is there.

        Raises:
            OSError: it could not be written; the volume must not be used.
        """
        volume = LeasedVolume(
            id=vol.id,
            path=str(vol.path),
            size=vol.size,
            uuid=vol.uuid,
            encrypted=vol.encrypted,
            working=working,
            sequence=sequence,
        )
        with self._lock:
            self._volumes[vol.id] = volume
            self._write()

    def volumes(self) -> tuple[LeasedVolume, ...]:
        """Return what is noted."""
        with self._lock:
            return tuple(self._volumes.values())

    def forget(self, volume_id: str) -> None:
        """Note that a volume is not used any more."""
        with self._lock:
            if self._volumes.pop(volume_id, None) is not None:
                self._write()

    def _write(self) -> None:
        write(
            self.path,
            LeaseState(
                boot=boot_id(),
                deadline=self._deadline,
                process=self._process,
                process_started=self._process_started,
                volumes=tuple(self._volumes.values()),
            ),
        )
