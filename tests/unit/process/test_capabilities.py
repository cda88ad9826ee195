"""What a process may do is read from the kernel, not guessed from its user."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("bounding", "expected"), [("", "True"), ("-all", "False")], ids=["root", "no-capability"]
)
def test_a_root_without_the_capability_does_not_have_it(bounding: str, expected: str) -> None:
    code = "from holdfast.process import capabilities as c; print(c.has_capability(c.CAP_IPC_LOCK))"
    drop = ["setpriv", f"--bounding-set={bounding}", f"--inh-caps={bounding}"] if bounding else []
    done = subprocess.run(
        [*drop, sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == expected
