import os

import pytest

from holdfast.cli.hfctl.commands import PROGRAM


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh home directory, and nothing of the tester's own environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("BAO_", "HFCTL_", "HOLDFAST_", "VAULT_")):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def hfctl(home, capsys):
    """Run one command line; return exit code, standard output and standard error."""

    def run(*words):
        code = PROGRAM.main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
