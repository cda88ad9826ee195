"""Command line arguments as users of ``vault``, ``dcos`` and ``pxctl`` already type them.

``-format=json``, ``--format=json``, ``-format json`` and ``--format json`` mean the same; a switch
may be written ``-dev`` or ``-dev=true``; options may stand before, between and after the other
words; ``--`` ends them. Declare every option once, in its ``--long`` form, with an optional
``-s`` of one letter.

What a user typed may be a secret, so no error text of this parser repeats it: errors name the
option and what it expects. Use ``type=int`` or the converters below; never ``choices``, whose error
text quotes the input.
"""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from holdfast.cli.errors import UsageError

_NUMBER = re.compile(r"-\d+(\.\d+)?")
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})
_SHAPES: dict[int | str | None, str] = {
    None: "{}",
    "?": "[{}]",
    "*": "[{} ...]",
    "+": "{} ...",
}  # by how many words an argument takes


class Arguments(argparse.Namespace):
    """What was typed: the value of each argument and option, as ``vars`` returns them.

    Attributes:
        can_be_typed: names of all arguments and options that the command has.
    """

    __slots__ = ("can_be_typed",)  # it is no value that was typed

    can_be_typed: frozenset[str]


class CommandParser(argparse.ArgumentParser):
    """The arguments of one command.

    Args:
        command: the words that reach it, such as ``holdfast kv put``.
        summary: one line for ``--help``.
        may_be_empty: the options that mean something by an empty value; ``None`` for any.
    """

    def __init__(self, *, command: str, summary: str, may_be_empty: frozenset[str] | None = None) -> None:
        super().__init__(
            prog=command,
            description=summary,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.register("type", int, _whole_number)
        self._may_be_empty = may_be_empty
        self._doubt = ""

    def parse_words(self, words: Sequence[str]) -> Arguments:
        """Parse what follows the command's own words.

        Raises:
            UsageError: an option is unknown or lacks its value, or a word is missing or too many.
        """
        self._doubt = ""
        options, positionals = self._sort(words)
        ordered = [*options, "--", *positionals] if positionals else options
        arguments, surplus = self.parse_known_args(ordered, Arguments())
        if surplus:
            self.error("expected fewer words after the command")
        arguments.can_be_typed = frozenset({*self.long_options(), *self.positionals()})
        return arguments

    def refuse_empty_values(self, *, but: frozenset[str] = frozenset()) -> None:
        """Take no empty value for an option, whatever the program does elsewhere.

        Args:
            but: the options that mean something by one.
        """
        self._may_be_empty = but

    def long_options(self) -> list[str]:
        """Return the options in their long forms, sorted."""
        return sorted(name for name in self._option_string_actions if name.startswith("--"))

    def positionals(self) -> list[str]:
        """Return the names of the words that are no options, in their order."""
        return [action.dest for action in self._actions if not action.option_strings]

    def takes_value(self, option: str) -> bool:
        """Whether the word after an option is its value."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs not in {0, "?"}

    def values_of(self, option: str) -> tuple[str, ...]:
        """Return the words that an option accepts, if it accepts only some."""
        action = self._option_string_actions.get(option)
        return action.type.allowed if action is not None and isinstance(action.type, OneOf) else ()

    def format_usage(self) -> str:
        """Return the usage line: the command and its words. Options are many, and listed below it."""
        words = [
            _SHAPES[action.nargs].format(action.metavar or action.dest)
            for action in self._actions
            if not action.option_strings
        ]
        return " ".join(["Usage:", self.prog, "[options]", *words]) + "\n"

    def format_help(self) -> str:
        """Return the usage line, what the command does, and its arguments."""
        _, _, rest = super().format_help().partition("\n\n")
        return f"{self.format_usage()}\n{rest}"

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving, as the base class would."""
        raise UsageError(f"{message}{self._doubt}", usage=self.format_usage())

    def _sort(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        options: list[str] = []
        positionals: list[str] = []
        remaining = iter(words)
        for word in remaining:
            if word == "--":
                positionals += remaining
            elif not is_option(word):
                positionals.append(word)
            else:
                name, equals, value = canonical_option(word).partition("=")
                action = self._option_string_actions.get(name)
                if action is None:
                    self.error(f"{name}: this command has no such option")
                elif action.nargs == 0:
                    options += [name] if not equals or self._switch_is_on(name, value) else []
                elif action.nargs == "?":  # a switch that may have a value; it takes no word from others
                    options.append(f"{max(action.option_strings, key=len)}{equals}{value}")
                else:
                    taken = value if equals else next(remaining, None)
                    if taken in {None, "--"}:
                        self.error(f"{name}: expected a value after it")
                    long_name = max(action.option_strings, key=len)
                    if not equals:
                        self._look_for_option(taken, after=long_name)
                    if not taken and self._must_not_be_empty(long_name):
                        # A variable of a script that is not set, say: to go on as if the option had not
                        # been given would make a volume without a key, or ask as somebody else.
                        self.error(f"{long_name}: expected a value that is not empty")
                    options.append(f"{long_name}={taken}")
        return options, positionals

    def _look_for_option(self, taken: str, *, after: str) -> None:
        """Look whether the word that an option takes as its value is the next option: then it lacks its own.

        Where any value may be meant, that is said only if something else is wrong as well.
        """
        option = canonical_option(taken).partition("=")[0] if is_option(taken) else ""
        if option not in self._option_string_actions:
            return
        if self._may_be_empty is not None:
            self.error(
                f"{after}: expected a value after it, and there is the option {option}; "
                f"if that is the value, write both as one word, with = between them"
            )
        self._doubt = f" (is {option} meant to be the value of {after}?)"

    def _must_not_be_empty(self, long_name: str) -> bool:
        return self._may_be_empty is not None and not (
            long_name in self._may_be_empty or self.values_of(long_name)  # whose error says what they can be
        )

    def _switch_is_on(self, name: str, value: str) -> bool:
        if value.lower() not in _TRUE | _FALSE:
            self.error(f"{name}: expected true or false")
        return value.lower() in _TRUE


def is_option(word: str) -> bool:
    """Whether a word is an option, rather than a lone ``-``, a negative number or plain text."""
    return word.startswith("-") and word != "-" and _NUMBER.fullmatch(word) is None


def canonical_option(word: str) -> str:
    """Return an option with two dashes if its name is longer than one letter, with one otherwise."""
    name, equals, value = word.lstrip("-").partition("=")
    return ("-" if len(name) == 1 else "--") + name + equals + value


class OneOf:
    """A converter that accepts exactly these words.

    Attributes:
        allowed: the words.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)

    def __call__(self, text: str) -> str:
        """Return the word.

        Raises:
            ArgumentTypeError: it is none of them.
        """
        if text not in self.allowed:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(self.allowed)}")
        return text


def one_of(*allowed: str) -> OneOf:
    """Return a converter that accepts exactly these words."""
    return OneOf(allowed)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a whole number") from None
