"""Terminal sessions as tests: commands with what they must print, run by a real shell and real programs.

A transcript is text. A line that starts with ``$`` is a command for ``sh``; the lines below it, up to the
next command, are what it must print, standard error included. In these lines ``{name}`` stands for any
text within the line the first time, and for that same text wherever it appears later, in commands too;
``{*}`` stands for any text every time. ``[exit N]`` as the last line expects that exit code instead of 0.
Lines that start with ``#`` are for the reader.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_SECONDS = 60
_HOLE = re.compile(r"\{([a-z0-9_]+|\*)\}")
_EXIT = re.compile(r"\[exit (\d+)\]")


@dataclass
class Step:
    """One command of a transcript.

    Attributes:
        command: for the shell, with holes.
        expected: lines it must print, with holes.
        exit_code: what it must return.
    """

    command: str
    expected: list[str] = field(default_factory=list)
    exit_code: int = 0


def parse(text: str) -> list[Step]:
    """Return the steps of a transcript."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif steps:
            steps[-1].expected.append(line)
    for step in steps:
        while step.expected and not step.expected[-1]:
            step.expected.pop()
        if step.expected and (code := _EXIT.fullmatch(step.expected[-1])):
            step.exit_code = int(code[1])
            step.expected.pop()
    return steps


def play(text: str, *, directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Run a transcript and compare what is printed; return what the holes held."""
    known: dict[str, str] = {}
    for step in parse(text):
        command = _fill(step.command, known)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env={"PATH": os.defpath, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        printed = done.stdout.rstrip("\n")
        expected = "\n".join(step.expected)
        match = re.fullmatch(_pattern(expected, known), printed)
        assert match is not None, f"$ {step.command}\nexpected:\n{expected}\nprinted:\n{printed}"
        assert done.returncode == step.exit_code, f"$ {step.command}\nexit code {done.returncode}\n{printed}"
        known |= match.groupdict()
    return known


def _fill(command: str, known: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: known[hole[1]], command)


def _pattern(expected: str, known: Mapping[str, str]) -> str:
    pattern, position, opened = "", 0, set()
    for hole in _HOLE.finditer(expected):
        pattern += re.escape(expected[position : hole.start()])
        position, name = hole.end(), hole[1]
        if name == "*":
            pattern += ".*"
        elif name in known:
            pattern += re.escape(known[name])
        elif name in opened:
            pattern += f"(?P={name})"
        else:
            pattern += f"(?P<{name}>.+)"
            opened.add(name)
    return pattern + re.escape(expected[position:])
