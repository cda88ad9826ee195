"""One command line program: a tree of commands, loaded only when asked for, and its exit codes.

A command is a function named by text, so that ``--help`` and every other command start without
importing it. It declares its arguments and returns what runs them; its docstring is its help::

    def get(parser: CommandParser) -> Run:
        '''Read a secret: its newest version, or a given one.'''
        parser.add_argument("path", help="...")
        return _get

Exit codes never change meaning: 0 done, 1 the mistake or the trouble is on this side (usage, a file,
the terminal), 2 the server refused, failed or could not be reached; also a sealed store, for
``status``. 130 means interrupted.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from holdfast.cli.arguments import CommandParser, canonical_option, is_option
from holdfast.cli.errors import Shown, UsageError
from holdfast.cli.output import remark
from holdfast.errors import HoldfastError

EXIT_OK = 0
EXIT_LOCAL_ERROR = 1
EXIT_REMOTE_ERROR = 2
EXIT_INTERRUPTED = 130

Run = Callable[[Namespace], int]
Declare = Callable[[CommandParser], Run]


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        summary: one line for help.
        target: where its ``Declare`` function is, as ``package.module:function``.
    """

    summary: str
    target: str

    def load(self) -> Declare:
        """Import the command."""
        module, _, name = self.target.partition(":")
        declare: Declare = getattr(import_module(module), name)
        return declare


@dataclass(frozen=True, slots=True)
class Group:
    """Commands under one word.

    Attributes:
        summary: one line for help.
        commands: what may follow the word.
        short: other words for some of them, as people who type a lot have them.
    """

    summary: str
    commands: Mapping[str, "Command | Group"]
    short: Mapping[str, str] = field(default_factory=dict)

    def find(self, word: str) -> str:
        """Return the name of the command that a word means; the word itself if there is none."""
        return self.short.get(word, word)


@dataclass(frozen=True, slots=True)
class Program:
    """A command line program.

    Attributes:
        name: what users type.
        root: its commands.
        version: what ``--version`` prints.
        options_with_value: options such as ``--address`` that may stand before the command and take a
            value; the commands declare them.
        may_be_empty: the options that mean something by an empty value, if most mean nothing by it; ``None``
            leaves that to each command.
        explain: turns an error into advice on what to try next; empty for none.
        elsewhere: says of words that are no command here, and are one in a program that people come from,
            what to do instead; empty for others.
        closing: what stands below the list of commands.
        names: for completion, where the function is that returns the words which an option (``--context``)
            or the first word after a command (``context set``) can be; it is called with the words so far.
    """

    name: str
    root: Group
    version: str
    options_with_value: frozenset[str] = field(default_factory=frozenset)
    may_be_empty: frozenset[str] | None = None
    explain: Callable[[HoldfastError], str] = lambda _: ""
    elsewhere: Callable[[Sequence[str]], str] = lambda _: ""
    closing: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def main(self, words: Sequence[str] | None = None) -> int:
        """Run one command line and return the exit code. Prints, never raises."""
        code = EXIT_LOCAL_ERROR
        _replace_closed_streams()
        try:
            code = self._run(sys.argv[1:] if words is None else words)
        except HoldfastError as error:
            code = self._report(error)
        except Shown as shown:
            print(shown.text)
            code = EXIT_OK
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        except OSError as error:
            if not isinstance(error, BrokenPipeError):  # then the reader has seen enough and left
                remark(f"Error: {error.filename or 'the system'}: {error.strerror or type(error).__name__}")
            _let_go_of_output()
        except EOFError:
            remark("Error: expected an answer, and the input has ended")
        except UnicodeEncodeError as error:
            if error.encoding == "utf-8":  # what Python keeps the bytes of other encodings as
                remark("Error: expected text in UTF-8, on the command line and in files")
            else:
                remark(f"Error: text cannot be printed in {error.encoding}; try again with LC_ALL=C.UTF-8")
            _let_go_of_output()
        except Exception as error:  # noqa: BLE001 - the last resort; an unknown text may quote a secret
            remark(f"Error: {_missing_package(error) or self._defect(error)}")
        return code

    def _defect(self, error: BaseException) -> str:
        return f"a defect in {self.name} ({_place(error)}). Please report it."

    def _run(self, words: Sequence[str]) -> int:
        code = self._dispatch(words)
        sys.stdout.flush()  # what was printed must have arrived before the code may say so
        return code

    def _report(self, error: HoldfastError) -> int:
        remark(f"Error: {error.message}")
        advice = error.usage.rstrip() if isinstance(error, UsageError) else self.explain(error)
        if advice:
            remark(advice)
        from holdfast.client.errors import RemoteError  # loaded by now if the error came from there

        return EXIT_REMOTE_ERROR if isinstance(error, RemoteError) else EXIT_LOCAL_ERROR

    def _dispatch(self, words: Sequence[str]) -> int:
        here: Command | Group = self.root
        spoken = [self.name]
        early: list[str] = []
        remaining = list(words)
        while isinstance(here, Group):
            if not remaining:
                print(self._help(spoken, here))
                return EXIT_LOCAL_ERROR  # nothing was done, as far as a script can tell
            word = remaining.pop(0)
            if is_option(word):
                option = canonical_option(word)
                if option in {"-h", "--help"}:
                    print(self._help(spoken, here))
                    return EXIT_OK
                if option == "--version":
                    print(self.version)
                    return EXIT_OK
                early.append(word)
                if option in self.options_with_value and remaining:
                    early.append(remaining.pop(0))
            elif (name := here.find(word)) in here.commands:
                here = here.commands[name]
                spoken.append(name)
            else:
                raise UsageError(
                    f"{' '.join(spoken)}: no such command; try {' '.join([*spoken, '--help'])}",
                    usage=self.elsewhere([*spoken[1:], word]) or _meant(spoken, word, here.commands),
                )
        declare = here.load()
        parser = CommandParser(
            command=" ".join(spoken),
            summary=_flush_left(declare.__doc__ or here.summary),
            may_be_empty=self.may_be_empty,
        )
        run = declare(parser)
        try:
            arguments = parser.parse_words([*early, *remaining])
        except SystemExit:  # argparse leaves this way after it printed --help
            return EXIT_OK
        return run(arguments)

    def _help(self, spoken: Sequence[str], group: Group) -> str:
        names = {name: [name] for name in group.commands}
        for word, name in group.short.items():
            names[name].append(word)
        width = max(len(", ".join(words)) for words in names.values())
        return "\n".join(
            [
                f"{group.summary}",
                "",
                f"Usage: {' '.join(spoken)} <command> [options] [arguments]",
                "",
                *(
                    f"    {', '.join(names[word]).ljust(width)}  {entry.summary}"
                    for word, entry in group.commands.items()
                ),
                "",
                f"{' '.join(spoken)} <command> --help explains one of them.",
                *(["", self.closing] if self.closing and group is self.root else []),
            ],
        )


def _meant(spoken: Sequence[str], word: str, commands: Mapping[str, object]) -> str:
    """Name the command that a misspelt word was probably meant for; nothing if none is like it."""
    from difflib import get_close_matches

    close = get_close_matches(word, commands, n=1)
    return f"Was `{' '.join([*spoken, *close])}` meant?" if close else ""


def _flush_left(docstring: str) -> str:
    """Return a docstring without the blanks that its place in the source gives it."""
    from textwrap import dedent

    first, _, rest = docstring.partition("\n")
    return f"{first}\n{dedent(rest)}".strip()


def _replace_closed_streams() -> None:
    """Put something in the place of standard streams that the caller has closed.

    Python has none then, and what is for one of them would go to another, or into a file of that number. An
    input is empty; what is printed as a result cannot arrive, and is told to be lost; remarks are for nobody.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")  # so that writing fails
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _let_go_of_output() -> None:
    """Send what standard output still holds, or drop it: the interpreter would fail on it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _missing_package(error: Exception) -> str:
    """Say which package a client's installation lacks for this command; nothing if it lacks none."""
    if not isinstance(error, ModuleNotFoundError) or (error.name or "holdfast").startswith("holdfast"):
        return ""
    return f"this command needs the Python package {error.name}; pip install 'holdfast[all]' brings it"


def _place(error: BaseException) -> str:
    """Name the kind of a defect and the line it came from; its text may quote what a user typed."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
