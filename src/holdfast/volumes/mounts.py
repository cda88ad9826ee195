"""What is mounted where, read from the kernel (proc(5), ``/proc/<pid>/mountinfo``).

Only mounts of our own mount namespace are seen; a container that bound the device elsewhere is not.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount.

    Attributes:
        device: ``major:minor`` of the file system's device.
        target: where it is mounted.
        kind: the type of the file system.
        readonly: whether this mount refuses writes.
    """

    device: str
    target: Path
    kind: str
    readonly: bool


def all_mounts() -> list[Mount]:
    """Return every mount that this process sees, oldest first."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return [_parse(line) for line in text.splitlines()]


def mounts_of(device: str) -> list[Mount]:
    """Return the mounts of a block device, oldest first; none if the device is gone."""
    try:
        number = Path(device).stat().st_rdev
    except FileNotFoundError:
        return []
    name = f"{os.major(number)}:{os.minor(number)}"
    return [mount for mount in all_mounts() if mount.device == name]


def mount_at(target: Path) -> Mount | None:
    """Return what is mounted last on ``target``."""
    return next((mount for mount in reversed(all_mounts()) if mount.target == target), None)


def _parse(line: str) -> Mount:
    fields = line.split(" ")
    kind = fields[fields.index("-", 6) + 1]
    target = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
    return Mount(fields[2], Path(target), kind, "ro" in fields[5].split(","))
