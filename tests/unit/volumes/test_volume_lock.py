"""One holder at a time, and none after death."""

import os
import signal
import threading

import pytest

from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.lock import lock_path, volume_lock


def test_second_holder_waits_and_is_refused(pool):
    volume = pool.create("v", 4 << 20)
    with volume_lock(volume), pytest.raises(VolumeBusyError), volume_lock(volume, timeout_seconds=0.05):
        pass


def test_second_holder_waits_and_gets_it(pool):
    volume, order = pool.create("v", 4 << 20), []

    def second():
        with volume_lock(volume):
            order.append("second")

    thread = threading.Thread(target=second)
    with volume_lock(volume):
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_other_volumes_are_free(pool):
    one, two = pool.create("v", 4 << 20), pool.create("w", 4 << 20)
    with volume_lock(one), volume_lock(two, timeout_seconds=0):
        pass


def test_lock_goes_with_its_holder(pool):
    volume = pool.create("v", 4 << 20)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with volume_lock(volume):
            os.write(tell, b"held")
            signal.pause()
    os.read(told, 4)
    with pytest.raises(VolumeBusyError), volume_lock(volume, timeout_seconds=0):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with volume_lock(volume, timeout_seconds=0):
        pass
    os.close(told)
    os.close(tell)


def test_link_in_place_of_the_lock_is_not_followed(pool, tmp_path):
    volume = pool.create("v", 4 << 20)
    lock_path(volume.path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), volume_lock(volume):
        pass
    assert not (tmp_path / "elsewhere").exists()
