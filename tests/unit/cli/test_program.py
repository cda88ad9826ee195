"""A program finds its command lazily and leaves with a code that never changes meaning."""

import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.program import Command, Group, Program
from holdfast.cli.typed_input import secret_word
from holdfast.client.errors import RemotePermissionDeniedError

SECRET = "hunter2"


def echo(parser):
    parser.add_argument("--address")
    parser.add_argument("words", nargs="*")

    def run(arguments):
        print(arguments.address, *arguments.words)
        return 0

    return run


def refuse(parser):
    def run(arguments):
        raise RemotePermissionDeniedError("permission denied")

    return run


def distrust(parser):
    def run(arguments):
        raise LocalError("token file: expected it to be yours")

    return run


def encode(parser):
    parser.add_argument("word")

    def run(arguments):
        return len(arguments.word.encode())

    return run


def ask(parser):
    def run(arguments):
        return len(secret_word("-", prompt="Token", name="token").reveal())

    return run


def break_down(parser):
    def run(arguments):
        raise RuntimeError(SECRET)

    return run


def interrupt(parser):
    def run(arguments):
        raise KeyboardInterrupt

    return run


def end_of_input(parser):
    def run(arguments):
        raise EOFError

    return run


def miss_a_file(parser):
    def run(arguments):
        raise FileNotFoundError(2, "No such file or directory", "somewhere.hcl")

    return run


HERE = f"{__name__}:"
PROGRAM = Program(
    name="try",
    root=Group(
        "Try things",
        {
            "echo": Command("Say it again", HERE + "echo"),
            "deep": Group("Nested", {"echo": Command("Say it again", HERE + "echo")}),
            "refuse": Command("Be refused", HERE + "refuse"),
            "distrust": Command("Distrust", HERE + "distrust"),
            "encode": Command("Send it", HERE + "encode"),
            "ask": Command("Ask for something", HERE + "ask"),
            "break": Command("Break down", HERE + "break_down"),
            "interrupt": Command("Stop", HERE + "interrupt"),
            "end": Command("End an answer by Ctrl-D", HERE + "end_of_input"),
            "file": Command("Miss a file", HERE + "miss_a_file"),
            "client-only": Command("Not installed", "no_such_package.module:nothing"),
            "absent": Command("Not importable", "holdfast.cli.no_such_module:nothing"),
        },
    ),
    version="try 1",
    options_with_value=frozenset({"--address"}),
    explain=lambda error: "Try less.",
)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(["echo", "a", "-address=x"], "x a\n", id="option-after"),
        pytest.param(["-address=x", "echo", "a"], "x a\n", id="option-before-with-equals"),
        pytest.param(["-address", "x", "deep", "echo", "a"], "x a\n", id="option-before-with-blank"),
        pytest.param(["deep", "--address", "x", "echo", "a"], "x a\n", id="option-between"),
        pytest.param(["-version"], "try 1\n", id="version"),
    ],
)
def test_a_command_is_found_and_run(words, printed, capsys):
    assert PROGRAM.main(words) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("words", "code", "remark"),
    [
        pytest.param(["nothing"], 1, "no such command", id="unknown-command"),
        pytest.param(["deep", "nothing"], 1, "no such command", id="unknown-nested-command"),
        pytest.param(["echo", "--nothing"], 1, "Usage: try echo", id="unknown-option"),
        pytest.param(["refuse"], 2, "permission denied\nTry less.", id="refused-by-the-server"),
        pytest.param(["distrust"], 1, "token file: expected it to be yours", id="refused-here"),
        pytest.param(["break"], 1, "RuntimeError at test_program.py", id="our-defect"),
        pytest.param(["absent"], 1, "a defect in try (ModuleNotFoundError", id="our-own-module-missing"),
        pytest.param(["client-only"], 1, "pip install 'holdfast[all]'", id="not-installed"),
        pytest.param(["file"], 1, "somewhere.hcl: No such file", id="missing-file"),
        pytest.param(["interrupt"], 130, "", id="interrupted"),
        pytest.param(["end"], 1, "expected an answer, and the input has ended", id="no-answer-at-a-prompt"),
    ],
)
def test_failures_have_a_code_and_a_sentence(words, code, remark, capsys):
    assert PROGRAM.main(words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert remark in captured.err
    assert SECRET not in captured.err
    assert "Traceback" not in captured.err


def test_help_lists_the_commands_without_importing_them(capsys):
    assert PROGRAM.main(["--help"]) == 0
    assert "Not importable" in capsys.readouterr().out


def test_help_of_one_command_shows_its_options(capsys):
    assert PROGRAM.main(["echo", "-h"]) == 0
    assert "--address" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["deep"], ["--nothing"], ["--address", "x"]])
def test_no_command_shows_help_and_fails(words, capsys):
    assert PROGRAM.main(words) == 1
    assert "Say it again" in capsys.readouterr().out


def test_text_of_another_encoding_is_a_mistake_and_no_defect(capsys):
    # as Python has a byte of the command line that is not UTF-8
    assert PROGRAM.main(["encode", "caf\udce9"]) == 1
    assert capsys.readouterr().err == "Error: expected text in UTF-8, on the command line and in files\n"


def run_with_streams(redirection, *words):
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; from {__name__} import PROGRAM; sys.exit(PROGRAM.main())"
    )
    command = ["bash", "-c", f'"$0" -c "$1" "${{@:2}}" {redirection}', sys.executable, program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=Path.cwd())
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("redirection", "words", "seen"),
    [
        pytest.param(
            "<&-",
            ["ask"],
            (1, "", "Error: token: expected one; type it at the prompt or pipe it in\nTry less.\n"),
            id="input",
        ),
        pytest.param(">&-", ["echo", "a"], (1, "", "Error: the system: Bad file descriptor\n"), id="output"),
        pytest.param("2>&-", ["refuse"], (2, "", ""), id="remarks-do-not-go-among-the-results"),
    ],
)
def test_a_stream_that_is_closed_is_no_defect(redirection, words, seen):
    assert run_with_streams(redirection, *words) == seen
