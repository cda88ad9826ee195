"""Keeping a mounted file system still while its device is copied.

A frozen file system has written out everything, and lets writers wait. Three things bound that: whoever
froze it thaws it; a process of its own (``freezer``) does when that one dies or takes too long; and a node
that starts thaws every volume that it finds mounted, should both have died.
"""

import contextlib
import errno
import fcntl
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from holdfast.errors import UnsupportedError
from holdfast.process.run import SEARCH_PATH
from holdfast.volumes.errors import AttachFailedError, VolumeBusyError
from holdfast.volumes.freezer import FITHAW, FROZEN
from holdfast.volumes.mounts import mounts_of

FREEZE_SECONDS = 20.0
_ANSWER_SECONDS = 60.0  # freezing writes out what is dirty first
_END_SECONDS = 10.0
_TOO_LONG = (
    "the volume is mounted, and copying it takes longer than it may be frozen; unmount it first, or keep the "
    "pool on XFS or btrfs, where a copy takes a moment"
)


@contextlib.contextmanager
def frozen(device: str, *, seconds: float = FREEZE_SECONDS) -> Iterator[Callable[[], None]]:
    """Freeze the file system on a mounted device for the length of a block.

    The block is given a function that raises as soon as the file system is not frozen any more. It is
    called once more at the end: a block that was left without an error was frozen throughout.

    Raises:
        VolumeBusyError: somebody else froze it, or the block took longer than ``seconds``.
        UnsupportedError: its file system cannot be frozen.
        AttachFailedError: the kernel refused for another reason.
    """
    directory = _open_mount(device)
    freezer = _Freezer(directory, seconds)
    ended: int | None = None
    try:
        freezer.await_frozen()
        try:
            yield freezer.check
        finally:
            ended = freezer.let_go()
            if ended != 0:  # it cannot have thawed anything, if it was killed
                thaw(directory)
        if ended != 0:
            raise VolumeBusyError(_TOO_LONG)
    finally:
        if ended is None:
            freezer.let_go()
        os.close(directory)


def thaw(directory: int) -> bool:
    """Thaw the file system of an open directory; returns whether it had been frozen."""
    try:
        fcntl.ioctl(directory, FITHAW, 0)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTTY, errno.EPERM}:
            return False
        raise
    return True


def thaw_device(device: str) -> bool:
    """Thaw what is mounted of a device, wherever a crash left it frozen; returns whether it was."""
    with contextlib.suppress(VolumeBusyError):
        directory = _open_mount(device)
        try:
            return thaw(directory)
        finally:
            os.close(directory)
    return False


def _open_mount(device: str) -> int:
    number = Path(device).stat().st_rdev
    for mount in mounts_of(device):
        with contextlib.suppress(OSError):
            # Another mount may lie over this one, so what was opened is looked at.
            directory = os.open(mount.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if os.fstat(directory).st_dev == number:
                return directory
            os.close(directory)
    raise VolumeBusyError("the volume is mounted where this node cannot reach it; unmount it first")


class _Freezer:
    """The process that freezes and thaws; started at once.

    Args:
        directory: an open directory of the file system.
        seconds: how long it may stay frozen.
    """

    def __init__(self, directory: int, seconds: float) -> None:
        held, self._hold = os.pipe()
        self._answer, answering = os.pipe()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "holdfast.volumes.freezer", str(directory), str(seconds)],
                stdin=held,
                stdout=answering,
                stderr=subprocess.DEVNULL,
                env={"LC_ALL": "C", "PATH": SEARCH_PATH},
                pass_fds=(directory,),
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(held)
            os.close(answering)

    def await_frozen(self) -> None:
        """Return once it is frozen, or raise what the kernel said."""
        readable, _, _ = select.select([self._answer], [], [], _ANSWER_SECONDS)
        if not readable:
            raise VolumeBusyError("the volume did not come to rest; its device may hang")
        answer = os.read(self._answer, 64)
        if answer == FROZEN:
            return
        number = int(answer) if answer.strip().isdigit() else errno.EIO
        if number == errno.EBUSY:
            raise VolumeBusyError("the volume's file system is frozen by somebody else")
        if number in {errno.EOPNOTSUPP, errno.ENOTTY}:
            raise UnsupportedError("the volume's file system cannot be frozen; unmount it first")
        raise AttachFailedError(f"the kernel refused to freeze the volume: {os.strerror(number)}")

    def check(self) -> None:
        """Raise once it is not frozen any more."""
        if self._child.poll() is not None:
            raise VolumeBusyError(_TOO_LONG)

    def let_go(self) -> int:
        """Let it thaw and end; returns its status.

        A process that hangs is left alone: killed in the middle of freezing it could not thaw any more.
        """
        os.close(self._hold)
        os.close(self._answer)
        try:
            return self._child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return -1
