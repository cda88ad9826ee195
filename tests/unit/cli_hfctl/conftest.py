import pytest

from holdfast.cli.hfctl.commands import PROGRAM


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh home directory, and nothing of the tester's own environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HOLDFAST_NODE", raising=False)
    return tmp_path


@pytest.fixture
def hfctl(home, capsys):
    """Run one command line; return exit code, standard output and standard error."""

    def run(*words):
        code = PROGRAM.main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
