"""The process behind an attached volume.

    python -m holdfast.volumes.fuse_daemon UUID IMAGE FILE BYTES rw|ro

The key arrives on standard input. The process opens the volume, mounts its plain text as FILE, leaves
workers behind that serve it and ends with status 0; from then on FILE may be used. On failure it
ends with status 1 and ``<error class>: <text>`` on standard error, and nothing is left behind.

The workers end when FILE is unmounted and no longer open. They share one session, whose command line
names the volume's UUID (never a key), which is how they are found again. On ``GROW_SIGNAL`` a worker tells
the kernel that the backing file, and so FILE, has become longer.

Every process keeps its memory out of swap and core dumps, and out of reach of debuggers.
"""

import contextlib
import fcntl
import os
import resource
import signal
import sys

from holdfast.errors import HoldfastError
from holdfast.volumes import syscalls
from holdfast.volumes.fuse_serve import FILE_MODE, MAX_TRANSFER_BYTES, announce_size, serve
from holdfast.volumes.plain_view import PlainView, open_plain_view

WORKERS = 2
GROW_SIGNAL = signal.SIGUSR1
MAX_KEY_BYTES = 4096
_FUSE_DEV_IOC_CLONE = 0x8004E500


def main(arguments: list[str]) -> int:
    """Serve one volume; returns the exit status of the starting process."""
    uuid, image, file, payload_bytes, mode = arguments
    _keep_memory_private()
    key = bytearray(MAX_KEY_BYTES + 1)
    try:
        length = _read_all(0, key)
        view = open_plain_view(
            image, uuid, int(payload_bytes), memoryview(key)[:length], readonly=mode == "ro"
        )
    except HoldfastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error.message}\n")
        return 1
    finally:
        key[:] = bytes(len(key))
    channel = _mount(file)
    for _ in range(WORKERS):
        if os.fork() == 0:
            _work(channel, view)
    return 0


def _keep_memory_private() -> None:
    # What process.hardening does for the other daemons, without the imports that would double our start.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    with contextlib.suppress(OSError):  # needs CAP_IPC_LOCK, which some containers withhold
        syscalls.lock_memory()


def _read_all(descriptor: int, buffer: bytearray) -> int:
    length = 0
    while count := os.readv(descriptor, [memoryview(buffer)[length:]]):
        length += count
    return length


def _mount(file: str) -> int:
    channel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={channel},rootmode={FILE_MODE:o},user_id=0,group_id=0,max_read={MAX_TRANSFER_BYTES}"
    syscalls.mount("holdfast", file, "fuse", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)
    return channel


def _work(channel: int, view: PlainView) -> None:
    """Serve until the file is gone, then end this process without running anybody else's clean-up."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        _keep_memory_private()
        _survive_memory_pressure()
        own_channel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(own_channel, _FUSE_DEV_IOC_CLONE, channel.to_bytes(4, sys.byteorder))
        os.close(channel)
        signal.signal(GROW_SIGNAL, lambda *_: announce_size(own_channel, view))
        serve(own_channel, view)
        status = 0
    finally:
        os._exit(status)


def _survive_memory_pressure() -> None:
    # Freeing memory may need this process to write pages back: it must neither be chosen as the victim
    # nor wait for itself. Both need capabilities that a container may lack; without them it only gets worse.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
        score.write("-1000")
    with contextlib.suppress(OSError):
        syscalls.prctl(syscalls.PR_SET_IO_FLUSHER, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
