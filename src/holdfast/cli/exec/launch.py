"""Starting the command: find its program, then become it, or start it as a child.

The command gets the signal dispositions and the signal mask that we were started with, not the ones
that Python or the supervisor made for themselves, and every descriptor that we inherited.
"""

import errno
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from holdfast.cli.exec.errors import NotExecutableError

EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127

# Python ignores these for itself. An ignored signal stays ignored through exec, and a command that
# ignores SIGPIPE does not end when its reader does.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True, repr=False)
class Launch:
    """One start of the command, with its secrets in place.

    Attributes:
        program: path of the program.
        argv: its arguments, its own name first.
        environment: its environment block.
        descriptors: what it inherits of ours.
    """

    program: str
    argv: tuple[str, ...]
    environment: Mapping[bytes, bytes]
    descriptors: tuple[int, ...] = ()

    def become(self) -> NoReturn:
        """Replace this process.

        Raises:
            NotExecutableError: the system cannot run the program.
        """
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execve(self.program, self.argv, self.environment)  # noqa: S606 - the purpose
        except OSError as error:
            raise _not_executable(self.argv[0], error) from None

    def start(self, *, mask: set[int]) -> int:
        """Start the command in a process group of its own; return its process id.

        Args:
            mask: the signals that it starts with blocked.

        Raises:
            NotExecutableError: the system cannot run the program.
        """
        try:
            return os.posix_spawn(
                self.program,
                self.argv,
                self.environment,
                setpgroup=0,
                setsigmask=mask,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except OSError as error:
            raise _not_executable(self.argv[0], error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Let go of descriptors that were meant for the command."""
        for descriptor in self.descriptors:
            with suppress(OSError):
                os.close(descriptor)


def start_helper(argv: tuple[str, ...], environment: Mapping[str, str], *, mask: set[int]) -> int:
    """Start a program beside the command, away from the terminal's input; return its process id.

    Raises:
        NotExecutableError: it is not there, or cannot be run.
    """
    program = find_program(argv[0], environment.get("PATH", os.defpath))
    try:
        return os.posix_spawn(
            program,
            argv,
            environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setpgroup=0,
            setsigmask=mask,
            setsigdef=_IGNORED_BY_PYTHON,
        )
    except OSError as error:
        raise _not_executable(argv[0], error) from None


def find_program(name: str, search_path: str) -> str:
    """Return the path of a program; a name with a slash is a path already.

    Raises:
        NotExecutableError: it is not there, or is no program.
    """
    if found := shutil.which(name, path=search_path):
        return found
    if "/" in name and Path(name).exists():
        raise NotExecutableError(f"{name}: expected an executable file", code=EXIT_NOT_EXECUTABLE)
    raise NotExecutableError(f"{name}: no such program", code=EXIT_NOT_FOUND)


def _not_executable(name: str, error: OSError) -> NotExecutableError:
    if error.errno == errno.E2BIG:
        reason = "arguments and environment together are over the system's limit; use --file or --fd"
    else:
        reason = error.strerror or "the system cannot run it"
    return NotExecutableError(f"{name}: {reason}", code=EXIT_NOT_EXECUTABLE)
