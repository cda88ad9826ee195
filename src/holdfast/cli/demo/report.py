"""What the demo did, step by step, for people while it runs and for programs at the end."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

WIDTH = 62


@dataclass(slots=True)
class Step:
    """One step.

    Attributes:
        title: what it does.
        seconds: how long it took.
        passed: whether everything in it came out as it should.
        facts: what was seen, one sentence each.
        error: why it failed, for a person.
    """

    title: str
    seconds: float = 0.0
    passed: bool = False
    facts: list[str] = field(default_factory=list)
    error: str = ""


class Report:
    """Collects steps, and shows them as they happen.

    Args:
        stream: where people read; ``None`` for nowhere.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._live = stream is not None and stream.isatty()
        self.steps: list[Step] = []
        self.details: dict[str, Any] = {}

    @property
    def passed(self) -> bool:
        """Whether every step so far came out as it should, and there was one."""
        return bool(self.steps) and all(step.passed for step in self.steps)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time a step; an exception in it is noted and passed on."""
        step = Step(title)
        self.steps.append(step)
        self._begin(step)
        started = time.monotonic()
        try:
            yield step
            step.passed = True
        except BaseException as error:
            step.error = str(error) or type(error).__name__
            raise
        finally:
            step.seconds = time.monotonic() - started
            self._end(step)

    def progress(self, text: str) -> None:
        """Show how far a long step is, where somebody is watching."""
        if self._live and self._stream is not None:
            print(f"\r    {text[:WIDTH]:<{WIDTH}}", end="", file=self._stream, flush=True)

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        if self._stream is not None:
            print(text, file=self._stream, flush=True)

    def document(self) -> dict[str, Any]:
        """Return everything for a program."""
        return {
            "passed": self.passed,
            "seconds": round(sum(step.seconds for step in self.steps), 3),
            "steps": [
                {
                    "title": step.title,
                    "passed": step.passed,
                    "seconds": round(step.seconds, 3),
                    "facts": step.facts,
                    **({"error": step.error} if step.error else {}),
                }
                for step in self.steps
            ],
            **self.details,
        }

    def _begin(self, step: Step) -> None:
        self.say(f"{len(self.steps)}. {step.title}")

    def _end(self, step: Step) -> None:
        if self._live and self._stream is not None:
            print("\r" + " " * (WIDTH + 4) + "\r", end="", file=self._stream)
        for fact in step.facts:
            self.say(f"    {fact}")
        mark = "ok" if step.passed else f"FAILED: {step.error}"
        self.say(f"    {mark}  ({step.seconds:.2f} s)")


def people_stream(*, as_json: bool) -> TextIO:
    """Return where people read: standard error when standard output is for a program."""
    return sys.stderr if as_json else sys.stdout
