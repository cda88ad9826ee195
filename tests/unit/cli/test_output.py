"""Tables keep the layout that scripts cut apart; JSON stays exact; a value never drives the terminal."""

import json

import pytest
import yaml

from holdfast.cli.output import as_cell, on_one_line, print_pairs, print_result, print_table, printable, warn


def test_the_pairs_table_has_the_published_layout(capsys):
    print_pairs(
        [
            ("created_time", "2019-06-19T17:20:22.985303Z"),
            ("deletion_time", "n/a"),
            ("destroyed", False),
            ("version", 1),
        ],
    )
    assert capsys.readouterr().out == (
        "Key              Value\n"
        "---              -----\n"
        "created_time     2019-06-19T17:20:22.985303Z\n"
        "deletion_time    n/a\n"
        "destroyed        false\n"
        "version          1\n"
    )


def test_a_column_is_as_wide_as_its_widest_cell(capsys):
    print_table(("Path", "Type"), [("s/", "kv"), ("a-long-mount/", "kv")])
    assert capsys.readouterr().out.splitlines() == [
        "Path             Type",
        "----             ----",
        "s/               kv",
        "a-long-mount/    kv",
    ]


def test_a_table_without_rows_still_has_its_heading(capsys):
    print_table(("Keys",), [])
    assert capsys.readouterr().out == "Keys\n----\n"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(None, "<nil>", id="nothing"),
        pytest.param(True, "true", id="true"),
        pytest.param(0, "0", id="zero"),
        pytest.param([], "[]", id="empty-list"),
        pytest.param(["root", "default"], "[root default]", id="list"),
        pytest.param({}, "map[]", id="empty-map"),
        pytest.param({"b": None, "a": [1]}, "map[a:[1] b:<nil>]", id="nested-map"),
    ],
)
def test_cells_are_written_the_go_way(value, cell):
    assert as_cell(value) == cell


VALUE = {"keys": ["a", "b/"], "text": "\u00fc\x1b[2J", "number": 7, "nothing": None}


def test_json_and_yaml_are_exact(capsys):
    print_result(VALUE, "json")
    assert json.loads(capsys.readouterr().out) == VALUE
    print_result(VALUE, "yaml")
    assert yaml.safe_load(capsys.readouterr().out) == VALUE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain \u00fc", "plain \u00fc", id="printable"),
        pytest.param("two\nlines\tand tab", "two\nlines\tand tab", id="newline-and-tab-stay"),
        pytest.param("\x1b]0;title\x07", "\\x1b]0;title\\x07", id="window-title"),
        pytest.param("\u202egnp.exe", "\\u202egnp.exe", id="right-to-left-override"),
        pytest.param("a\rb", "a\\rb", id="carriage-return"),
    ],
)
def test_a_value_cannot_drive_the_terminal(text, shown):
    assert printable(text) == shown


def test_what_is_to_stay_in_its_row_begins_no_other():
    assert on_one_line("a\nb\tc\x1b[2J") == "a\\nb\\tc\\x1b[2J"


def test_warnings_stay_off_standard_output(capsys):
    warn("something")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "WARNING! something\n")
