"""The report of a failed test has what its servers said since it began, and nothing of what was before.

It is written however long that takes.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TESTS = """
import signal
from pathlib import Path

import pytest
from tests.support import process_logs

LOG = Path(__file__).with_name("server.log")

def say(text):
    process_logs.note(LOG)
    with LOG.open("a") as log:
        log.write(text)

def test_well():
    say("said to the first test")

class SlowlyTold(Exception):
    def __str__(self):
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        return f"told with {left:.0f} s left of what has no limit"

@pytest.mark.timeout(90, method="signal")
def test_badly():
    say("said to the second test")
    assert signal.getitimer(signal.ITIMER_REAL)[0]
    raise SlowlyTold
"""


def test_a_failure_tells_what_servers_said_meanwhile(tmp_path):
    file = tmp_path / "test_of_a_server.py"
    file.write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "told with 0 s left" in done.stdout  # no timer runs any more
    report = done.stdout[done.stdout.index("meanwhile in") :]
    assert "said to the second test" in report
    assert "said to the first test" not in report
