"""How long it takes to attach and detach a volume, encrypted and not, through the back ends that nodes use.

The key is random, as keys from a store are, so that the header needs no slow derivation. Each round
attaches the encrypted volume and the plain one in turn, and reads the first block of each.
"""

import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from holdfast.model import SecretBytes
from holdfast.volumes.backend import VolumeBackend, VolumeFile
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.plain import PlainBackend
from holdfast.volumes.pool import Pool

VOLUME_BYTES = 64 << 20
_BLOCK_BYTES = 4096


@dataclass(frozen=True)
class Timing:
    """How long one kind of volume took.

    Attributes:
        name: the back end.
        attach_ms: median of all rounds.
        slowest_attach_ms: the slowest round.
        detach_ms: median of all rounds.
    """

    name: str
    attach_ms: float
    slowest_attach_ms: float
    detach_ms: float


def measure(rounds: int) -> list[Timing]:
    """Attach and detach ``rounds`` times.

    Raises:
        SystemExit: this host does not let us attach volumes.
    """
    with TemporaryDirectory(prefix="holdfast-bench-") as directory:
        encrypting = LuksFuseBackend(Path(directory) / "attach")
        capabilities = encrypting.probe()
        if not capabilities.usable:
            raise SystemExit(f"volumes cannot be attached here: {capabilities.why_not}")
        pool = Pool(Path(directory) / "pool")
        key = SecretBytes(base64.b64encode(os.urandom(32)))
        encrypted = pool.create("encrypted", VOLUME_BYTES)
        LuksHeader(encrypted).format(key, KeyReference("file", "bench"))
        plain = pool.create("plain", VOLUME_BYTES, encrypted=False)
        cases: list[tuple[VolumeBackend, VolumeFile, SecretBytes | None]] = [
            (encrypting, encrypted, key),
            (PlainBackend(), plain, None),
        ]
        seconds: dict[str, list[tuple[float, float]]] = {backend.name: [] for backend, *_ in cases}
        for _ in range(rounds):
            for backend, vol, opened_by in cases:
                seconds[backend.name].append(_attach_and_detach(backend, vol, opened_by))
    return [summarise(name, rows) for name, rows in seconds.items()]


def summarise(name: str, rows: list[tuple[float, float]]) -> Timing:
    """Reduce the rounds of one back end, given as seconds to attach and to detach."""
    attach_ms = [attach * 1e3 for attach, _ in rows]
    return Timing(name, median(attach_ms), max(attach_ms), median(detach * 1e3 for _, detach in rows))


def _attach_and_detach(
    backend: VolumeBackend, vol: VolumeFile, key: SecretBytes | None
) -> tuple[float, float]:
    try:
        attach = _seconds(lambda: _read_first_block(backend.attach(vol, key).device))
        return attach, _seconds(lambda: backend.detach(vol))
    except BaseException:
        backend.detach(vol, force=True)
        raise


def _read_first_block(device: str) -> None:
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.read(descriptor, _BLOCK_BYTES)
    finally:
        os.close(descriptor)


def _seconds(step: Callable[[], None]) -> float:
    before = time.perf_counter()
    step()
    return time.perf_counter() - before
