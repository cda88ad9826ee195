"""What a changed secret sets off: ``restart``, ``signal:NAME``, ``run:COMMAND``, ``exit`` or ``none``."""

import shlex
from argparse import ArgumentTypeError
from dataclasses import dataclass
from enum import Enum
from signal import Signals


class Kind(Enum):
    """What is done, after files have got their new content."""

    RESTART = "restart"
    SIGNAL = "signal"
    RUN = "run"
    EXIT = "exit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reaction:
    """One choice.

    Attributes:
        kind: what is done.
        signal: what ``SIGNAL`` sends.
        command: what ``RUN`` runs, split into words as a shell would, without any other meaning of a shell.
    """

    kind: Kind
    signal: Signals | None = None
    command: tuple[str, ...] = ()


def parse_reaction(text: str) -> Reaction:
    """Read the value of ``--on-change``.

    Raises:
        ArgumentTypeError: not one of the forms above.
    """
    word, _, rest = text.partition(":")
    if word == Kind.SIGNAL.value:
        return Reaction(Kind.SIGNAL, signal=_signal(rest))
    if word == Kind.RUN.value:
        return Reaction(Kind.RUN, command=_words(rest))
    try:
        return Reaction(Kind(text))
    except ValueError:
        raise ArgumentTypeError("expected restart, signal:NAME, run:COMMAND, exit or none") from None


def _signal(name: str) -> Signals:
    try:
        return Signals[f"SIG{name.upper().removeprefix('SIG')}"]
    except KeyError:
        raise ArgumentTypeError("expected a signal's name after signal:, such as HUP") from None


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = ()
    if not words:
        raise ArgumentTypeError("expected a command after run:, with every quote closed")
    return words
