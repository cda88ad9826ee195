"""Completion for bash, zsh and fish: commands, options and the words that options take.

All three ask ``<program> completion answer``, with the line so far in ``COMP_LINE``, as bash does by itself.
Nothing is asked of a server, and nothing that was typed is repeated but the word that is being completed.
A program may know more words than its commands declare: names that it keeps itself (``Program.names``).
"""

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module

from holdfast.cli.arguments import CommandParser, canonical_option, is_option
from holdfast.cli.program import EXIT_OK, Command, Group, Program

_BASH = 'complete -o default -o bashdefault -C "{path} completion answer" {name}'
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH
_FISH = 'complete -c {name} -a "(COMP_LINE=(commandline -cp) {path} completion answer)"'
_BY_SHELL = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_MOST_CHARACTERS = 64 * 1024


def print_setup(name: str, shell: str) -> int:
    """Print what a shell has to be told about the program of that name."""
    print(_BY_SHELL[shell].format(path=shutil.which(name) or sys.argv[0], name=name))
    return EXIT_OK


def print_answers(program: Program) -> int:
    """Print how the line in COMP_LINE can go on."""
    line = os.environ.get("COMP_LINE", "")[:_MOST_CHARACTERS]
    point = os.environ.get("COMP_POINT", "")
    if point.isascii() and point.isdigit():
        line = line[: int(point)]
    for word in complete(program, line):
        print(word)
    return EXIT_OK


def complete(program: Program, line: str) -> list[str]:
    """Return the words that the last word of a line can become.

    Args:
        program: whose commands there are.
        line: from the program's name to the cursor.
    """
    _, *words = line.split() or [""]
    last = words.pop() if words and not line[-1:].isspace() else ""
    place = _Place(program)
    for word in words:
        if not place.step(word):
            return []
    return [word for word in place.offered(last, words) if word.startswith(last)]


class _Place:
    """Where in a line of a program one is, word by word."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._here: Command | Group = program.root
        self._parser: CommandParser | None = None  # of the command, once there is one
        self._spoken: list[str] = []
        self._waiting = ""  # the option whose value comes next

    def step(self, word: str) -> bool:
        """Go on by one word; say whether that leads anywhere."""
        if self._waiting:
            self._waiting = ""
        elif is_option(word):
            option = canonical_option(word)
            if self._parser is not None:
                takes_value = self._parser.takes_value(option)
            else:
                takes_value = option in self._program.options_with_value
            self._waiting = option if takes_value else ""
        elif isinstance(self._here, Group):
            return self._enter(self._here, word)
        else:
            self._spoken.append(word)
        return True

    def offered(self, last: str, words: Sequence[str]) -> Sequence[str]:
        """Return what may come next.

        Args:
            last: what is there of it.
            words: all before it.
        """
        if self._waiting:
            values = self._parser.values_of(self._waiting) if self._parser is not None else ()
            return values or _names(self._program, self._waiting, words)
        if isinstance(self._here, Group):
            return sorted(self._here.commands)
        if self._parser is not None and last.startswith("-"):
            dashes = "--" if last.startswith("--") else "-"
            return [dashes + name.lstrip("-") for name in self._parser.long_options()]
        # A file, a path of the store: where nothing is known, the shell's own guess is better.
        return _names(self._program, " ".join(self._spoken), words)

    def _enter(self, group: Group, word: str) -> bool:
        name = group.find(word)
        if name not in group.commands:
            return False
        self._here = group.commands[name]
        self._spoken.append(name)
        if isinstance(self._here, Command):
            self._parser = CommandParser(command="", summary="")
            self._here.load()(self._parser)
        return True


def _names(program: Program, key: str, words: Sequence[str]) -> Sequence[str]:
    if key not in program.names:
        return ()
    module, _, name = program.names[key].partition(":")
    names: Sequence[str] = getattr(import_module(module), name)(words)
    return names
