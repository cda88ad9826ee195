"""One encrypted volume as one plain file: the FUSE requests that a loop device makes of it.

The root of the file system *is* the file, so there are no names, no directories and no other files.
Message layouts are those of ``include/uapi/linux/fuse.h`` at protocol 7.31; integers are native.

What is not done is refused, never feigned. In particular punching holes and zeroing ranges answer
EOPNOTSUPP, upon which the kernel writes zeros itself: success without zeroing would hand a file
system old data where it relies on zeros (what corrupted volumes served by QEMU before 8.0).

A volume may grow while it is served. The kernel remembers for ever how large the file is, so one worker tells
it (``announce_size``), and each looks at the backing file when a request reaches further than it knows.
"""

import contextlib
import errno
import os
import struct

from holdfast.volumes.plain_view import BLOCK_BYTES, PlainView

Reply = bytes | bytearray

MAX_TRANSFER_BYTES = 1 << 20
FILE_MODE = 0o100600

# For ever. Looking at a loop device asks for the attributes of its file: were they not remembered, one
# hung daemon would block whoever looks for any volume, and with them the forced detach that ends it.
_ATTRIBUTES_VALID_SECONDS = 1 << 31

_PROTOCOL = (7, 31)
_ASYNC_READ, _BIG_WRITES, _PARALLEL_DIROPS, _ASYNC_DIO, _MAX_PAGES = 1 << 0, 1 << 5, 1 << 18, 1 << 15, 1 << 22
_INIT_FLAGS = _ASYNC_READ | _BIG_WRITES | _PARALLEL_DIROPS | _ASYNC_DIO | _MAX_PAGES

_WITHOUT_REPLY = frozenset({2, 36, 42})  # FORGET, INTERRUPT, BATCH_FORGET

_IN_HEADER = struct.Struct("=IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_OUT_HEADER = struct.Struct("=IiQ")  # length, negative errno, unique
_INIT_IN = struct.Struct("=IIII")  # major, minor, max_readahead, flags
_INIT_OUT = struct.Struct(
    "=IIIIHHIIHH8I"
)  # ..., max_write, time_gran, max_pages, map_alignment, flags2, unused
_ATTR_OUT = struct.Struct("=QIIQQQQQQIIIIIIIIII")  # validity, then the file's attributes
_OPEN_OUT = struct.Struct("=QII")
_TRANSFER_IN = struct.Struct("=QQII")  # file handle, offset, size, flags
_WRITE_OUT = struct.Struct("=II")
_STATFS_OUT = struct.Struct("=QQQQQIIII24x")
_WRITE_PAYLOAD_AT = 40
_NOTIFY_INVALIDATE, _NOTIFY_STORE = 2, 4
_NOTIFY_INVALIDATE_OUT = struct.Struct("=Qqq")  # node, offset, length
_NOTIFY_STORE_OUT = struct.Struct("=QQII")  # node, offset, size, padding
_ROOT = 1


def serve(channel: int, view: PlainView) -> None:
    """Answer requests from ``channel``, an open ``/dev/fuse``, until the file system is gone."""
    buffer = bytearray(MAX_TRANSFER_BYTES + BLOCK_BYTES)
    message = memoryview(buffer)
    while True:
        try:
            length = os.readv(channel, [buffer])
        except OSError as error:
            if error.errno == errno.ENODEV:  # unmounted, or the connection was aborted
                return
            if error.errno in {errno.ENOENT, errno.EINTR, errno.EAGAIN}:  # the request was taken back
                continue
            raise
        _, opcode, unique, *_ = _IN_HEADER.unpack_from(buffer)
        if opcode in _WITHOUT_REPLY:
            continue
        status: int = 0
        answer: Reply = b""
        try:
            answer = _answer(opcode, message[:length], view)
        except OSError as error:
            status = -(error.errno or errno.EIO)
        try:
            os.writev(channel, [_OUT_HEADER.pack(_OUT_HEADER.size + len(answer), status, unique), answer])
        except OSError as error:
            if error.errno != errno.ENOENT:  # ENOENT: the asking process is gone
                raise


def announce_size(channel: int, view: PlainView) -> None:
    """Tell the kernel that the file is as long as the volume is now. May interrupt ``serve`` anywhere.

    There is no message for that. But the kernel takes the end of data that it is given for its cache for
    the end of the file; so it is given one block, where nobody reads yet, and told to forget it again.
    """
    last = view.take_size() - BLOCK_BYTES
    store = _NOTIFY_STORE_OUT.pack(_ROOT, last, BLOCK_BYTES, 0)
    _notify(channel, _NOTIFY_STORE, store + bytes(BLOCK_BYTES))
    _notify(channel, _NOTIFY_INVALIDATE, _NOTIFY_INVALIDATE_OUT.pack(_ROOT, last, BLOCK_BYTES))


def _notify(channel: int, code: int, body: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):  # the kernel has no such file in memory any more
        os.writev(channel, [_OUT_HEADER.pack(_OUT_HEADER.size + len(body), code, 0), body])


def _answer(opcode: int, message: memoryview, view: PlainView) -> Reply:
    handler = _HANDLERS.get(opcode)
    if handler is None:
        raise OSError(errno.ENOSYS, "not offered")
    return handler(message[_IN_HEADER.size :], view)


def _read(body: memoryview, view: PlainView) -> Reply:
    _, offset, size, _ = _TRANSFER_IN.unpack_from(body)
    if offset + size > view.payload_bytes:
        view.take_size()
    return view.read(offset, min(size, MAX_TRANSFER_BYTES))


def _write(body: memoryview, view: PlainView) -> Reply:
    _, offset, size, _ = _TRANSFER_IN.unpack_from(body)
    if offset + size > view.payload_bytes:
        view.take_size()
    view.write(offset, body[_WRITE_PAYLOAD_AT : _WRITE_PAYLOAD_AT + size])
    return _WRITE_OUT.pack(size, 0)


def _sync(_: memoryview, view: PlainView) -> Reply:
    view.sync()
    return b""


def _refuse_fallocate(_: memoryview, __: PlainView) -> Reply:
    # Not ENOSYS: upon EOPNOTSUPP the kernel falls back to writing zeros.
    raise OSError(errno.EOPNOTSUPP, "not offered")


def _attributes(_: memoryview, view: PlainView) -> Reply:
    size = view.take_size()
    blocks = size // 512
    attributes = (1, size, blocks, 0, 0, 0, 0, 0, 0, FILE_MODE, 1, 0, 0, 0, BLOCK_BYTES, 0)
    return _ATTR_OUT.pack(_ATTRIBUTES_VALID_SECONDS, 0, 0, *attributes)


def _file_system(_: memoryview, view: PlainView) -> Reply:
    blocks = view.payload_bytes // BLOCK_BYTES
    return _STATFS_OUT.pack(blocks, 0, 0, 1, 0, BLOCK_BYTES, 255, BLOCK_BYTES, 0)


def _initialise(body: memoryview, _: PlainView) -> Reply:
    major, _minor, readahead, offered = _INIT_IN.unpack_from(body)
    if major != _PROTOCOL[0]:
        raise OSError(errno.EPROTO, "another major version of the FUSE protocol")
    pages = MAX_TRANSFER_BYTES // BLOCK_BYTES
    flags = offered & _INIT_FLAGS
    return _INIT_OUT.pack(*_PROTOCOL, readahead, flags, 64, 48, MAX_TRANSFER_BYTES, 1, pages, *[0] * 9)


_HANDLERS = {
    3: _attributes,  # GETATTR
    4: _attributes,  # SETATTR: nothing can be changed, the answer shows what stays
    14: lambda _, __: _OPEN_OUT.pack(0, 0, 0),
    15: _read,
    16: _write,
    17: _file_system,  # STATFS
    18: _sync,  # RELEASE
    20: _sync,  # FSYNC
    25: _sync,  # FLUSH
    26: _initialise,
    38: _sync,  # DESTROY
    43: _refuse_fallocate,
}
