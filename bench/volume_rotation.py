"""Giving every volume that uses the cluster-wide key a new version of it, with a death in the middle.

A process of its own moves the volumes, as a node would; it is killed when half of them have moved, and
another one moves the rest. What counts is the time that both worked.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from holdfast.clock import SystemClock
from holdfast.node.access.ownership_note import note_of
from holdfast.node.cluster.locks import VolumeLocks
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.policy.ownership import Ownership
from holdfast.providers.file import FileProvider
from holdfast.storage.factory import open_storage
from holdfast.volumes.key_reference import noted_key
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.luks_read import read_header
from holdfast.volumes.pool import MIN_VOLUME_BYTES, Pool
from holdfast.volumes.sparse_copy import copy_file

GOAL_SECONDS = 0.06  # for each volume: a minute for 1,000

_FIRST_ID = 10**17


@dataclass(frozen=True)
class _Place:
    """Where the volumes and their keys are.

    Attributes:
        directory: everything is below it.
        volumes: how many there are.
    """

    directory: Path
    volumes: int

    @property
    def pool(self) -> Pool:
        return Pool(self.directory / "pool")

    @property
    def keys(self) -> VolumeKeys:
        return VolumeKeys(FileProvider(self.directory / "secrets"))


def measure(volumes: int) -> list[Figure]:
    """Rotate the key of that many volumes."""
    with TemporaryDirectory(prefix="holdfast-bench-") as name:
        place = _Place(Path(name), volumes)
        _make_volumes(place)
        new, key = place.keys.make(_note())
        key.wipe()
        half, rest = _killed_half_way(place, new), _seconds_of_the_rest(place, new)
        _require_moved(place, new)
    each = (half + rest) / volumes * 1e3
    goal = f"under {volumes * GOAL_SECONDS:.1f}"
    return [
        Figure(
            f"a new cluster-wide key for {volumes:,} volumes, killed half-way", "s", half + rest, 0, 0, goal
        ),
        Figure("the same, for each volume", "ms", each, 0, 0, ""),
    ]


def _note() -> KeyNote:
    return KeyNote("file", "cluster", "", None, KeyOrigin.CLUSTER)


def _make_volumes(place: _Place) -> None:
    """Format one volume; the others are copies of it with an identity of their own."""
    note, key = place.keys.make(_note())
    storage = open_storage("file", {"path": str(place.directory / "records")}, clock=SystemClock())
    catalog = Catalog(storage)
    with key:
        first = place.pool.create(str(_FIRST_ID), MIN_VOLUME_BYTES)
        LuksHeader(first).format(key, note.reference())
    for number in range(place.volumes):
        record = _record(number, first.uuid if number == 0 else _uuid(number), note)
        catalog.insert(record)
        if number:
            vol = place.pool.volume(record.id, record.size_bytes, record.uuid)
            _copy(first.path, vol.path)
            LuksHeader(vol).set_identity()
    storage.close()


def _copy(origin: Path, target: Path) -> None:
    with origin.open("rb") as source, target.open("w+b") as copy:
        copy_file(source.fileno(), copy.fileno(), keep_going=lambda: None)


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _record(number: int, uuid: str, note: KeyNote) -> VolumeRecord:
    return VolumeRecord(
        id=str(_FIRST_ID + number),
        name=f"volume-{number}",
        uuid=uuid,
        size_bytes=MIN_VOLUME_BYTES,
        file_system="ext4",
        state=VolumeState.FORMATTED,
        created_at=1_700_000_000,
        stored_ownership=note_of(Ownership(owner="bench")),
        labels={},
        key=note,
    )


def _killed_half_way(place: _Place, note: KeyNote) -> float:
    """Move volumes until half of them have moved, then die; returns the seconds that took."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with _rotation(place) as (catalog, rotation):
                threading.Thread(target=_die_at, args=(rotation, place.volumes // 2), daemon=True).start()
                os.write(writing, b".")
                _move(place, catalog, rotation, note)
        finally:
            os._exit(1)  # it was to be killed before
    os.close(writing)
    os.read(reading, 1)
    before = time.perf_counter()
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - before
    os.close(reading)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the process that was to move half of the volumes failed")
    return seconds


def _die_at(rotation: KeyRotation, moved: int) -> None:
    while rotation.progress.moved < moved:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


def _seconds_of_the_rest(place: _Place, note: KeyNote) -> float:
    with _rotation(place) as (catalog, rotation):
        before = time.perf_counter()
        _move(place, catalog, rotation, note)
        return time.perf_counter() - before


@contextmanager
def _rotation(place: _Place) -> Iterator[tuple[Catalog, KeyRotation]]:
    storage = open_storage("file", {"path": str(place.directory / "records")}, clock=SystemClock())
    catalog = Catalog(storage)
    devices = Devices(pool=place.pool, encrypted=None, plain=None, copier=None)
    yield catalog, KeyRotation(catalog=catalog, devices=devices, keys=place.keys, locks=VolumeLocks(catalog))
    storage.close()


def _move(place: _Place, catalog: Catalog, rotation: KeyRotation, note: KeyNote) -> None:
    """Do what ``hfctl secrets rotate-cluster-key --resume`` asks a node for."""
    behind = [record for record in catalog.enumerate() if record.key != note]
    _, key = place.keys.at(note)
    with key:
        outcomes = rotation.rotate_all(behind, note, key)
    problems = [outcome.problem for outcome in outcomes if not outcome.rotated]
    if problems:
        raise RuntimeError(f"{len(problems)} volumes kept their key: {problems[0]}")


def _require_moved(place: _Place, note: KeyNote) -> None:
    """Look into every header: the new key opens it, and nothing else does."""
    for number in range(place.volumes):
        record = _record(number, _uuid(number), note)
        descriptor = os.open(place.pool.directory / f"{record.id}.img", os.O_RDONLY | os.O_CLOEXEC)
        try:
            header = read_header(descriptor)
        finally:
            os.close(descriptor)
        noted = noted_key(header)
        if noted is None or noted.reference != note.reference() or header.keyslots != noted.slots:
            raise RuntimeError("a volume was left with another key")
