"""A child gets what it was meant to have, ends in time, and says how it ended."""

import os
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.process.run import (
    MAX_PIPED_SECRET_BYTES,
    SEARCH_PATH,
    ChildFailedError,
    ChildTimedOutError,
    ProgramMissingError,
    descriptor_path,
    run,
    secret_pipe,
)


def test_environment_is_scrubbed(monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "canary")
    environment = run(["env"]).stdout.decode().splitlines()
    assert sorted(environment) == ["LC_ALL=C", f"PATH={SEARCH_PATH}"]


def test_descriptors_are_closed():
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    try:
        # A child that lists its own descriptors holds 0, 1, 2 and the directory it is reading.
        assert run(["ls", "/proc/self/fd"]).stdout.split() == [b"0", b"1", b"2", b"3"]
    finally:
        os.close(reader)
        os.close(writer)


def test_secret_over_standard_input():
    assert run(["cat"], stdin=SecretBytes(b"\x00key\n")).stdout == b"\x00key\n"


def test_two_secrets_at_once_over_pipes():
    with secret_pipe(SecretBytes(b"old")) as old, secret_pipe(SecretBytes(b"new")) as new:
        seen = run(["cat", descriptor_path(new), descriptor_path(old)], pass_fds=(old, new)).stdout
    assert seen == b"newold"


def open_pipes():
    """Which pipes are open here; threads of other tests may open and close files of theirs at any time."""
    found: Counter[str] = Counter()
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # that of the listing itself
            found[str(entry.readlink())] += 1
    return Counter({name: number for name, number in found.items() if name.startswith("pipe:")})


def test_secret_pipe_closes_its_descriptors_when_the_child_fails():
    before = open_pipes()
    with pytest.raises(ChildFailedError), secret_pipe(SecretBytes(b"key")) as pipe:
        run(["cat", "/nowhere"], pass_fds=(pipe,))
    assert open_pipes() - before == Counter()


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(0, id="empty"),
        pytest.param(1, id="one-byte"),
        pytest.param(MAX_PIPED_SECRET_BYTES, id="at-limit"),
    ],
)
def test_secret_pipe_carries_every_size(size):
    with secret_pipe(SecretBytes(b"k" * size)) as pipe:
        assert run(["cat", descriptor_path(pipe)], pass_fds=(pipe,)).stdout == b"k" * size


def test_secret_pipe_refuses_what_could_block():
    with pytest.raises(InvalidInputError), secret_pipe(SecretBytes(b"k" * (MAX_PIPED_SECRET_BYTES + 1))):
        pass


def test_failure_keeps_status_and_words_apart():
    with pytest.raises(ChildFailedError) as failure:
        run(["ls", "/nowhere-canary"])
    assert failure.value.completed.returncode == 2
    assert "nowhere-canary" in failure.value.detail
    assert "canary" not in failure.value.message


def test_expected_status_is_no_failure():
    assert run(["false"], expect=(0, 1)).returncode == 1


def test_timeout_kills_the_descendants_too():
    # The grandchild holds the output pipe: unless it dies as well, reading the output would hang.
    started = time.monotonic()
    with pytest.raises(ChildTimedOutError):
        run(["sh", "-c", "sleep 60 & sleep 60"], timeout_seconds=0.2)
    assert time.monotonic() - started < 50


def test_missing_program_is_named():
    with pytest.raises(ProgramMissingError, match="no-such-program"):
        run(["no-such-program"])


def test_arguments_are_not_a_shell():
    assert run(["echo", "$PATH; id"]).stdout == b"$PATH; id\n"
