"""Usage is what a volume takes of its pool; stats are what its device did while it was attached."""

import os
import subprocess
import time

from tests.support.node_caller import Caller, written
from tests.support.node_under_test import new_node, release

from holdfast.node.volume.usage_service import UsageService
from holdfast.process.run import run

MIB = 1 << 20


def test_usage_is_what_was_written_and_stats_what_the_device_did(alice):
    alice.create(size_bytes=256 * MIB)
    empty = alice.figures(UsageService.capacity_usage, "vol1").usage
    assert empty.total_bytes < 32 * MIB
    assert alice.figures(UsageService.stats, "vol1").counters is None
    target = alice.mounted("vol1")
    written(target, letter=os.urandom(40 * MIB))
    os.sync()
    full = alice.figures(UsageService.capacity_usage, "vol1").usage
    assert 40 * MIB <= full.total_bytes - empty.total_bytes < 150 * MIB  # ext4 writes its tables, too
    assert full.exclusive_bytes + full.shared_bytes == full.total_bytes
    counters = alice.figures(UsageService.stats, "vol1").counters
    assert counters.write_bytes >= 40 * MIB
    assert counters.writes > 0
    alice.detach("vol1")


def test_stats_count_from_the_attach_on_or_from_when_they_were_last_asked_for(alice):
    """Not what the device did before, for whichever volume it was there then."""
    alice.create(size_bytes=64 * MIB, encrypted=False)
    target = alice.mounted("vol1")
    written(target, letter=os.urandom(8 * MIB))
    os.sync()
    for since_last, is_there in ((True, True), (True, False), (False, True)):
        time.sleep(0.01)
        stats = alice.figures(UsageService.stats, "vol1", since_last=since_last)
        assert (stats.counters.write_bytes >= 8 * MIB) is is_there
        assert stats.interval_ms > 0
    alice.detach("vol1")
    assert alice.figures(UsageService.stats, "vol1", since_last=True).counters is None
    alice.mounted("vol1")  # on the same loop device, if no other test has it
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes < 8 * MIB
    alice.detach("vol1")


def test_a_node_that_starts_counts_anew(alice):
    alice.create(size_bytes=64 * MIB, encrypted=False)
    written(alice.mounted("vol1"), letter=os.urandom(8 * MIB))
    os.sync()
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes >= 8 * MIB
    alice.t.node.attachments.recover()
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes < 8 * MIB
    alice.detach("vol1")


def test_blocks_that_a_snapshot_shares_are_told_apart(tmp_path):
    """On a pool that can share blocks a snapshot takes a moment and no space, and says so."""
    image, pool = tmp_path / "pool.img", tmp_path / "pool"
    pool.mkdir()
    with image.open("wb") as file:
        file.truncate(400 * MIB)
    run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)])
    subprocess.run(["mount", "-o", "loop", str(image), str(pool)], check=True)
    made = new_node(tmp_path)
    try:
        alice = Caller(made)
        alice.create(encrypted=False, size_bytes=64 * MIB)
        target = alice.mounted("vol1")
        written(target, letter=os.urandom(20 * MIB))
        alice.snapshot()
        shared = alice.figures(UsageService.capacity_usage, "snap1").usage
        assert shared.shared_bytes >= 20 * MIB
        assert shared.exclusive_bytes < 4 * MIB
        written(target, letter=os.urandom(20 * MIB))
        alice.detach("vol1")
        assert alice.figures(UsageService.capacity_usage, "vol1").usage.exclusive_bytes >= 10 * MIB
        assert alice.read("snap1") != alice.read("vol1")
    finally:
        release(made)
        subprocess.run(["umount", str(pool)], check=True)
