"""docs/hfctl.md lists every command and option that there is, and no other."""

from tests.support.command_reference import reference, written


def test_the_page_lists_every_command():
    hint = "write it anew: .venv/bin/python -m tests.support.command_reference"
    assert written() == reference(), hint
