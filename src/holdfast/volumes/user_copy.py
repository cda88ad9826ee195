"""Encrypted volumes without any privilege: the ``user-copy`` back end.

There is no device and no mount. A tree is made into an ext4 file system in memory, which is encrypted
sector by sector into the same LUKS2 file that the other back ends attach, and back. The price: every
copy costs memory for the content and time for the whole volume, and an import makes a sparse file dense.

A volume whose encryption is authenticated is the exception: only the kernel reads and writes it, so its
device is mapped for as long as that takes, which needs what ``dm_crypt`` needs.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.run import ProgramMissingError, find_program
from holdfast.volumes import ext4_image
from holdfast.volumes.backend import Capabilities, VolumeFile
from holdfast.volumes.device_view import DeviceView
from holdfast.volumes.dm_crypt import mapped_for_work, replay_journal
from holdfast.volumes.key_strength import require_usable
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.plain_view import PlainView, open_plain_view

NAME = "user-copy"
_CHUNK_BYTES = 1 << 20


class UserCopyBackend:
    """Copies trees into and out of encrypted volumes."""

    name = NAME

    def probe(self) -> Capabilities:
        """Find out whether the programs are installed; nothing else is needed."""
        try:
            for program in ("cryptsetup", *ext4_image.PROGRAMS):
                find_program(program)
        except ProgramMissingError as error:
            return Capabilities(usable=False, why_not=error.message, attaches=False)
        return Capabilities(usable=True, attaches=False)

    def import_tree(self, vol: VolumeFile, key: SecretBytes, source: Path) -> None:
        """Replace the content of the volume by the tree below ``source``. See ``CopyBackend``.

        An import that is cut short leaves a volume without a file system, never a mixture.
        """
        require_usable(key)
        memory = ext4_image.memory_for(min(ext4_image.tree_bytes(source), vol.size))
        with (
            volume_lock(vol),
            memory,
            _view(vol, key) as view,
            ext4_image.blank_image(view.payload_bytes) as image,
        ):
            ext4_image.fill(image, source)
            _encrypt(image, view)

    def export_tree(self, vol: VolumeFile, key: SecretBytes, destination: Path) -> None:
        """Write the content of the volume into ``destination``. See ``CopyBackend``."""
        require_usable(key)
        memory = ext4_image.memory_for(vol.path.stat().st_blocks * 512)
        with volume_lock(vol), memory, ExitStack() as stack:
            with _view(vol, key, readonly=True) as view:
                image = stack.enter_context(ext4_image.blank_image(view.payload_bytes))
                _decrypt(view, image)
            ext4_image.extract(image, destination)


@contextmanager
def _view(vol: VolumeFile, key: SecretBytes, *, readonly: bool = False) -> Iterator[PlainView | DeviceView]:
    if not vol.integrity:
        plain = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view(), readonly=readonly)
        try:
            yield plain
        finally:
            plain.close()
        return
    if readonly:
        replay_journal(vol, key)
    with mapped_for_work(vol, key, readonly=readonly) as path:
        device = DeviceView(path, readonly=readonly)
        try:
            yield device
        finally:
            device.close()


def _encrypt(image: int, view: PlainView | DeviceView) -> None:
    """Write the whole image, zeros too: ext4 relies on some of them. Its superblock comes last."""
    view.write(0, memoryview(bytearray(_CHUNK_BYTES)))
    view.sync()
    for offset in range(_CHUNK_BYTES, view.payload_bytes, _CHUNK_BYTES):
        view.write(offset, _chunk(image, offset))
    view.sync()
    view.write(0, _chunk(image, 0))
    view.sync()


def _chunk(image: int, offset: int) -> memoryview:
    chunk = bytearray(_CHUNK_BYTES)
    return memoryview(chunk)[: os.preadv(image, [chunk], offset)]


def _decrypt(view: PlainView | DeviceView, image: int) -> None:
    """Fill the image; what was never written, or is zero, stays a hole and takes no memory."""
    zeros = bytes(_CHUNK_BYTES)
    offset = view.next_data(0)
    while offset is not None:
        chunk = view.read(offset, _CHUNK_BYTES)
        if chunk != zeros:
            os.pwrite(image, chunk, offset)
        offset = view.next_data(offset + len(chunk))
