"""Each protection is looked up in the kernel, from a process of its own, since none can be taken back."""

import json
import os
import signal
import subprocess
import sys

import pytest


def run(code, **options):
    """Run Python code in a fresh process and return what it printed, decoded from JSON."""
    script = "import json\nfrom holdfast.process import hardening\n" + code
    done = subprocess.run(  # noqa: PLW1510 - the tests look at the status
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, **options
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="locking memory takes root or a raised limit")


@AS_ROOT
def test_the_kernel_confirms_every_measure_that_is_reported():
    facts = run("""
import ctypes, os, resource
measures = hardening.harden(lock_memory=True)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "applied": {measure.name: measure.applied for measure in measures},
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "umask": os.umask(0o022),
    "locked_kib": int(status["VmLck"].split()[0]),
}))""")
    assert facts.pop("locked_kib") > 1000
    assert facts == {
        "applied": {"core limit": True, "no dump": True, "umask": True, "memory lock": True},
        "core": [0, 0],
        "dumpable": 0,
        "umask": 0o077,
    }


def test_a_memory_lock_that_is_switched_off_is_reported_as_open():
    report = run("""
measures = hardening.harden(lock_memory=False)
lock = measures[-1]
print(json.dumps([lock.name, lock.applied, lock.remark]))""")
    assert report[:2] == ["memory lock", False]
    assert "switched off" in report[2]


@AS_ROOT
def test_a_refused_memory_lock_stops_the_start_and_says_what_to_do():
    text = run("""
import os, resource
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
os.setgid(65534); os.setuid(65534)
try:
    hardening.harden(lock_memory=True)
except hardening.MemoryLockError as error:
    print(json.dumps(error.message))""")
    assert "LimitMEMLOCK" in text
    assert "disable_mlock" in text


@AS_ROOT
def test_a_mapped_file_can_be_excepted_from_the_lock(tmp_path):
    path = tmp_path / "with blank.mdb"
    path.write_bytes(bytes(8 * 1024 * 1024))
    facts = run(f"""
import mmap
hardening.harden(lock_memory=True)
def locked():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status["VmLck"].split()[0])
with open({str(path)!r}, "rb") as file:
    mapping = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
before = locked()
count = hardening.unlock_file({str(path)!r})
print(json.dumps([count, before - locked()]))""")
    assert facts == [1, 8 * 1024]


def test_a_child_does_not_outlive_its_parent(tmp_path):
    """The parent is killed without a chance to clean up; the child says when it goes."""
    reading, writing = os.pipe()
    script = f"""
import os, signal, time
from holdfast.process import hardening
parent = os.getpid()
if os.fork() == 0:
    hardening.die_with_parent(parent, signal.SIGKILL)
    os.write({writing}, b"r")
    time.sleep(60)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], pass_fds=[writing]) as parent:
        os.close(writing)
        assert os.read(reading, 1) == b"r"
        parent.send_signal(signal.SIGKILL)
    assert os.read(reading, 1) == b""  # the last holder of the other end has gone
    os.close(reading)


def test_a_child_notices_that_its_parent_had_gone_before():
    facts = run("""
import os
try:
    hardening.die_with_parent(os.getppid() + 1_000_000)
except ProcessLookupError:
    print(json.dumps("gone"))""")
    assert facts == "gone"
