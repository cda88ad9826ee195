"""One store to a data directory, until the last of its processes is gone."""

import os
import signal
from pathlib import Path

import pytest

from holdfast.errors import ConflictError
from holdfast.server import data_lock
from holdfast.server.data_lock import DataLock


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(data_lock, "PATIENCE_SECONDS", 0.1)


def test_a_second_store_is_refused_while_the_first_has_the_directory(tmp_path):
    with (
        DataLock(str(tmp_path)),
        pytest.raises(ConflictError, match="another store"),
        DataLock(str(tmp_path)),
    ):
        pass
    with DataLock(str(tmp_path)):
        pass


def test_the_lock_lasts_as_long_as_a_child_that_was_born_under_it(tmp_path):
    lock = DataLock(str(tmp_path))
    with lock:
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        with pytest.raises(ConflictError), DataLock(str(tmp_path)):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with DataLock(str(tmp_path)):
        pass


def open_files(directory):
    """How many files below a directory are open here; others come and go with threads of other tests."""
    opened = (os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir())
    return sum(place.startswith(str(directory)) for place in opened)


def test_who_is_refused_keeps_nothing_open(tmp_path):
    assert open_files(tmp_path) == 0
    with DataLock(str(tmp_path)):
        with pytest.raises(ConflictError), DataLock(str(tmp_path)):
            pass
        assert open_files(tmp_path) == 1
    assert open_files(tmp_path) == 0


def test_storage_without_a_directory_needs_no_lock():
    with DataLock(""), DataLock(""):
        pass
