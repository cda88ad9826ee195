"""Until when a node may use volumes of a pool that it shares, and which it uses: one file, for its guard.

The node writes it whenever it has renewed its lease, and before and after it takes up a volume. Time is
that of the kernel since it started, which no setting of a clock moves and which goes on while a machine
sleeps.
"""

import os
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
    """

    id: str
    path: str
    size: int
    uuid: str
    encrypted: bool
    working: bool

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
