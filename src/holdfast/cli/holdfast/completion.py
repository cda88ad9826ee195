"""``holdfast completion``: bash, zsh and fish complete commands, options and the words that options take.

All three ask ``holdfast completion answer``, with the line so far in ``COMP_LINE``, as bash does by itself.
Nothing is asked of a server, and nothing that was typed is repeated but the word that is being completed.
"""

import os
import shutil
import sys
from argparse import Namespace

from holdfast.cli.arguments import CommandParser, canonical_option, is_option
from holdfast.cli.program import EXIT_OK, Command, Group, Program, Run

_BASH = 'complete -o default -o bashdefault -C "{program} completion answer" holdfast'
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH
_FISH = 'complete -c holdfast -a "(COMP_LINE=(commandline -cp) {program} completion answer)"'
_MOST_CHARACTERS = 64 * 1024


def bash(_parser: CommandParser) -> Run:
    """Print a line for ~/.bashrc; in this shell at once: eval "$(holdfast completion bash)"."""
    return lambda _: _print(_BASH)


def zsh(_parser: CommandParser) -> Run:
    """Print lines for ~/.zshrc; in this shell at once: eval "$(holdfast completion zsh)"."""
    return lambda _: _print(_ZSH)


def fish(_parser: CommandParser) -> Run:
    """Print a line for fish; in this shell at once: holdfast completion fish | source."""
    return lambda _: _print(_FISH)


def answer(parser: CommandParser) -> Run:
    """Print how the line in COMP_LINE can go on; shells call this."""
    parser.add_argument("words", nargs="*", help="what bash says of the line, which is not needed")
    return _answer


def _print(template: str) -> int:
    print(template.format(program=shutil.which("holdfast") or sys.argv[0]))
    return EXIT_OK


def _answer(_arguments: Namespace) -> int:
    from holdfast.cli.holdfast.commands import PROGRAM

    line = os.environ.get("COMP_LINE", "")[:_MOST_CHARACTERS]
    point = os.environ.get("COMP_POINT", "")
    if point.isascii() and point.isdigit():
        line = line[: int(point)]
    for word in complete(PROGRAM, line):
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
        elif word in here.commands:
            here = here.commands[word]
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
