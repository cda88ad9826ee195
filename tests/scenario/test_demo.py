"""The main job, as a newcomer runs it: it passes, says so truthfully, and leaves nothing behind."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from tests.support.store_talk import eventually

DEMO = [sys.executable, "-m", "holdfast.cli.holdfast", "demo"]
STEPS = 9


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose temporary directory is ours to look at; afterwards nothing may be left in it."""
    yield {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    mounted = Path("/proc/self/mountinfo").read_text()
    assert str(tmp_path) not in mounted
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("holdfast-demo-")] == []
    # The kernel takes a moment to let go of a device, and of a process that has ended.
    eventually(lambda: loops_below(tmp_path) == [] == processes_naming(tmp_path))


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell has its background jobs ignore Ctrl-C, and they pass that on to what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def loops_below(directory: Path) -> list[str]:
    files = [path.read_text().strip() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    return [file for file in files if file.startswith(str(directory))]


def processes_naming(directory: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(directory).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_it_passes_on_a_tree_of_ours_and_tells_programs_so(temporary: dict[str, str], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "er" / "a-file-with-a-long-name.txt").write_text(
        "plaintext that must not be on disk\n" * 99
    )
    (tree / "binary.bin").write_bytes(os.urandom(300_000))
    done = subprocess.run(
        [*DEMO, "--json", "--input", str(tree)],
        env=temporary,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["passed"] is True
    assert [step["passed"] for step in document["steps"]] == [True] * STEPS
    assert all(step["facts"] for step in document["steps"])
    assert "volumes by way of luks-fuse" in done.stderr or "volumes by way of dm-crypt" in done.stderr


def test_without_privileges_it_goes_the_way_that_needs_none(temporary: dict[str, str]) -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *DEMO],
        env=temporary,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "volumes by way of user-copy" in done.stdout
    assert "not by luks-fuse: " in done.stdout


def test_a_failure_is_told_by_the_exit_status(temporary: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [*DEMO, "--json", f"--input={tmp_path / 'empty'}"],
        env=temporary,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["passed"] is False
    assert document["exit_status"] == 1
    assert "holds no file" in document["steps"][-1]["error"]
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("ctrl_c_is_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
@pytest.mark.parametrize("moment", ["1. ", "5. ", "8. "], ids=["early", "with-a-volume", "late"])
def test_interrupted_it_cleans_up(temporary: dict[str, str], number: signal.Signals, moment: str) -> None:
    ours, theirs = pipe_of_one_line()
    with (
        subprocess.Popen(DEMO, env=temporary, stdout=theirs, stderr=theirs) as process,
        os.fdopen(ours) as said,
    ):
        os.close(theirs)
        for line in said:
            if line.startswith(moment):
                break
        time.sleep(0.1)  # somewhere inside the step, wherever that is
        process.send_signal(number)
        rest = said.read()
        assert process.wait(timeout=60) == 130, rest
    assert "Traceback" not in rest


def pipe_of_one_line() -> tuple[int, int]:
    """A pipe that takes a line when the one before was read: the demo is never a step ahead of its reader."""
    ours, theirs = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, 4096)
    return ours, theirs


def test_kept_it_says_how_to_go_on(temporary: dict[str, str]) -> None:
    done = subprocess.run(
        [*DEMO, "--keep", "--json"], env=temporary, check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    kept = json.loads(done.stdout)["kept"]
    try:
        with urllib3.PoolManager(timeout=60.0) as pool:
            assert pool.request("GET", kept["store_url"] + "/v1/sys/health").status == 200
            token = Path(kept["token_files"]["one"]).read_text()
            answer = pool.request(
                "GET",
                kept["node_url"] + "/v1/identities/whoami",
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status == 200
        for file in kept["token_files"].values():
            assert Path(file).stat().st_mode & 0o777 == 0o600
        assert "Try next" in done.stderr
    finally:
        for pid in kept["processes"]:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while processes_naming(Path(kept["directory"])) and time.monotonic() < deadline:
            time.sleep(0.05)
        subprocess.run(["rm", "-r", kept["directory"]], check=True, timeout=60)
