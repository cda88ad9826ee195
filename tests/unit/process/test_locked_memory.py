"""A secret in locked memory is in no swap and no dump, and is zeros once it is wiped."""

import re
from pathlib import Path

import pytest

from holdfast.errors import UnavailableError
from holdfast.process import locked_memory
from holdfast.process.locked_memory import LockedBytes


def locked_kilobytes():
    return int(re.search(r"VmLck:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def test_it_is_locked_while_it_is_there_and_no_longer():
    before = locked_kilobytes()
    kept = [LockedBytes(b"canary" * number) for number in (1, 2, 3)]
    assert locked_kilobytes() - before >= 3 * 4
    assert [bytes(one.copy()) for one in kept] == [b"canary" * number for number in (1, 2, 3)]
    assert "canary" not in repr(kept)
    for one in kept:
        one.wipe()
        one.wipe()
        assert (len(one), one.copy()) == (0, bytearray())
    assert locked_kilobytes() == before


def test_what_cannot_be_locked_is_not_kept(monkeypatch):
    class Refusing:
        def mlock(self, *_):
            return -1

    monkeypatch.setattr(locked_memory, "_libc", Refusing())
    with pytest.raises(UnavailableError, match="no memory can be locked"):
        LockedBytes(b"canary")
