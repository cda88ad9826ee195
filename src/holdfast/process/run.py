"""Running another program without giving it anything it was not meant to have.

A child started here gets a list of arguments (never a shell), an environment of ``LC_ALL`` and ``PATH``
alone, no descriptor but those named, a session of its own (a Ctrl-C meant for us must not cut a header
update in half) and a time limit. A secret reaches it over standard input, or over a pipe that it opens
as ``/proc/self/fd/N``; never as an argument, in the environment or in a file. Pipe buffers, unlike a
memfd, are never swapped out.

    ChildFailedError        it ended with a status that the caller did not expect
    └── ChildTimedOutError  it was killed, with all its descendants, at the limit
    ProgramMissingError     it is not installed

What a child printed is kept for the caller to interpret. It goes to ``detail``, not into the message.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import InvalidInputError, UnavailableError, UnsupportedError
from holdfast.model.secret_bytes import SecretBytes

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MAX_PIPED_SECRET_BYTES = 4096  # one page: what every pipe takes without a reader, even over the user's quota


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended.

    Attributes:
        returncode: its exit status; negative is the signal that killed it.
        stdout: what it printed.
        stderr: what it complained about, as text.
    """

    returncode: int
    stdout: bytes
    stderr: str


class ChildFailedError(UnavailableError):
    """A child ended with an unexpected status.

    Args:
        program: the name of the program, without its arguments.
        completed: how it ended.
    """

    def __init__(self, program: str, completed: Completed) -> None:
        super().__init__(
            f"{program} failed with status {completed.returncode}", detail=completed.stderr.strip()
        )
        self.program = program
        self.completed = completed


class ChildTimedOutError(ChildFailedError):
    """A child was killed because it took longer than its limit."""


class ProgramMissingError(UnsupportedError):
    """A program that is needed is not installed."""


def find_program(name: str) -> str:
    """Return the absolute path of ``name`` in the fixed search path.

    Raises:
        ProgramMissingError: it is not there.
    """
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise ProgramMissingError(f"the program {name} is not installed on this host")
    return found


def run(
    argv: Sequence[str],
    *,
    stdin: SecretBytes | bytes = b"",
    pass_fds: Collection[int] = (),
    cwd: Path | None = None,
    timeout_seconds: float = 60.0,
    expect: Collection[int] = (0,),
) -> Completed:
    """Run a program to its end.

    Args:
        argv: program (a bare name is searched in ``SEARCH_PATH``) and arguments; holds no secret.
        stdin: what it reads on standard input.
        pass_fds: descriptors that it keeps, under the same numbers.
        cwd: the directory it starts in; the root directory unless told.
        timeout_seconds: when to kill it and every process of its session.
        expect: the exit statuses that are not failures.

    Raises:
        ProgramMissingError: the program is not installed.
        ChildFailedError: it ended with a status that is not in ``expect``.
        ChildTimedOutError: it did not end in time.
    """
    program = argv[0] if argv[0].startswith("/") else find_program(argv[0])
    name = Path(program).name
    with subprocess.Popen(
        [program, *argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": SEARCH_PATH},
        pass_fds=tuple(pass_fds),
        cwd=cwd or "/",
        start_new_session=True,
    ) as child:
        try:
            given = stdin.view() if isinstance(stdin, SecretBytes) else stdin  # a view leaves no copy behind
            stdout, stderr = child.communicate(given, timeout=timeout_seconds)  # type: ignore[arg-type]
        except subprocess.TimeoutExpired:
            _kill_session(child.pid)
            stdout, stderr = child.communicate()
            ended = Completed(child.returncode, stdout, stderr.decode(errors="replace"))
            raise ChildTimedOutError(name, ended) from None
        except BaseException:
            _kill_session(child.pid)
            raise
    completed = Completed(child.returncode, stdout, stderr.decode(errors="replace"))
    if completed.returncode not in expect:
        raise ChildFailedError(name, completed)
    return completed


def _kill_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@contextmanager
def secret_pipe(secret: SecretBytes) -> Iterator[int]:
    """Offer a secret to one child as a descriptor for ``pass_fds``; see ``descriptor_path``.

    Raises:
        InvalidInputError: the secret is longer than a pipe is sure to take.
    """
    if len(secret) > MAX_PIPED_SECRET_BYTES:
        raise InvalidInputError(f"key: expected at most {MAX_PIPED_SECRET_BYTES} bytes")
    reader, writer = os.pipe()
    try:
        try:
            os.write(writer, secret.view())
        finally:
            os.close(writer)
        yield reader
    finally:
        os.close(reader)


def descriptor_path(descriptor: int) -> str:
    """Return the name under which a child opens a descriptor it was passed.

    ``/dev/fd`` needs udev and ``/dev/stdin`` is missing in some containers; this name always exists.
    """
    return f"/proc/self/fd/{descriptor}"
