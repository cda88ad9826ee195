"""Sizes, pairs, help: what people type, and how fast the program answers."""

import inspect
import itertools
import os
import shlex
import subprocess
import sys

import pytest
from tests.support.command_reference import PAGE

from holdfast.cli.arguments import CommandParser
from holdfast.cli.completion import complete
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.advice import advise
from holdfast.cli.hfctl.commands import PROGRAM
from holdfast.cli.hfctl.elsewhere import INSTEAD
from holdfast.cli.hfctl.pairs import namespace_of, parse_pairs
from holdfast.cli.hfctl.sizes import format_size, parse_size
from holdfast.cli.program import Command, Group
from holdfast.errors import InvalidInputError, NotFoundError, UnavailableError

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
    assert namespace_of(["secret_store=s1"]) == "s1"
    assert namespace_of(["namespace=team"]) == "team"
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
        ("hfctl --context al", ["alice"]),
        ("hfctl volume list --context ", ["alice", "bob"]),
        ("hfctl --context alice context set ", ["alice", "bob"]),
        ("hfctl ctx delete b", ["bob"]),
        ("hfctl context set alice ", []),
        ("hfctl --config /none context set ", []),
        ("hfctl context set --config=/none ", []),
        ("hfctl volume list --output ", ["table", "json", "yaml"]),
        ("hfctl volume list -output y", ["yaml"]),
        ("hfctl auth token generate --output ", []),
        ("hfctl volume list --label ", []),
        ("hfctl --endpoint ", []),
        ("hfctl volume list --json --out", ["--output"]),
    ],
)
def test_lines_are_completed(hfctl, line, words):
    for name in ("alice", "bob"):
        hfctl("context", "create", name)
    assert complete(PROGRAM, line) == words


def test_contexts_that_are_not_safe_to_read_are_not_offered(home):
    (home / ".hfctl").mkdir()
    (home / ".hfctl" / "contextconfig").write_text("contextconfig: [")
    assert complete(PROGRAM, "hfctl context set ") == []


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


@pytest.mark.parametrize(
    "line",
    [
        "volume create data --secret_key=",
        "volume create data --size=",
        "volume list --context=",
        "context create alice --token=",
        "context create alice --token-file=",
        "auth token revoke --subject bob --issued-before=",
        "auth token generate --auth-config=a.yaml --issuer=px.example --shared-secret-env=KEY --output=",
        "credentials create c --provider nfs --nfs-server=server --encryption-passphrase=",
        "secrets scope set team --prefix= --group=",
    ],
)
def test_a_variable_of_a_script_that_is_not_set_is_not_taken_for_an_option_that_was_not_given(hfctl, line):
    """It would make a volume without a key, ask as somebody else, take back more than was meant."""
    words = line.split()
    code, out, err = hfctl(*words)
    assert (code, out) == (1, "")
    assert err.startswith(
        f"Error: {words[-1].removesuffix('=')}: expected a value that is not empty\nUsage: "
    )


@pytest.mark.parametrize("line", ["volume access update data --groups=", "secrets scope set all --prefix="])
def test_where_an_empty_value_means_something_it_is_taken(hfctl, line):
    code, _, err = hfctl(*line.split(), "--endpoint", "http://127.0.0.1:1")
    assert (code, "no answer from" in err) == (2, True)


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


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        pytest.param(
            UnavailableError("no answer from http://node:9021: nothing"), "`holdfast node`", id="node"
        ),
        pytest.param(
            UnavailableError("the secrets provider (dcos): no answer from https://x"), "", id="provider"
        ),
        pytest.param(NotFoundError("Volume x not found"), "`hfctl volume list`", id="no-volume"),
        pytest.param(
            NotFoundError("No Secret Data found for Secret ID"), "`hfctl secrets list`", id="no-secret"
        ),
        pytest.param(
            InvalidInputError("--cred-id: expected one for S3; backups go nowhere else"),
            "`hfctl credentials create`",
            id="no-credential",
        ),
    ],
)
def test_advice_is_about_what_is_wrong(error, advice):
    assert advice in advise(error)
    assert bool(advise(error)) == bool(advice)


def test_the_name_of_the_cluster_wide_key_is_asked_for_where_somebody_can_answer(home):
    prompt = "Enter cluster wide secret key: "
    terminal, stdin = os.openpty()
    words = ["secrets", "set-cluster-key", "--endpoint", "http://127.0.0.1:1"]
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli.hfctl", *words],
            stdin=stdin,
            stderr=subprocess.PIPE,
            env={"HOME": str(home)},
            start_new_session=True,
            text=True,
        ) as asking:
            assert asking.stderr.read(len(prompt)) == prompt
            os.write(terminal, b"some/name\n")
            _, said = asking.communicate(timeout=60)
    finally:
        os.close(terminal)
        os.close(stdin)
    assert "no answer from http://127.0.0.1:1" in said
    assert asking.returncode == 2


def test_nobody_is_asked_for_the_name_in_a_script(home):
    done = subprocess.run(
        [sys.executable, "-m", "holdfast.cli.hfctl", "secrets", "set-cluster-key"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"HOME": str(home)},
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "expected the name of a secret, with --secret" in done.stderr) == (1, True)


def examples():
    for words in all_commands(PROGRAM.root):
        group = PROGRAM.root
        for word in words[:-1]:
            group = group.commands[word]
        text = inspect.cleandoc(group.commands[words[-1]].load().__doc__ or "").replace("\\\n", "")
        for line in text.splitlines():
            if line.startswith("    hfctl "):
                yield pytest.param(line.strip(), id=line.strip())


@pytest.mark.parametrize("line", list(dict.fromkeys(examples())))
def test_examples_in_the_help_are_commands_with_options_that_there_are(line):
    _, *words = itertools.takewhile(lambda word: word != "<", shlex.split(line))
    entry = PROGRAM.root
    while isinstance(entry, Group):
        entry = entry.commands[words.pop(0)]
    parser = CommandParser(command=line, summary="")
    entry.load()(parser)
    parser.parse_words(words)
