"""A decision is a condition: a refusal is false, and neither can be edited afterwards."""

import dataclasses

import pytest

from holdfast.policy.decision import Allowed, Decision, Denied


def test_a_refusal_is_false_and_a_grant_is_true():
    assert Allowed("rule 1")
    assert not Denied("no rule matches")


@pytest.mark.parametrize("decision", [Allowed("rule"), Denied("reason")])
def test_a_decision_cannot_be_changed_afterwards(decision: Decision):
    field = dataclasses.fields(decision)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(decision, field, "other")
