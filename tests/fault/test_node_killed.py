"""The real node, killed (SIGKILL) at any step of its work on volumes: nothing is lost, nothing left behind.

Every few steps here; each one with ``HOLDFAST_EVERY_STEP=1``, which takes minutes. How the steps are counted
is in ``tests/support/striking_program.py``.
"""

import contextlib
import os
import time

import pytest
from tests.support.striking_node import Starter
from tests.support.struck_site import MIB, Site, sweep

from holdfast.errors import ConflictError


@pytest.fixture(scope="module")
def starter():
    running = Starter()
    yield running
    running.close()


@pytest.fixture
def site(starter, tmp_path):
    made = Site(starter, tmp_path)
    with made.node:
        yield made


def test_create(site):
    turns = iter(range(10**6))

    def check():
        if next(turns) % 2:
            site.create()
            assert site.verdicts() == {"vol1": "good"}
        for volume in site.volumes():
            site.call("DELETE", f"volumes/{volume}")
        site.check_empty()

    sweep(site, site.create, check, stride=13)


def test_attach_and_mount(site):
    def check():
        site.attach_and_mount()
        site.write_letter()
        site.unmount_and_detach()
        site.attach_and_mount()
        assert site.letter_is_there()
        site.unmount_and_detach()
        site.delete("vol1")
        site.check_empty()

    def prepare():
        site.create()

    sweep(site, site.attach_and_mount, check, stride=9, prepare=prepare)


def test_unmount_detach_and_delete(site):
    def prepare():
        site.create()
        site.attach_and_mount()

    def work():
        site.unmount_and_detach()
        site.call("DELETE", "volumes/vol1")

    def check():
        for volume in site.volumes():
            with contextlib.suppress(
                ConflictError
            ):  # its removal has begun, and is all that can be done with it
                site.unmount_and_detach()
            site.call("DELETE", f"volumes/{volume}")
        site.check_empty()

    sweep(site, work, check, stride=11, prepare=prepare)


@pytest.fixture
def mounted(site):
    """The id of a volume that is in use throughout, with something in it."""
    volume_id = site.create()
    site.attach_and_mount()
    site.write_letter()
    return volume_id


def test_rotate(site, mounted):
    def work():
        site.call("POST", "volumes/rotatekey", {"volume_id": "vol1"})

    def check():
        assert site.letter_is_there()
        assert site.verdicts() == {"vol1": "good"}
        work()
        assert site.verdicts() == {"vol1": "good"}
        assert len(site.header(mounted).keyslots) == 1, "a keyslot that an earlier attempt made"

    sweep(site, work, check, stride=11)


def test_resize(site, mounted):
    sizes = iter(range(17, 10**4))
    size = 0

    def work():
        site.call("PUT", f"volumes/{mounted}", {"spec": {"size": str(size * MIB)}})

    def prepare():
        nonlocal size
        size = next(sizes)

    def check():
        assert site.letter_is_there()
        work()
        site.call("POST", "mountattach/unmount", {"volume_id": "vol1", "mount_path": str(site.target)})
        site.attach_and_mount()  # without the right to do so sooner, its file system grows then
        found = os.statvfs(site.target)
        assert found.f_blocks * found.f_frsize > (size - 5.5) * MIB
        assert site.letter_is_there()

    sweep(site, work, check, stride=3, prepare=prepare)


def test_snapshot(site, mounted):
    def work():
        site.call("POST", "volumes/snapshots", {"volume_id": mounted, "name": "snap1"})

    def check():
        assert site.letter_is_there()
        assert set(site.verdicts().values()) <= {"good"}
        site.delete("snap1")

    sweep(site, work, check, stride=9)


def test_clone_with_a_key_of_its_own(site, mounted):
    def work():
        site.call("POST", "volumes/clone", {"parent_id": mounted, "name": "copy1", "own_key": True})

    def check():
        assert site.letter_is_there()
        if "copy1" not in site.verdicts():
            work()
        assert site.verdicts() == {"vol1": "good", "copy1": "good"}
        site.delete("copy1")
        assert site.verdicts() == {"vol1": "good"}

    sweep(site, work, check, stride=19)


def test_recovery_key(site, mounted):
    def work():
        site.call("POST", "volumes/keys/recovery", {"volume_id": mounted})

    def check():
        assert site.letter_is_there()
        assert site.verdicts() == {"vol1": "good"}
        site.call("DELETE", f"volumes/keys/recovery/{mounted}")
        assert len(site.header(mounted).keyslots) == 1, "a keyslot that an earlier attempt made"
        site.call("POST", "volumes/keys/recovery", {"volume_id": mounted})
        assert len(site.header(mounted).keyslots) == 2
        site.call("DELETE", f"volumes/keys/recovery/{mounted}")
        assert len(site.header(mounted).keyslots) == 1
        assert site.verdicts() == {"vol1": "good"}

    sweep(site, work, check, stride=7)


def test_re_encryption(site, mounted):
    site.unmount_and_detach()

    def work():
        site.call("POST", "volumes/keys/reencrypt", {"volume_id": mounted})
        deadline = time.monotonic() + 120
        while (state := site.call("GET", f"volumes/keys/reencrypt/{mounted}")["reencryption"]).get("running"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not state.get("problem"), state["problem"]

    def check():
        work()
        site.attach_and_mount()
        assert site.letter_is_there()
        site.unmount_and_detach()

    sweep(site, work, check, stride=6)
