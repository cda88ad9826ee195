"""Completion for bash, zsh and fish: commands, options and the words that options take.

All three ask ``<program> completion answer``, with the line so far in ``COMP_LINE``, as bash does by itself.
Nothing is asked of a server, and nothing that was typed is repeated but the word that is being completed.
"""

import os
import shutil
import sys

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
    here: Command | Group = program.root
    remaining = iter(words)
    for word in remaining:
        if not isinstance(here, Group):
            break
        if is_option(word):
            if canonical_option(word) in program.options_with_value:
                next(remaining, None)
        elif (name := here.find(word)) in here.commands:
            here = here.commands[name]
        else:
            return []
    if isinstance(here, Group):
        offered: list[str] = sorted(here.commands)
    elif last.startswith("-"):
        parser = CommandParser(command="", summary="")
        here.load()(parser)
        dashes = "--" if last.startswith("--") else "-"
        offered = [dashes + name.lstrip("-") for name in parser.long_options()]
    else:
        return []  # a file, a path of the store, the value of an option: the shell's own guess is better
    return [word for word in offered if word.startswith(last)]
