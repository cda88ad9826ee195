import os
from contextlib import suppress

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.commands import PROGRAM
from holdfast.cli.hfctl.context_file import context_file, read_contexts
from holdfast.cli.hfctl.token_places import forget


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh home directory, and nothing of the tester's own environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("BAO_", "HFCTL_", "HOLDFAST_", "VAULT_")):
            monkeypatch.delenv(name)
    yield tmp_path
    # The kernel takes few keys of a user, and would keep these for a day.
    with suppress(LocalError):
        for context in read_contexts(context_file(tmp_path)).known.values():
            forget(context)


@pytest.fixture
def hfctl(home, capsys):
    """Run one command line; return exit code, standard output and standard error."""

    def run(*words):
        code = PROGRAM.main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
