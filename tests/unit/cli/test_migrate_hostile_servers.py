"""A source that names what it should not, and a store that answers nobody: told, and soon given up."""

import pytest

from holdfast.cli.migrate.carrier import MAX_SILENCES, Carrier, OnConflict, Patience
from holdfast.cli.migrate.dcos_source import GONE, entries_of_store
from holdfast.cli.migrate.entry import holding
from holdfast.cli.migrate.plan import plan
from holdfast.cli.migrate.report import Outcome
from holdfast.client import DcosClient
from holdfast.errors import HoldfastError

SECRET = "/secrets/v1/secret/default/"


@pytest.fixture
def client(wire):
    return DcosClient(wire.url, "t")


def carrier(client, **how):
    settings = {"on_conflict": OnConflict.FAIL, "dry_run": False, "max_bytes": 100, "patience": Patience()}
    return Carrier(client, **(settings | how))


def lists(wire, names, status=200):
    wire.answers["GET", SECRET + "?list=true"] = (status, {"array": names})


class TestSource:
    def test_names_that_the_store_refuses_are_not_even_asked_for(self, wire, client):
        lists(wire, ["../up", "a//b", "a/./b", "\x1b[2J", "dir/", "", "same", "/same"])
        carry = carrier(client).carry
        rows = [carry(step) for step in plan(entries_of_store(client, ""), prefix="")]
        assert {row.outcome for row in rows} == {Outcome.FAILED}
        assert len(wire.requests) == 1

    @pytest.mark.parametrize(
        "names",
        [
            pytest.param(None, id="null"),
            pytest.param([], id="none"),
            pytest.param({"a": 1}, id="no-array"),
        ],
    )
    def test_a_source_without_names_has_no_entries(self, wire, client, names):
        lists(wire, names)
        assert entries_of_store(client, "") == []

    def test_a_source_without_the_store_is_an_error(self, wire, client):
        wire.answers["GET", SECRET + "?list=true"] = (404, {"description": "Store not found"})
        with pytest.raises(HoldfastError, match="Store not found"):
            entries_of_store(client, "")

    def test_what_was_deleted_meanwhile_is_skipped(self, wire, client):
        lists(wire, ["a"])
        (step,) = plan(entries_of_store(client, ""), prefix="")
        row = carrier(client).carry(step)
        assert (row.outcome, row.reason) == (Outcome.SKIPPED, GONE)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param({}, id="no-value"),
            pytest.param({"value": 7}, id="value-no-text"),
            pytest.param([], id="no-object"),
            pytest.param(None, id="empty"),
        ],
    )
    def test_an_answer_without_a_value_writes_nothing(self, wire, client, answer):
        lists(wire, ["a"])
        wire.answers["GET", SECRET + "a"] = (200, answer)
        (step,) = plan(entries_of_store(client, ""), prefix="")
        assert carrier(client).carry(step).outcome is Outcome.FAILED
        assert {method for method, *_ in wire.requests} == {"GET"}


class TestStore:
    steps = plan([holding(f"n{number}", b"x") for number in range(20)], prefix="")

    def _carry(self, wire, client, status, description):
        for step in self.steps:
            wire.answers["PUT", SECRET + step.path] = (status, {"description": description})
        carry = carrier(client).carry
        return [carry(step) for step in self.steps]

    @pytest.mark.parametrize(
        ("status", "description", "asked"),
        [
            pytest.param(503, "the store is sealed", 1, id="sealed"),
            pytest.param(401, "expired", 1, id="token-expired"),
            pytest.param(500, "broken", MAX_SILENCES, id="broken"),
            pytest.param(403, "no", 20, id="forbidden-one-by-one"),
            pytest.param(413, "too large", 20, id="too-large-one-by-one"),
        ],
    )
    def test_it_is_asked_until_that_is_pointless(self, wire, client, status, description, asked):
        rows = self._carry(wire, client, status, description)
        assert {row.outcome for row in rows} == {Outcome.FAILED}
        assert {row.exit_code for row in rows} == {2}
        assert len(wire.requests) == asked
        assert sum(row.reason.startswith("not tried") for row in rows) == 20 - asked

    def test_one_that_answers_again_is_asked_on(self, wire, client):
        for number, step in enumerate(self.steps):
            is_broken = number % MAX_SILENCES
            wire.answers["PUT", SECRET + step.path] = (500, {}) if is_broken else (201, {})
        carry = carrier(client).carry
        assert not any(carry(step).reason.startswith("not tried") for step in self.steps)

    def test_a_secret_that_is_too_large_is_not_sent(self, wire, client):
        (step,) = plan([holding("a", b"x" * 101)], prefix="")
        row = carrier(client).carry(step)
        assert (row.outcome, row.exit_code) == (Outcome.FAILED, 1)
        assert wire.requests == []

    @pytest.mark.parametrize(("there", "outcome"), [(b"x", Outcome.IDENTICAL), (b"y", Outcome.REPLACED)])
    def test_a_rehearsal_only_reads(self, wire, client, there, outcome):
        wire.answers["GET", SECRET + "a"] = (200, {"value": there.decode()})
        (step,) = plan([holding("a", b"x")], prefix="")
        row = carrier(client, dry_run=True, on_conflict=OnConflict.REPLACE).carry(step)
        assert row.outcome is outcome
        assert [method for method, *_ in wire.requests] == ["GET"]
