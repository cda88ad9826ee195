"""What encryption adds to making a volume usable: attach and mount, with a random key beside without any.

The key is random, as keys from a store are, so that the header needs no slow derivation: see
``holdfast.volumes.key_strength``.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.volume_bed import Bed
from holdfast.volumes import filesystem

VOLUME_BYTES = 64 << 20


def measure(rounds: int) -> list[Figure]:
    """Attach and mount, then unmount and detach, each kind of volume in turn."""
    seconds: dict[str, list[tuple[float, float]]] = {}
    with TemporaryDirectory(prefix="holdfast-bench-") as name:
        bed = Bed(Path(name))
        kinds = [bed.encrypted(VOLUME_BYTES), bed.plain(VOLUME_BYTES)]
        for kind in kinds:
            kind.make_file_system()
        for _ in range(rounds):
            for kind in kinds:
                try:
                    to_use = _seconds(lambda: filesystem.mount(kind.attach(), bed.target))  # noqa: B023 - run at once
                    to_end = _seconds(lambda: (filesystem.unmount(bed.target), kind.detach()))  # noqa: B023
                except BaseException:
                    kind.detach(force=True)
                    raise
                seconds.setdefault(kind.name, []).append((to_use, to_end))
    (encrypting, encrypted), (_, plain) = seconds.items()
    return [
        _figure(f"attach and mount by {encrypting}, beside plain", encrypted, plain, 0, "150 ms beyond"),
        _figure("unmount and detach", encrypted, plain, 1, ""),
    ]


def _figure(
    what: str, ours: list[tuple[float, float]], beside: list[tuple[float, float]], step: int, goal: str
) -> Figure:
    one, other = (median(row[step] for row in rows) * 1e3 for rows in (ours, beside))
    if goal:
        what = f"{what}: {one - other:+.0f} ms"
    return Figure(what, "ms", one, other, one / other, goal)


def _seconds(step: Callable[[], object]) -> float:
    before = time.perf_counter()
    step()
    return time.perf_counter() - before
