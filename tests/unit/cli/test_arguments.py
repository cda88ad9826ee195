"""The argument parser takes what users of vault, dcos and pxctl type, and never repeats it in an error."""

import pytest

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError


def make_parser():
    parser = CommandParser(command="holdfast try", summary="Try something")
    parser.add_argument("--format", type=one_of("table", "json"), default="table")
    parser.add_argument("-v", "--value")
    parser.add_argument("--cas", type=int)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("path")
    parser.add_argument("pairs", nargs="*")
    return parser


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["-format=json", "p", "a=1"], id="one-dash-equals"),
        pytest.param(["--format=json", "p", "a=1"], id="two-dashes-equals"),
        pytest.param(["-format", "json", "p", "a=1"], id="one-dash-blank"),
        pytest.param(["--format", "json", "p", "a=1"], id="two-dashes-blank"),
        pytest.param(["p", "-format=json", "a=1"], id="between-the-words"),
        pytest.param(["p", "a=1", "--format", "json"], id="after-the-words"),
        pytest.param(["-format=json", "--", "p", "a=1"], id="explicit-end-of-options"),
        pytest.param(["-format=table", "-format=json", "p", "a=1"], id="the-last-one-counts"),
    ],
)
def test_every_spelling_of_an_option_means_the_same(words):
    arguments = make_parser().parse_words(words)
    assert (arguments.format, arguments.path, arguments.pairs) == ("json", "p", ["a=1"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["p"], False, id="absent"),
        pytest.param(["-dev", "p"], True, id="present"),
        pytest.param(["-dev=true", "p"], True, id="true"),
        pytest.param(["-dev=0", "p"], False, id="zero"),
    ],
)
def test_a_switch_may_carry_its_value(words, expected):
    assert make_parser().parse_words(words).dev is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["-value=a=b=c", "p"], "a=b=c", id="equals-inside"),
        pytest.param(["-v", "-dev", "p"], "-dev", id="looks-like-an-option"),
        pytest.param(["-value=", "p"], "", id="empty"),
        pytest.param(["-v", "\u00fc\u4e2d", "p"], "\u00fc\u4e2d", id="not-ascii"),
    ],
)
def test_a_value_arrives_as_typed(words, expected):
    assert make_parser().parse_words(words).value == expected


def test_a_lone_dash_and_a_negative_number_are_words():
    arguments = make_parser().parse_words(["p", "-", "-12"])
    assert arguments.pairs == ["-", "-12"]


def test_what_can_be_typed_is_known_and_is_no_value():
    arguments = make_parser().parse_words(["p"])
    options = {"--format", "--value", "--cas", "--config", "--dev", "--help"}
    assert arguments.can_be_typed == {*options, "path", "pairs"}
    assert vars(arguments).keys() == {"format", "value", "cas", "config", "dev", "path", "pairs"}


def test_a_repeatable_option_keeps_every_value_in_order():
    assert make_parser().parse_words(["-config=a", "p", "-config", "b"]).config == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        pytest.param(["--hunter2x=hunter2", "p"], "--hunter2x", id="unknown-option"),
        pytest.param(["-cas=hunter2", "p"], "--cas", id="not-a-number"),
        pytest.param(["-format=hunter2", "p"], "table, json", id="not-one-of"),
        pytest.param(["-dev=hunter2", "p"], "--dev", id="not-a-switch-value"),
        pytest.param(["p", "-value"], "--value", id="value-missing"),
        pytest.param(["p", "-value", "--", "hunter2"], "--value", id="value-missing-before-the-end"),
        pytest.param([], "path", id="word-missing"),
    ],
)
def test_an_error_names_the_option_and_never_the_value(words, named):
    with pytest.raises(UsageError) as caught:
        make_parser().parse_words(words)
    assert named in caught.value.message
    assert "hunter2" not in caught.value.message.replace("--hunter2x", "")


def test_an_option_that_may_have_taken_the_next_one_for_its_value_is_named_once_something_is_wrong():
    parser = CommandParser(command="holdfast try", summary="")
    parser.add_argument("--value")
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--mode")
    for words in (["--value", "--mode", "hunter2"], ["-value", "-mode=x", "hunter2"]):
        with pytest.raises(UsageError) as caught:
            parser.parse_words(words)
        assert caught.value.message == (
            "expected fewer words after the command (is --mode meant to be the value of --value?)"
        )
    with pytest.raises(UsageError) as caught:
        parser.parse_words(["hunter2"])
    assert caught.value.message == "expected fewer words after the command"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        pytest.param(["--value", "--dev"], "--dev", id="a-switch"),
        pytest.param(["-value", "-mode", "hunter2"], "--mode", id="an-option-of-one-dash"),
        pytest.param(["--value", "--mode=hunter2"], "--mode", id="with-its-value"),
        pytest.param(["--value", "-d"], "-d", id="in-short"),
    ],
)
def test_where_no_option_can_be_a_value_one_that_lacks_its_value_takes_no_other(words, option):
    parser = CommandParser(command="hfctl try", summary="", may_be_empty=frozenset())
    parser.add_argument("--value")
    parser.add_argument("--dev", "-d", action="store_true")
    parser.add_argument("--mode")
    with pytest.raises(UsageError) as caught:
        parser.parse_words(words)
    assert caught.value.message.startswith(
        f"--value: expected a value after it, and there is the option {option};"
    )
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("value", ["-", "-1", "-hunter2", "--other", "-d2"])
def test_what_begins_with_a_dash_and_is_no_option_is_a_value(value):
    parser = CommandParser(command="hfctl try", summary="", may_be_empty=frozenset())
    parser.add_argument("--value")
    parser.add_argument("--dev", "-d", action="store_true")
    for words in ([f"--value={value}"], ["--value", value]):
        assert parser.parse_words(words).value == value
    assert parser.parse_words(["--value=--dev"]).value == "--dev"


def test_surplus_words_are_refused_without_being_quoted():
    parser = CommandParser(command="holdfast try", summary="Try something")
    parser.add_argument("path")
    with pytest.raises(UsageError) as caught:
        parser.parse_words(["p", "hunter2"])
    assert "hunter2" not in caught.value.message + caught.value.usage
