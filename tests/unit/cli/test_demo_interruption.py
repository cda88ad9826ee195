"""An interruption of the demo is heard whenever it comes, even where Python drops what is raised."""

import subprocess
import sys

import pytest

IN_A_DESTRUCTOR = """
import signal, sys
from holdfast.cli.demo.interruption import Interruption

class Closing:
    def __del__(self):
        signal.raise_signal(getattr(signal, sys.argv[1]))

interruption = Interruption()
interruption.listen()
interruption.check()
Closing()
print("dropped")
try:
    interruption.check()
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_told_to_stop_inside_a_destructor_it_stops_after_it(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR, name], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["dropped", "heard"]
    assert done.stderr == ""


UNDISTURBED = """
import signal, sys
from holdfast.cli.demo.interruption import Interruption, undisturbed

interruption = Interruption()
interruption.listen()
made = "nothing"
try:
    with undisturbed():
        signal.raise_signal(getattr(signal, sys.argv[1]))
        made = "made"
    print("never heard")
except KeyboardInterrupt:
    print("heard", made)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_what_must_be_known_to_be_cleaned_up_is_made_before_it_stops(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDISTURBED, name], check=True, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("heard made\n", "")


def test_other_failures_of_a_destructor_are_still_told() -> None:
    program = IN_A_DESTRUCTOR.replace("signal.raise_signal(getattr(signal, sys.argv[1]))", "raise ValueError")
    done = subprocess.run(
        [sys.executable, "-c", program, "SIGINT"], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["dropped"]
    assert "ValueError" in done.stderr
