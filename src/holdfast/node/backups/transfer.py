"""The way of a backing file into a bucket, and back: in pages of chunks, a few at a time, in bounded memory.

What is in the bucket already is not sent again: the objects themselves tell how far an upload came, so one
that was cut short, wherever that was, goes on by being started again. What comes back is believed only once
its seal and its id were right.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from holdfast.client.s3_objects import S3Objects
from holdfast.crypto.aead import OVERHEAD_BYTES
from holdfast.errors import UnsupportedError
from holdfast.node.backups.format import (
    CHUNK_BYTES,
    MAX_FILE_BYTES,
    MAX_PAGE_BYTES,
    PAGE_CHUNKS,
    DamagedBackupError,
    Manifest,
    SetKeys,
    SetPlace,
    decode_page,
    encode_page,
)
from holdfast.volumes.sparse_copy import written

AT_ONCE = 4  # requests under way; each holds one chunk
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a backup holds, and what of it was new.

    Attributes:
        pages: as the manifest tells them.
        stored_bytes: all of it.
        uploaded_bytes: what was sent.
        chunks_sent: in how many chunks.
    """

    pages: list[tuple[int, str, int]]
    stored_bytes: int
    uploaded_bytes: int
    chunks_sent: int


class Transfer:
    """Moves one set's chunks.

    Args:
        objects: the bucket.
        place: the set.
        keys: of the set.
        advance: told of each chunk's bytes, whether they had to be moved or not; what it raises ends it all.
    """

    def __init__(self, objects: S3Objects, place: SetPlace, keys: SetKeys, advance: Advance) -> None:
        self._objects = objects
        self._place = place
        self._keys = keys
        self._advance = advance

    def upload(self, path: Path, size: int) -> Uploaded:
        """Bring the first ``size`` bytes of a file into the bucket, which nobody writes meanwhile."""
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if size > MAX_FILE_BYTES:
                raise UnsupportedError(f"size: volumes over {MAX_FILE_BYTES >> 40} TiB are not backed up")
            pages: list[tuple[int, str, int]] = []
            stored = sent = chunks_sent = 0
            with ThreadPoolExecutor(AT_ONCE, "backup") as pool:
                for number, indexes in groupby(chunks_of(file, size), lambda index: index // PAGE_CHUNKS):
                    there = {
                        (listed.name, listed.size)
                        for listed in self._objects.list(self._place.chunks(number))
                    }
                    entries: dict[int, bytes] = {}
                    sending: deque[Future[None]] = deque()
                    for index in indexes:
                        offset = index * CHUNK_BYTES
                        content = os.pread(file, min(CHUNK_BYTES, size - offset), offset)
                        self._advance(len(content))
                        if not content.strip(b"\0"):
                            continue
                        entries[index % PAGE_CHUNKS] = identity = self._keys.chunk_id(index, content)
                        stored += len(content)
                        name = self._place.chunks(number) + identity.hex()
                        if (name, len(content) + OVERHEAD_BYTES) not in there:
                            sent, chunks_sent = sent + len(content), chunks_sent + 1
                            sending.append(pool.submit(self._send, name, content))
                            if len(sending) >= AT_ONCE:
                                sending.popleft().result()
                    for future in sending:
                        future.result()
                    if entries:
                        pages.append((number, self._put_page(number, entries), len(entries)))
        finally:
            os.close(file)
        return Uploaded(pages, stored, sent, chunks_sent)

    def download(self, manifest: Manifest, path: Path) -> None:
        """Fill an empty file with what a backup holds; whatever is not in it is a hole.

        Raises:
            DamagedBackupError: something is missing, or is not what was stored.
        """
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(file, manifest.file_bytes)
            for index, content in self._chunks(manifest):
                rest, offset = memoryview(content), index * CHUNK_BYTES
                while rest:
                    done = os.pwrite(file, rest, offset)
                    rest, offset = rest[done:], offset + done
            os.fsync(file)
        finally:
            os.close(file)

    def verify(self, manifest: Manifest) -> None:
        """Read everything that a backup holds, and throw it away; raises as ``download``."""
        for _ in self._chunks(manifest):
            pass

    def _chunks(self, manifest: Manifest) -> Iterator[tuple[int, bytes]]:
        count = -(-manifest.file_bytes // CHUNK_BYTES)
        seen = -1
        with ThreadPoolExecutor(AT_ONCE, "backup") as pool:
            for number, page_id, length in manifest.pages:
                if number <= seen or number * PAGE_CHUNKS >= count:
                    raise DamagedBackupError("the manifest's pages are not in order")
                seen = number
                entries = self._page(number, page_id)
                if len(entries) != length:
                    raise DamagedBackupError("a page of the backup holds more or less than it should")
                coming: deque[tuple[int, Future[bytes]]] = deque()
                for position, identity in sorted(entries.items()):
                    index = number * PAGE_CHUNKS + position
                    if position >= PAGE_CHUNKS or index >= count:
                        raise DamagedBackupError("a page of the backup reaches beyond the volume")
                    size = min(CHUNK_BYTES, manifest.file_bytes - index * CHUNK_BYTES)
                    coming.append((index, pool.submit(self._fetch, index, identity, size)))
                    if len(coming) >= AT_ONCE:
                        yield self._arrived(*coming.popleft())
                while coming:
                    yield self._arrived(*coming.popleft())

    def _arrived(self, index: int, future: "Future[bytes]") -> tuple[int, bytes]:
        content = future.result()
        self._advance(len(content))
        return index, content

    def _send(self, name: str, content: bytes) -> None:
        self._objects.put(name, self._keys.seal(name, content))

    def _fetch(self, index: int, identity: bytes, size: int) -> bytes:
        name = self._place.chunks(index // PAGE_CHUNKS) + identity.hex()
        sealed = self._objects.get(name, max_bytes=size + OVERHEAD_BYTES)
        content = self._keys.open(name, sealed)
        if len(content) != size or self._keys.chunk_id(index, content) != identity:
            raise DamagedBackupError("a chunk of the backup is not what was stored")
        return content

    def _put_page(self, number: int, entries: dict[int, bytes]) -> str:
        content = encode_page(entries)
        identity = self._keys.page_id(number, content).hex()
        name = self._place.pages(number) + identity
        self._objects.put(name, self._keys.seal(name, content))
        return identity

    def _page(self, number: int, identity: str) -> dict[int, bytes]:
        name = self._place.pages(number) + identity
        content = self._keys.open(name, self._objects.get(name, max_bytes=MAX_PAGE_BYTES))
        return decode_page(content)


def chunks_of(file: int, size: int) -> Iterator[int]:
    """Yield the numbers of the chunks in which a file has more than holes."""
    last = -1
    for offset, length in written(file, size):
        for index in range(max(offset // CHUNK_BYTES, last + 1), -(-(offset + length) // CHUNK_BYTES)):
            yield index
            last = index


def bytes_to_move(path: Path, size: int) -> int:
    """Return how much of the first ``size`` bytes of a file an upload looks at."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return sum(min(CHUNK_BYTES, size - index * CHUNK_BYTES) for index in chunks_of(file, size))
    finally:
        os.close(file)


def remove_all(objects: S3Objects, prefixes: Sequence[str]) -> int:
    """Remove every object below some prefixes; return how many there were."""
    removed = 0
    for prefix in prefixes:
        batch: list[str] = []
        for listed in objects.list(prefix):
            batch.append(listed.name)
            if len(batch) >= PAGE_CHUNKS:
                objects.delete(batch)
                removed, batch = removed + len(batch), []
        objects.delete(batch)
        removed += len(batch)
    return removed
