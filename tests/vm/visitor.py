"""A volume that travels: made where there is no device-mapper, then changed where there is one."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.model import SecretBytes
from holdfast.volumes import filesystem
from holdfast.volumes.backend import VolumeBackend
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.pool import Pool

_SIZE = 16 << 20
_KEY = b"both ends know this key: it guards nothing but the content of this test"
_SIZES = (0, 1, 4095, 4096, 4097, 1_000_003)


def create(directory: Path, backend: VolumeBackend) -> None:
    """Make the volume in ``directory`` and write its first files."""
    identity = str(uuid.uuid4())
    vol = Pool(directory).create("visitor", _SIZE, uuid=identity)
    (directory / "uuid").write_text(identity)
    LuksHeader(vol).format(SecretBytes(_KEY), KeyReference("file", "visitor"))
    device = backend.attach(vol, SecretBytes(_KEY)).device
    filesystem.make(device)
    backend.detach(vol)
    write(directory, backend, "home")


def write(directory: Path, backend: VolumeBackend, place: str) -> None:
    """Write the files of a place."""
    with _mounted(directory, backend) as tree:
        for size in _SIZES:
            (tree / f"{place}-{size}").write_bytes(_content(place, size))


def check(directory: Path, backend: VolumeBackend, places: set[str]) -> None:
    """Prove that the volume holds the files of these places, and nothing else, undamaged."""
    with _mounted(directory, backend) as tree:
        found = {path.name: path.read_bytes() for path in tree.iterdir() if path.is_file()}
    assert found == {f"{place}-{size}": _content(place, size) for place in places for size in _SIZES}


@contextmanager
def _mounted(directory: Path, backend: VolumeBackend) -> Iterator[Path]:
    vol = Pool(directory).volume("visitor", _SIZE, (directory / "uuid").read_text())
    tree = directory / "tree"
    tree.mkdir(exist_ok=True)
    device = backend.attach(vol, SecretBytes(_KEY)).device
    try:
        filesystem.check(device)
        filesystem.mount(device, tree)
        yield tree
        filesystem.unmount(tree)
        filesystem.check(device)
    finally:
        backend.detach(vol, force=True)


def _content(place: str, size: int) -> bytes:
    return hashlib.shake_256(f"{place} {size}".encode()).digest(size)
