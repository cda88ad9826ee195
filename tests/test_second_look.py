"""What ``./dev test`` makes of a failure among all the tests: a second look hides none that is real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DEV = (Path(__file__).parent.parent / "dev").read_text(encoding="utf-8")
LEFT_BEHIND = """
said = []

def test_it_works():
    said.append("canary")

def test_nothing_secret_was_said():
    assert said == []
"""
WELL = """
def test_it_works():
    pass
"""


def part_of_dev(begin, end):
    start = DEV.index(begin)
    return DEV[start : DEV.index(end, start) + len(end)]


@pytest.fixture
def look(tmp_path):
    """Takes the second look of ``dev`` at tests that have just failed; returns its status and its words."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    script = "\n".join(
        (
            "set -eu",
            "begun=$(date +%s) TEST_SECONDS=120",
            part_of_dev("say() {", "}\n"),
            part_of_dev("SECOND_LOOKS=", "\n}\n"),
            "if second_look; then exit 0; fi; exit 1",
        )
    )

    def run(*failed):
        cache = tmp_path / ".pytest_cache" / "v" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "lastfailed").write_text(json.dumps(dict.fromkeys(failed, True)))
        python_path = {"PYTHONPATH": ":".join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(
            ["sh", "-c", script],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", **python_path},
        )
        return done.returncode, done.stdout + done.stderr

    run.directory = tmp_path
    return run


def test_what_a_test_finds_of_those_before_it_is_found_again(look):
    (look.directory / "test_leak.py").write_text(LEFT_BEHIND)
    status, said = look("test_leak.py::test_nothing_secret_was_said")
    assert (status, "1 failed, 1 passed" in said) == (1, True), said


def test_what_does_not_fail_again_is_said_aloud(look):
    (look.directory / "test_once.py").write_text(WELL)
    status, said = look("test_once.py::test_it_works")
    assert (status, "UNSTABLE" in said) == (0, True), said
    assert said.endswith("test_once.py::test_it_works\n")


@pytest.mark.parametrize("failed", [(), ("a.py::a", "b.py::b", "c.py::c")], ids=["none-known", "three"])
def test_nothing_is_looked_at_where_none_is_known_or_many_are(look, failed):
    status, said = look(*failed)
    assert (status, said) == (1, "")
