"""``holdfast completion``: see ``holdfast.cli.completion``."""

from holdfast.cli.arguments import CommandParser
from holdfast.cli.completion import print_answers, print_setup
from holdfast.cli.program import Run


def bash(_parser: CommandParser) -> Run:
    """Print a line for ~/.bashrc; in this shell at once: eval "$(holdfast completion bash)"."""
    return lambda _: print_setup("holdfast", "bash")


def zsh(_parser: CommandParser) -> Run:
    """Print lines for ~/.zshrc; in this shell at once: eval "$(holdfast completion zsh)"."""
    return lambda _: print_setup("holdfast", "zsh")


def fish(_parser: CommandParser) -> Run:
    """Print a line for fish; in this shell at once: holdfast completion fish | source."""
    return lambda _: print_setup("holdfast", "fish")


def answer(parser: CommandParser) -> Run:
    """Print how the line in COMP_LINE can go on; shells call this."""
    from holdfast.cli.holdfast.commands import PROGRAM

    parser.add_argument("words", nargs="*", help="what bash says of the line, which is not needed")
    return lambda _: print_answers(PROGRAM)
