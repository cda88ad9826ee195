"""What an import says: how far it is, what became of each secret, and a code that scripts can trust."""

import io
import json
import time

import pytest
import yaml

from holdfast.cli.migrate.parallel import AT_ONCE, Progress, for_each
from holdfast.cli.migrate.report import Outcome, Row, exit_code_of, show
from holdfast.cli.ticker import LOG_SECONDS, TERMINAL_SECONDS
from holdfast.clock import ManualClock

ROWS = [
    Row("a", Outcome.CREATED),
    Row("b", Outcome.IDENTICAL),
    Row("c", Outcome.FAILED, "permission denied", 2),
    Row("\udcff\x1b[2J", Outcome.FAILED, "bad name", 1),
]


class TestReport:
    def test_a_table_for_people_shows_no_controls(self, capsys):
        show(ROWS, "table", dry_run=False)
        printed = capsys.readouterr()
        lines = [line.split() for line in printed.out.splitlines()]
        assert lines[0] == ["Path", "Outcome", "Reason"]
        assert lines[4] == ["c", "failed", "permission", "denied"]
        assert "\x1b" not in printed.out
        assert printed.err == "4 secrets: 1 created, 1 identical, 2 failed\n"

    @pytest.mark.parametrize(("output_format", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
    def test_the_same_for_programs(self, capsys, output_format, load):
        show(ROWS, output_format, dry_run=True)
        printed = capsys.readouterr()
        report = load(printed.out)
        assert report["dry_run"] is True
        assert report["summary"] == {"created": 1, "identical": 1, "replaced": 0, "skipped": 0, "failed": 2}
        assert report["secrets"][2] == {"path": "c", "outcome": "failed", "reason": "permission denied"}
        assert report["secrets"][3]["path"] == "\\udcff\x1b[2J"
        assert "nothing was written" in printed.err

    def test_nothing_to_do_is_said(self, capsys):
        show([], "json", dry_run=False)
        assert capsys.readouterr().err == "0 secrets: nothing to do\n"

    @pytest.mark.parametrize(
        ("rows", "code"),
        [
            pytest.param([], 0, id="nothing"),
            pytest.param(ROWS[:2], 0, id="all-well"),
            pytest.param(ROWS[3:], 1, id="trouble-on-this-side"),
            pytest.param(ROWS, 2, id="trouble-on-both"),
        ],
    )
    def test_the_exit_code_is_that_of_the_gravest_failure(self, rows, code):
        assert exit_code_of(rows) == code


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgress:
    def _said(self, stream, seconds, step):
        clock = ManualClock()
        progress = Progress(1000, stream=stream, clock=clock.now)
        for _ in range(int(seconds / step)):
            clock.advance(step)
            progress.advance()
        progress.finish()
        return stream.getvalue()

    def test_a_terminal_sees_one_line_that_is_gone_at_the_end(self):
        said = self._said(Terminal(), 2, 0.125)
        assert said.startswith("\r2 of 1000 secrets")
        assert said.endswith("\r\x1b[K")
        assert "\n" not in said
        assert said.count("secrets") <= 2 / TERMINAL_SECONDS

    def test_a_log_gets_a_line_now_and_then(self):
        said = self._said(io.StringIO(), 4 * LOG_SECONDS, 0.5)
        assert len(said.splitlines()) == 4
        assert "\r" not in said

    @pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
    def test_what_is_done_soon_says_nothing(self, stream):
        assert self._said(stream, TERMINAL_SECONDS / 2, TERMINAL_SECONDS / 10) == ""


class TestSeveralAtATime:
    def test_results_come_in_order(self):
        assert [*for_each(range(100), lambda number: number * 2)] == [*range(0, 200, 2)]

    def test_no_more_than_a_few_run_at_once(self):
        import threading

        running, most, lock = 0, 0, threading.Lock()
        gate = threading.Barrier(AT_ONCE)

        def work(_):
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            gate.wait(60)
            with lock:
                running -= 1

        assert len([*for_each(range(5 * AT_ONCE), work)]) == 5 * AT_ONCE
        assert most == AT_ONCE

    def test_whoever_interrupts_stops_what_has_not_begun(self):
        done = []

        def work(number):
            done.append(number)
            time.sleep(0.01)  # or all may be over before anybody can interrupt

        results = for_each(range(10_000), work)
        next(results)
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt)
        assert len(done) < 10_000
