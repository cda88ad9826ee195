"""Killed (SIGKILL) at any step of work on a volume with integrity: nothing is lost, nothing left behind.

Growth and re-encryption, at every few steps; each one with ``HOLDFAST_EVERY_STEP=1``. Needs a device-mapper:
see ``test_guest_further``.
"""

import os
import signal
import traceback
from pathlib import Path

import pytest
from tests.support.store_talk import eventually
from tests.support.striking_program import EVERY_STEP, Striker

from holdfast.model import SecretBytes
from holdfast.process.run import run
from holdfast.providers.generate import random_key
from holdfast.volumes import loop
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.errors import UnsupportedHeaderError
from holdfast.volumes.integrity import finish_growth, format_volume, grow
from holdfast.volumes.integrity_copy import reencrypt_by_copy
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.pool import Pool

SIZE, LARGER = 4 << 20, 5 << 20
REFERENCE = KeyReference("file", "bench", 1)
# Between two calls of these lies everything that outlives the process.
STEPS = {
    "holdfast.process.run": ("run",),
    "holdfast.volumes.loop": ("attach", "detach", "take_size"),
    "holdfast.volumes.pool": ("Pool.grow", "Pool.publish", "_remove_draft"),
    "holdfast.volumes.integrity": ("_write_tags",),
    "holdfast.volumes.integrity_copy": ("_copy_layout", "_copy_blocks"),
}

pytestmark = pytest.mark.skipif(not DmCryptBackend().probe().integrity, reason="no dm-integrity here")


class Struck:
    """A volume with something at its beginning and its end, anew for each strike."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._original = Pool(directory / "original").create("vol1", SIZE, integrity=True)
        self._key = random_key().reveal()
        with volume_lock(self._original):
            format_volume(self._original, self.key(), REFERENCE)
        self.content = os.urandom(200_000)
        backend = DmCryptBackend()
        with Path(backend.attach(self._original, self.key()).device).open("r+b") as opened:
            self.end = opened.seek(0, os.SEEK_END)
            for place in (0, self.end - len(self.content)):
                opened.seek(place)
                opened.write(self.content)
        backend.detach(self._original)
        self.digests = LuksHeader(self._original).read().metadata["digests"]

    def key(self) -> SecretBytes:
        return SecretBytes(self._key)

    def anew(self):
        """Return the pool and the volume as they were; what another strike left of it is gone."""
        pool = Pool(self._directory / "pool")
        if pool.directory.is_dir():
            for file in pool.directory.iterdir():
                file.unlink()
        vol = pool.create("vol1", SIZE, uuid=self._original.uuid, integrity=True)
        run(["cp", "--sparse=never", str(self._original.path), str(vol.path)])
        return pool, vol

    def dies_at(self, moment: int, work, *arguments) -> bool:
        """Have a process of its own do it; return whether it died of that. Then tidy up as a node does."""
        strike = self._directory / "strike"
        strike.write_text(str(moment))
        child = os.fork()
        if child == 0:
            try:
                Striker(strike).watch(STEPS)
                work(*arguments)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - this process goes no further, whatever it is
                traceback.print_exc()
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in {0, -signal.SIGKILL}, f"at moment {moment}"
        eventually(no_program_runs)  # one that it had started takes a moment to find out
        assert DmCryptBackend().recover() == []
        return code != 0

    def where(self) -> str:
        return (self._directory / "strike.at").read_text()

    def holds(self, device: str) -> bool:
        """Whether a device has what was written, and nothing else."""
        found = run(["dd", f"if={device}", "bs=64k", "iflag=direct", "status=none"]).stdout
        length = len(self.content)
        rest = found[length : self.end - length] + found[self.end :]
        return found[:length] == found[self.end - length : self.end] == self.content and not rest.strip(b"\0")


def no_program_runs() -> bool:
    names = []
    for entry in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(entry.read_text().strip())
        except OSError:
            continue
    return not {"cryptsetup", "losetup", "dmsetup"} & set(names)


def sweep(struck, begin, check, *, stride):
    """Strike at one moment after the other, until the work is done before its moment comes."""
    moment = 1
    while True:
        pool, vol = struck.anew()
        died = struck.dies_at(moment, begin, pool, vol)
        try:
            check(pool, vol, died)
        except (AssertionError, OSError) as error:
            where = struck.where() if died else "the end"
            raise AssertionError(f"after a death at moment {moment}, {where}: {error}") from error
        assert loop.marked_devices() == []
        assert "hf-" not in run(["dmsetup", "ls"]).stdout.decode()
        if not died:
            break
        moment += 1 if EVERY_STEP else stride
    assert moment > stride or EVERY_STEP, "the work has fewer steps than it should"


@pytest.fixture(scope="module")
def struck(tmp_path_factory):
    return Struck(tmp_path_factory.mktemp("struck"))


def test_growth(struck):
    backend = DmCryptBackend()

    def begin(pool, vol):
        with volume_lock(vol):
            grow(pool, vol, LARGER, struck.key())

    def check(pool, vol, died):
        try:
            device = backend.attach(vol, struck.key()).device
        except UnsupportedHeaderError:
            assert LuksHeader(vol).growth() == LARGER  # nobody is let in until it is done again
        else:
            assert died, "let in before the size is on record"
            assert struck.holds(device)
            backend.detach(vol)
        with volume_lock(vol):
            larger = grow(pool, vol, LARGER, struck.key())
            finish_growth(larger)
        assert struck.holds(backend.attach(larger, struck.key()).device)
        backend.detach(larger)

    sweep(struck, begin, check, stride=11)


def test_re_encryption(struck):
    backend = DmCryptBackend()
    seen = set()

    def begin(pool, vol):
        reencrypt_by_copy(pool, vol, struck.key(), advance=lambda _: None)

    def check(pool, vol, died):
        list(pool.abandoned())
        assert [path.name for path in pool.directory.glob(".*")] == []
        changed = LuksHeader(vol).read().metadata["digests"] != struck.digests
        seen.add(changed)
        assert changed or died
        assert backend.status(vol).stage is AttachStage.DETACHED
        assert struck.holds(backend.attach(vol, struck.key()).device)
        backend.detach(vol)

    sweep(struck, begin, check, stride=17)
    assert seen == {False, True}
