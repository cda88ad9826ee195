"""Sizes, pairs, help: what people type, and how fast the program answers."""

import subprocess
import sys

import pytest
from tests.support.command_reference import PAGE

from holdfast.cli.completion import complete
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.commands import PROGRAM
from holdfast.cli.hfctl.elsewhere import INSTEAD
from holdfast.cli.hfctl.pairs import namespace_of, parse_pairs
from holdfast.cli.hfctl.sizes import format_size, parse_size
from holdfast.cli.program import Command, Group

HEAVY = ("asyncio", "cryptography", "msgspec", "ssl", "urllib3", "yaml")
LOADED_BY_HELP = f"""
import sys
from holdfast.cli.hfctl.commands import PROGRAM
PROGRAM.main(["--help"])
sys.exit(" ".join(name for name in {HEAVY!r} if name in sys.modules) or 0)
"""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64M", 64 << 20),
        ("64m", 64 << 20),
        ("64MiB", 64 << 20),
        ("64MB", 64 << 20),
        ("2G", 2 << 30),
        ("1T", 1 << 40),
        ("512K", 512 << 10),
        ("10", 10 << 30),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "0M", "-1G", "1.5G", "G", "1GG", "1e9", " 1G", "1P", "9" * 13])
def test_sizes_refused(text):
    with pytest.raises(UsageError, match="--size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(64 << 20, "64 MiB"), (3 << 29, "1.5 GiB"), (1 << 40, "1 TiB"), (512, "512 B"), (0, "0 B")],
)
def test_sizes_shown(size, text):
    assert format_size(size) == text


def test_pairs():
    assert parse_pairs(["a=1,b=2", "c="], option="--label") == {"a": "1", "b": "2", "c": ""}
    assert namespace_of(["vault-namespace=ns1"]) == "ns1"
    assert namespace_of([]) == ""


@pytest.mark.parametrize("texts", [["a"], ["=1"], ["a=1", "a=2"]])
def test_pairs_refused(texts):
    with pytest.raises(UsageError):
        parse_pairs(texts, option="--label")


def test_another_secret_option_is_refused():
    with pytest.raises(UsageError, match="vault-namespace"):
        namespace_of(["x=y"])


def all_commands(group, words=()):
    for word, entry in group.commands.items():
        if isinstance(entry, Command):
            yield (*words, word)
        else:
            assert isinstance(entry, Group)
            yield from all_commands(entry, (*words, word))


@pytest.mark.parametrize("words", list(all_commands(PROGRAM.root)), ids=" ".join)
def test_every_command_is_there_and_explains_itself(hfctl, words):
    code, out, _ = hfctl(*words, "--help")
    assert code == 0
    assert out.startswith("Usage: hfctl " + " ".join(words))


def test_help_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", LOADED_BY_HELP], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_command_without_a_node_says_how_to_get_one(hfctl):
    code, _, err = hfctl("volume", "list", "--endpoint", "http://127.0.0.1:1")
    assert code == 2
    assert "holdfast node" in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hfctl contex", ["context"]),
        ("hfctl auth token re", ["renew", "revoke"]),
        ("hfctl --context alice volume ins", ["inspect"]),
        ("hfctl context create --token-f", ["--token-file"]),
        ("hfctl nothing ", []),
    ],
)
def test_lines_are_completed(line, words):
    assert complete(PROGRAM, line) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_of_hfctl(hfctl, shell, monkeypatch):
    code, out, _ = hfctl("completion", shell)
    assert (code, " completion answer" in out) == (0, True)
    assert "hfctl" in out.replace("-C", "").split()
    monkeypatch.setenv("COMP_LINE", "hfctl who")
    assert hfctl("completion", "answer")[1] == "whoami\n"


def test_help_says_what_exit_codes_mean(hfctl):
    out = hfctl("--help")[1]
    assert "Exit codes: 0 done; 1" in out
    assert "Exit codes" not in hfctl("volume", "--help")[1]


def test_help_shows_examples_flush_left(hfctl):
    out = hfctl("context", "create", "--help")[1]
    assert "\nFor example:\n\n    hfctl context create admin" in out


def test_short_words_are_the_commands_that_they_stand_for(hfctl):
    assert hfctl("v", "l", "--help") == hfctl("volume", "list", "--help")
    assert hfctl("cred", "v", "--help") == hfctl("cred", "validate", "--help")
    assert "list, l  " in hfctl("volume", "--help")[1]
    assert complete(PROGRAM, "hfctl v ins") == ["inspect"]


def test_a_slip_of_the_pen_is_told_what_was_probably_meant(hfctl):
    code, _, err = hfctl("volume", "inspekt", "data")
    assert code == 1
    assert "Was `hfctl volume inspect` meant?" in err


@pytest.mark.parametrize("words", INSTEAD, ids=" ".join)
def test_commands_of_the_original_that_are_not_here_say_what_to_do_and_why(hfctl, words):
    code, _, err = hfctl(*words)
    assert code == 1
    assert "no such command" in err
    assert INSTEAD[words] in err
    assert f"`{' '.join(words)}" in PAGE.read_text(encoding="utf-8").partition("## Not here")[2]
