"""Scopes of rules: grants and denials for some resources alone, and what is said where nothing is known."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.policy.role_check import check_scopes
from holdfast.policy.role_scope import Scope, Unknown
from holdfast.policy.roles import Role, Rule, decide_one

BLUE, PROTECTED = Scope({"team": "blue"}), Scope({"protected": "*"})
GRANT = Rule(("volume",), ("inspect", "delete"), BLUE)
DENIAL = Rule(("volume",), ("!delete",), PROTECTED)
ALL = Rule(("volume",), ("*",))
TWO = Rule(("volume",), ("*",), Scope({"a": "1", "b": "2"}))
WHOLE_SERVICE = Rule(("!volume",), ("*",), PROTECTED)


@pytest.mark.parametrize(
    ("rules", "call", "about", "allowed"),
    [
        pytest.param([GRANT], "volume.delete", {"team": "blue", "x": "y"}, True, id="in-scope"),
        pytest.param([GRANT], "volume.delete", {"team": "red"}, False, id="another-value"),
        pytest.param([GRANT], "volume.delete", {"Team": "blue"}, False, id="another-name"),
        pytest.param([GRANT], "volume.delete", {}, False, id="no-labels"),
        pytest.param([GRANT], "volume.delete", Unknown.NOTHING, False, id="nothing-known-grants-nothing"),
        pytest.param([GRANT], "volume.delete", Unknown.YET, True, id="decided-about-later"),
        pytest.param([GRANT], "volume.create", {"team": "blue"}, False, id="another-api"),
        pytest.param([ALL, DENIAL], "volume.delete", {"protected": ""}, False, id="denied-in-scope"),
        pytest.param([ALL, DENIAL], "volume.delete", {"team": "blue"}, True, id="denied-elsewhere"),
        pytest.param([ALL, DENIAL], "volume.inspect", {"protected": "x"}, True, id="another-api-in-scope"),
        pytest.param([ALL, DENIAL], "volume.delete", Unknown.NOTHING, False, id="nothing-known-denies"),
        pytest.param([ALL, DENIAL], "volume.delete", Unknown.YET, True, id="denial-decided-about-later"),
        pytest.param([ALL, WHOLE_SERVICE], "volume.inspect", {"protected": "x"}, False, id="service-denied"),
        pytest.param([ALL, WHOLE_SERVICE], "volume.inspect", {}, True, id="service-denied-elsewhere"),
        pytest.param([GRANT, DENIAL], "volume.delete", {"team": "blue", "protected": "x"}, False, id="both"),
        pytest.param([DENIAL], "volume.inspect", {}, False, id="a-denial-alone-grants-nothing"),
        pytest.param([TWO], "volume.stats", {"a": "1"}, False, id="one-of-its-labels"),
        pytest.param([TWO], "volume.stats", {"a": "1", "b": "2"}, True, id="all-of-its-labels"),
    ],
)
def test_what_a_rule_with_a_scope_says(rules, call, about, allowed):
    service, api = call.split(".")
    assert bool(decide_one(Role("r", tuple(rules)), service, api, about)) is allowed


SERVICES, APIS = ["volume", "mountattach", "node"], ["inspect", "enumerate", "delete"]
LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2"]), max_size=3)
SCOPES = st.builds(
    Scope, st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", "*"]), min_size=1, max_size=2)
)


def patterns(names):
    some = ["*", *names, f"{names[0][:3]}*", f"*{names[1][-3:]}"]
    return st.lists(st.sampled_from([*some, *("!" + name for name in some)]), min_size=1, max_size=3)


RULES = st.lists(
    st.builds(
        Rule,
        patterns(SERVICES).map(tuple),
        patterns(APIS).map(tuple),
        st.none() | SCOPES,
    ),
    min_size=1,
    max_size=4,
)


def specified(rules, service, api, labels):
    """What is to be answered, in plain words.

    Take the rules that are about this resource, and forget the others. If one of them denies the service, or
    is about the service and denies the API: no. Else yes, if one names both.
    """
    about_it = [
        rule
        for rule in rules
        if rule.scope is None
        or all(name in labels and value in ("*", labels[name]) for name, value in rule.scope.labels.items())
    ]

    def names(texts, name):
        return any(fnmatchcase(name, text) for text in texts if text[0] != "!")

    def denies(texts, name):
        return any(fnmatchcase(name, text[1:]) for text in texts if text[0] == "!")

    if any(denies(rule.services, service) for rule in about_it):
        return False
    of_service = [rule for rule in about_it if names(rule.services, service)]
    if any(denies(rule.apis, api) for rule in of_service):
        return False
    return any(names(rule.apis, api) for rule in of_service)


@given(RULES, st.sampled_from(SERVICES), st.sampled_from(APIS), LABELS)
def test_the_decision_is_the_specified_one(rules, service, api, labels):
    role = Role("r", tuple(rules))
    assert bool(decide_one(role, service, api, labels)) is specified(rules, service, api, labels)


@given(RULES, st.sampled_from(SERVICES), st.sampled_from(APIS), LABELS)
def test_what_is_said_of_nothing_holds_of_everything_and_what_holds_of_something_is_said(
    rules, service, api, labels
):
    role = Role("r", tuple(rules))
    of_this = bool(decide_one(role, service, api, labels))
    assert of_this or not decide_one(role, service, api, Unknown.NOTHING)
    assert decide_one(role, service, api, Unknown.YET) or not of_this


@given(RULES, st.sampled_from(SERVICES), st.sampled_from(APIS), LABELS)
def test_the_order_of_rules_is_nothing(rules, service, api, labels):
    there, back = Role("r", tuple(rules)), Role("r", tuple(reversed(rules)))
    assert bool(decide_one(there, service, api, labels)) == bool(decide_one(back, service, api, labels))


KNOWN = {"volume": {"create"}, "watch": {"watch"}, "cluster": {"inspectcurrent"}, "role": {"create"}}


@pytest.mark.parametrize("services", [("*",), ("volume", "cluster"), ("volume", "!role"), ("*ole",)])
def test_a_scope_for_calls_about_no_resource_is_refused(services):
    role = Role("r", (ALL, Rule(services, ("*",), BLUE)))
    with pytest.raises(InvalidInputError, match=r"rule 2, scope: .* services volume, watch and no others"):
        check_scopes(role, KNOWN, {"volume", "watch"})


@pytest.mark.parametrize("services", [("volume",), ("!volume",), ("watch", "v*")])
def test_a_scope_for_calls_about_resources_is_not(services):
    check_scopes(Role("r", (Rule(services, ("*",), BLUE), Rule(("*",), ("*",)))), KNOWN, {"volume", "watch"})


@pytest.mark.parametrize(
    "labels", [{"team": "blue*"}, {"team": "**"}, {"*": "blue"}, {"team": "x", "pro*": "*"}]
)
def test_a_star_that_would_stand_for_itself_is_refused(labels):
    with pytest.raises(InvalidInputError, match="scope: labels: expected"):
        Scope(labels)
