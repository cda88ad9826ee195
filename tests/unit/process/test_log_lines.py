"""A record is one line of the log, whatever was chosen by somebody else in it."""

import io
import logging

import pytest

from holdfast.process.log_lines import OneLine, log_to_stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("role x\n2030-01-01 INFO all is well", r"role x\n2030-01-01 INFO all is well"),
        ("a\r\u2028\x85b", r"a\r\u2028\x85b"),
        ("\x1b[2J\x00", r"\x1b[2J\x00"),
        ("größe, team blue", "größe, team blue"),
        ("half a character \udc80", r"half a character \udc80"),
    ],
)
def test_no_text_begins_a_line_of_its_own(text, line):
    record = logging.LogRecord("holdfast", logging.INFO, "", 0, "%s", (text,), None)
    assert OneLine("%(levelname)s %(message)s").format(record) == f"INFO {line}"


def test_what_the_programs_log_goes_that_way(monkeypatch):
    root = logging.getLogger()
    before, level, stream = root.handlers[:], root.level, io.StringIO()
    root.handlers[:] = []  # those of the test run itself are not to be closed
    monkeypatch.setattr("sys.stderr", stream)
    try:
        log_to_stderr("%(name)s: %(message)s")
        logging.getLogger("holdfast.test").info("one\ntwo")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert stream.getvalue() == "holdfast.test: one\\ntwo\n"
