"""What encryption costs the users of volumes: time to mount, speed, and the time that a new key takes.

Each part stands beside what it is to be compared with, in the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bench import volume_io, volume_mounts, volume_rotation
from bench.figure import Figure
from bench.volume_io import Settings, Speed


@dataclass(frozen=True)
class Volumes:
    """Everything that was measured about volumes.

    Attributes:
        figures: comparisons one by one.
        speeds: of every target, in every way.
    """

    figures: list[Figure]
    speeds: list[Speed]


def measure(rounds: int, volumes: int, io: Settings, say: Callable[[str], None]) -> list[Volumes]:
    """Measure it.

    Args:
        rounds: how often volumes are mounted.
        volumes: how many get a new key.
        io: how speeds are measured.
        say: told how far it is.
    """
    mounts = volume_mounts.measure(rounds)
    say("mounts: done")
    rotation = volume_rotation.measure(volumes)
    say("rotation: done")
    return [Volumes([*mounts, *rotation], volume_io.measure(io, say))]
