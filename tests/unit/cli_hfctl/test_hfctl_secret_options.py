"""Secrets of credentials come from a file, a variable, a pipe or a prompt; on the line with a warning."""

import io
from argparse import Namespace

import pytest

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl import secret_options
from holdfast.cli.hfctl.secret_options import add_secret_options, given_secret
from holdfast.cli.hfctl.signing import _typed_secret
from holdfast.cli.typed_input import secret_word

OPTION = "--s3-secret-key"


def given(*words, prompt="", **declared):
    parser = CommandParser(command="", summary="")
    add_secret_options(parser, OPTION, what="the key", **declared)
    return given_secret(parser.parse_args(list(words)), OPTION, prompt=prompt)


def test_from_a_file_without_its_line_end(tmp_path, capsys):
    file = tmp_path / "key"
    file.write_text("two words\n")
    file.chmod(0o600)
    assert given(f"{OPTION}-file", str(file)) == "two words"
    assert capsys.readouterr().err == ""


def test_a_file_that_others_can_read_is_told(tmp_path, capsys):
    file = tmp_path / "key"
    file.write_text("secret")
    file.chmod(0o644)
    assert given(f"{OPTION}-file", str(file)) == "secret"
    assert "chmod 600" in capsys.readouterr().err


def test_from_a_variable(monkeypatch):
    monkeypatch.setenv("S3_SECRET", "secret")
    assert given(f"{OPTION}-env", "S3_SECRET") == "secret"


def test_from_a_pipe(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\nnext\n"))
    assert given(OPTION, "-") == "secret"


def test_on_the_line_with_a_warning_that_does_not_repeat_it(capsys):
    assert given(OPTION, "canary") == "canary"
    told = capsys.readouterr().err
    assert "visible to others" in told
    assert "canary" not in told


def test_asked_for_where_it_is_needed(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: "typed" if "Secret key" in prompt else "")
    assert given(prompt="Secret key") == "typed"
    assert given() is None


def test_standard_input_that_is_a_terminal_does_not_show_what_is_typed(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("shown\n"))
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: "hidden")
    assert given(OPTION, "-") == "hidden"
    assert secret_word("-", prompt="Token", name="--token").reveal() == b"hidden"


def test_blanks_are_part_of_a_passphrase_whichever_way_it_is_given(monkeypatch, tmp_path):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    secret, file = " with blanks ", tmp_path / "secret"
    file.write_text(f"{secret}\n")
    monkeypatch.setenv("SECRET_WITH_BLANKS", secret)
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: secret)
    assert given(f"{OPTION}-file", str(file)) == given(f"{OPTION}-env", "SECRET_WITH_BLANKS") == secret
    for stdin in (io.StringIO(f"{secret}\n"), Terminal()):
        monkeypatch.setattr("sys.stdin", stdin)
        assert given(OPTION, "-") == secret
    assert _typed_secret(Namespace(shared_secret="-")).reveal().decode() == secret


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        pytest.param((OPTION, "x", f"{OPTION}-env", "Y"), UsageError, "in one way", id="two-ways"),
        pytest.param((f"{OPTION}-env", "NOT_SET_HERE"), LocalError, "not set", id="no-variable"),
        pytest.param((f"{OPTION}-file", "/none"), LocalError, "cannot be read", id="no-file"),
        pytest.param((f"{OPTION}-file", "/dev/null"), LocalError, "not empty", id="empty-file"),
        pytest.param((OPTION, " "), LocalError, "not empty", id="blank"),
    ],
)
def test_what_cannot_be_had_names_the_option(words, error, text):
    with pytest.raises(error, match=f"{OPTION}.*{text}"):
        given(*words)


def test_a_file_of_other_than_text_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe")
    file.chmod(0o600)
    with pytest.raises(LocalError, match="UTF-8"):
        given(f"{OPTION}-file", str(file))


def test_a_long_one_is_taken_from_a_file_only():
    with pytest.raises(UsageError):
        given(OPTION, "x", in_file_only=True)


def test_an_option_that_was_not_declared_is_not_there():
    assert secret_options.given_secret(Namespace(), OPTION) is None
