"""A secret that came by way of the environment is not to be read there any more."""

import subprocess
import sys

PROGRAM = """
import os, subprocess
from pathlib import Path
from holdfast.process.environment import forget_variables
assert b"canary" in Path("/proc/self/environ").read_bytes()
forget_variables(lambda name: name.startswith("SECRET_"))
assert b"canary" not in Path("/proc/self/environ").read_bytes()
assert "SECRET_ONE" not in os.environ and os.environ["KEPT"] == "kept"
child = subprocess.run(["/usr/bin/env"], capture_output=True, check=True).stdout
assert b"KEPT=kept" in child and b"SECRET" not in child
os.environ["SECRET_LATE"] = "late"
forget_variables(lambda name: name.startswith("SECRET_"))
assert "SECRET_LATE" not in os.environ
forget_variables(lambda name: False)
print("fine")
"""


def test_what_was_forgotten_is_nowhere_in_the_environment():
    environment = {"SECRET_ONE": "canary-1", "SECRET_TWO": "canary=2", "SECRET_NONE": "", "KEPT": "kept"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("fine", "")
