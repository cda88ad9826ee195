"""The list of all commands of ``hfctl`` in docs/hfctl.md, made from the commands themselves.

``.venv/bin/python -m tests.support.command_reference`` writes it anew after a command was added or changed.
"""

from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.commands import PROGRAM
from holdfast.cli.hfctl.connection import add_node_options
from holdfast.cli.program import Command, Group

PAGE = Path(__file__).parents[2] / "docs" / "hfctl.md"
HEADING = "## All commands\n"
OTHER_NAMES = {("ctx",), ("cred",), ("stp",), ("auth", "role"), ("auth", "guest-access")}
SHAPES = {None: "<{}>", "?": "[{}]", "*": "[{} ...]", "+": "<{}> ..."}
HEAD = ["| Command | What it does | Options of its own |", "| --- | --- | --- |"]


def commands_of(entry, words=()):
    """Yield every command below an entry with the words that reach it, each under one name only."""
    if words in OTHER_NAMES:
        return
    if isinstance(entry, Command):
        yield words, entry
        return
    for word, below in entry.commands.items():
        yield from commands_of(below, (*words, word))


def options_of(declare):
    """Return the options that a function declares, with what their help says."""
    parser = CommandParser(command="", summary="")
    declare(parser)
    helps = {name: action.help for action in parser._actions for name in action.option_strings}
    return parser, {name: helps[name] for name in parser.long_options() if name != "--help"}


def row_of(words, command, shared):
    parser, options = options_of(command.load())
    arguments = [
        SHAPES[action.nargs].format(action.metavar or action.dest)
        for action in parser._actions
        if not action.option_strings
    ]
    own = [f"`{name}`" for name, text in options.items() if shared.get(name) != text]
    return f"| `{' '.join(['hfctl', *words, *arguments])}` | {command.summary} | {' '.join(own)} |"


def reference():
    """Return the part of the page below its heading."""
    _, shared = options_of(add_node_options)
    entries = PROGRAM.root.commands.items()
    single = [(word, entry) for word, entry in entries if isinstance(entry, Command)]
    lines = [*HEAD, *(row_of((word,), command, shared) for word, command in single)]
    for word, entry in entries:
        if isinstance(entry, Group) and (word,) not in OTHER_NAMES:
            lines += ["", f"### `hfctl {word}`: {entry.summary[0].lower()}{entry.summary[1:]}", "", *HEAD]
            lines += [row_of(words, command, shared) for words, command in commands_of(entry, (word,))]
    return "\n".join(lines) + "\n"


def written():
    """Return what the page says below its heading."""
    return PAGE.read_text(encoding="utf-8").partition(HEADING)[2].lstrip("\n")


def main():
    before = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    PAGE.write_text(f"{before}{HEADING}\n{reference()}", encoding="utf-8")


if __name__ == "__main__":
    main()
