"""Keeping a volume from changing while its backing file is copied, whatever it is used for at the moment."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from holdfast.volumes.backend import AttachStage, AttachState
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.freeze import FREEZE_SECONDS, frozen


@contextlib.contextmanager
def at_rest(state: AttachState, *, seconds: float = FREEZE_SECONDS) -> Iterator[Callable[[], None]]:
    """Keep a volume still for the length of a block. The caller holds its lock, so that this state stays.

    A mounted one is frozen; of one that is only attached the device is claimed, so that nobody mounts it, and
    written out. The block is given a function that raises once it is not still any more.

    Args:
        state: what the kernel says about the volume.
        seconds: how long users of a mounted one may have to wait.

    Raises:
        VolumeBusyError: its device is broken, or used by somebody else, or the block took too long.
        UnsupportedError: it is mounted and cannot be frozen.
    """
    if state.stage is AttachStage.BROKEN:
        raise VolumeBusyError("the volume's device is broken; detach it with force first")
    if state.attachment is None or state.attachment.readonly:
        yield _nothing_to_fear
    elif state.mounts:
        with frozen(state.attachment.device, seconds=seconds) as still:
            _write_out(state.attachment.device)
            yield still
    else:
        with _claimed(state.attachment.device) as device:
            os.fsync(device)
            yield _nothing_to_fear


def _write_out(path: str) -> None:
    """Have the layers below a frozen file system keep nothing back that no flush has asked for yet."""
    device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(device)
    finally:
        os.close(device)


def _nothing_to_fear() -> None:
    """Nobody writes to it."""


@contextlib.contextmanager
def _claimed(path: str) -> Iterator[int]:
    try:
        device = os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise VolumeBusyError("the volume's device is in use; let go of it first") from None
        raise
    try:
        yield device
    finally:
        os.close(device)
