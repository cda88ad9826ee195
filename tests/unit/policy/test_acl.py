"""The choice of a rule: pattern x path x capability, every tie-break, and a slow second opinion."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.policy.acl import Capability, Policy, Rule, compile_acl, parse_policy, root_policy

C = Capability
GRANTED = frozenset({C.READ, C.LIST, C.UPDATE})


def acl_of(*patterns, denied=()):
    """Compile one policy that grants on ``patterns`` and denies on ``denied``."""
    rules = [Rule(pattern=pattern, capabilities=GRANTED) for pattern in patterns]
    rules += [Rule(pattern=pattern, is_denied=True) for pattern in denied]
    return compile_acl([Policy(name="p", rules=tuple(rules))])


def acl_from(**texts):
    return compile_acl([parse_policy(name, text) for name, text in texts.items()])


# What a pattern matches


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        pytest.param("a", ["a"], ["", "b", "ab", "a/b", "A", "a/"], id="exact"),
        pytest.param("a/b", ["a/b"], ["a", "a/", "a/b/", "a/b/c", "a/bc"], id="exact-deeper"),
        pytest.param("a/", ["a/"], ["a", "a/b"], id="exact-directory"),
        pytest.param("a/*", ["a/", "a/b", "a/b/c", "a/b/"], ["a", "ab", "b/a/c"], id="prefix"),
        pytest.param("a*", ["a", "ab", "a/", "a/b"], ["", "b", "ba"], id="prefix-inside-a-segment"),
        pytest.param("*", ["", "a", "a/b/c", "/"], [], id="everything"),
        pytest.param("a/*/b", ["a/*/b"], ["a/x/b", "a/"], id="star-inside-is-literal"),
        pytest.param("a**", ["a*", "a*b"], ["a", "ab"], id="only-the-last-star-counts"),
        pytest.param("a/+", ["a/b", "a/", "a/é"], ["a", "a/b/c", "a/b/", "b/a"], id="plus-at-the-end"),
        pytest.param("+", ["a", ""], ["a/b", "a/"], id="only-plus"),
        pytest.param(
            "a/+/c", ["a/b/c", "a/+/c"], ["a/c", "a/b/d", "a/b/c/d", "a/b/b/c"], id="plus-in-the-middle"
        ),
        pytest.param("+/+/c", ["a/b/c"], ["b/c", "a/b/b/c"], id="two-plus"),
        pytest.param(
            "a/+/c*", ["a/b/c", "a/b/cd", "a/b/cd/e"], ["a/b", "a/b/", "a/b/d"], id="plus-and-prefix"
        ),
        pytest.param("a/+/*", ["a/b/", "a/b/c", "a/b/c/d"], ["a/b", "a/"], id="plus-and-everything-below"),
        pytest.param("a/b+", ["a/b+"], ["a/bc", "a/b"], id="plus-inside-a-segment-is-literal"),
        pytest.param("a/+b/c", ["a/+b/c"], ["a/xb/c"], id="plus-before-text-is-literal"),
        pytest.param("a.c/[x]", ["a.c/[x]"], ["abc/x", "abc/[x]"], id="regular-expression-signs"),
        pytest.param("a.c/+/(x)", ["a.c/b/(x)"], ["abc/b/(x)", "a.c/b/x"], id="such-signs-beside-plus"),
    ],
)
def test_pattern_matches(pattern, matching, others):
    acl = acl_of(pattern)
    for path in matching:
        assert acl.decide(path, C.READ), path
    for path in others:
        assert not acl.decide(path, C.READ), path


@pytest.mark.parametrize("capability", list(C))
def test_only_the_granted_capability_is_granted(capability):
    acl = compile_acl([Policy(name="p", rules=(Rule(pattern="a", capabilities=frozenset({capability})),))])
    assert [asked for asked in C if acl.decide("a", asked)] == [capability]
    assert acl.capabilities("a") == (capability.value,)


# Which rule is chosen; each row names the winner first


@pytest.mark.parametrize(
    ("winner", "loser", "path"),
    [
        pytest.param("a/b", "a/*", "a/b", id="exact-before-prefix"),
        pytest.param("a/b", "a/+", "a/b", id="exact-before-plus"),
        pytest.param("a/b/*", "a/*", "a/b/c", id="longer-prefix"),
        pytest.param("a/*", "*", "a/b", id="any-prefix-before-everything"),
        pytest.param("a/b/*", "a/+/c", "a/b/c", id="first-wildcard-later-1"),
        pytest.param("a/b/+", "a/+/c", "a/b/c", id="first-wildcard-later-2"),
        pytest.param("a/b/+/*", "a/+/c/d", "a/b/c/d", id="first-wildcard-later-than-more-text"),
        pytest.param("a/b*", "a/+", "a/bc", id="first-wildcard-one-letter-later"),
        pytest.param("a/+", "a/*", "a/b", id="no-final-star"),
        pytest.param("a/+/c", "a/+/*", "a/b/c", id="no-final-star-after-plus"),
        pytest.param("a/+/+", "a/+/c*", "a/b/c", id="no-final-star-before-fewer-plus"),
        pytest.param("a/+/c", "a/+/+", "a/b/c", id="fewer-plus"),
        pytest.param("a/+/c/*", "a/+/+/*", "a/b/c/d", id="fewer-plus-with-star"),
        pytest.param("a/+/c/d*", "a/+/c/*", "a/b/c/d", id="longer-pattern"),
        pytest.param("a/+/c/+", "a/+/+/d", "a/b/c/d", id="lexically-greater"),
    ],
)
def test_more_specific_rule_wins_in_both_directions(winner, loser, path):
    assert acl_of(winner, denied=[loser]).decide(path, C.READ)
    assert not acl_of(loser, denied=[winner]).decide(path, C.READ)


def test_capabilities_of_other_matching_rules_do_not_add_up():
    acl = acl_from(p='path "a/*" { policy = "write" } path "a/b" { capabilities = ["read"] }')
    assert acl.capabilities("a/b") == ("read",)
    assert not acl.decide("a/b", C.UPDATE)


def test_rule_without_capabilities_hides_a_wider_one():
    acl = acl_from(p='path "a/*" { policy = "write" } path "a/b" {}')
    assert not acl.decide("a/b", C.READ)
    assert acl.capabilities("a/b") == ("deny",)


# Listing


@pytest.mark.parametrize(
    ("patterns", "denied", "path", "allowed"),
    [
        pytest.param(["a/"], [], "a/", True, id="exact-with-slash"),
        pytest.param(["a"], [], "a/", True, id="exact-without-slash"),
        pytest.param(["a/"], ["a"], "a/", True, id="with-slash-first"),
        pytest.param(["a"], ["a/"], "a/", False, id="deny-with-slash-first"),
        pytest.param(["a/*"], ["a"], "a/", False, id="exact-without-slash-before-prefix"),
        pytest.param(["a/b"], ["a/+"], "a/b/", True, id="exact-without-slash-before-plus"),
        pytest.param(["*"], ["a/b/*"], "a/b/", False, id="deny-by-prefix"),
        pytest.param(["*"], ["a/+/"], "a/b/", False, id="deny-by-plus-with-slash"),
        pytest.param(["a/+"], [], "a/b/", True, id="plus-without-slash-as-last-resort"),
        pytest.param(["a/*"], ["a/+"], "a/b/", True, id="prefix-with-slash-before-plus-without"),
        pytest.param(["a/b*"], ["a/+/"], "a/b/", True, id="prefix-deny-by-rank"),
        pytest.param(["a/+"], ["+"], "a/", True, id="plus-matches-the-empty-end"),
        pytest.param([], [], "a/", False, id="nothing"),
    ],
)
def test_listing(patterns, denied, path, allowed):
    acl = acl_of(*patterns, denied=denied)
    assert bool(acl.decide(path, C.LIST)) is allowed
    assert bool(acl.decide(path, C.SCAN)) is False
    assert (acl.capabilities(path) != ("deny",)) is allowed


@pytest.mark.parametrize("capability", [C.READ, C.UPDATE])
@pytest.mark.parametrize("pattern", ["a", "+"])
def test_only_listing_falls_back_to_the_path_without_slash(capability, pattern):
    assert acl_of(pattern).decide("a/", C.LIST)
    assert not acl_of(pattern).decide("a/", capability)


# Several policies


def test_same_pattern_adds_up_over_policies():
    acl = acl_from(
        one='path "a" { capabilities = ["read"] }',
        two='path "a" { capabilities = ["update"] } path "a" { capabilities = ["list"] }',
    )
    assert acl.capabilities("a") == ("read", "list", "update")
    assert acl.decide("a", C.READ).rule == 'one, two: path "a"'


@pytest.mark.parametrize("order", [["grant", "deny"], ["deny", "grant"], ["grant", "deny", "grant2"]])
def test_deny_wins_for_the_same_pattern_in_any_order(order):
    texts = {"grant": 'policy = "sudo"', "grant2": 'policy = "read"', "deny": 'policy = "deny"'}
    acl = acl_from(**{name: f'path "a/*" {{ {texts[name]} }}' for name in order})
    assert acl.capabilities("a/b") == ("deny",)
    assert "denies" in acl.decide("a/b", C.READ).reason


@pytest.mark.parametrize("policies", [[], [parse_policy("empty", "")]], ids=["no-policies", "empty-policy"])
def test_empty_means_no(policies):
    acl = compile_acl(policies)
    assert not any(acl.decide(path, capability) for path in ("", "a", "a/", "sys/seal") for capability in C)
    assert acl.capabilities("a") == ("deny",)
    assert not acl.may_touch_below("")


def test_root_may_everything_whatever_others_deny():
    acl = compile_acl([parse_policy("p", 'path "*" { policy = "deny" }'), root_policy()])
    assert acl.is_root
    assert all(acl.decide("sys/seal", capability) for capability in C)
    assert acl.capabilities("a") == ("root",)
    assert acl.may_touch_below("anything/")


def test_policy_that_only_calls_itself_root_is_not():
    acl = compile_acl([Policy(name="root", rules=(Rule(pattern="a", capabilities=GRANTED),))])
    assert not acl.is_root
    assert not acl.decide("b", C.READ)


def test_answers_name_the_rule_or_the_reason():
    acl = acl_from(team='path "a/*" { capabilities = ["read"] }')
    assert acl.decide("a/b", C.READ).rule == 'team: path "a/*"'
    assert acl.decide("a/b", C.UPDATE).reason == 'team: path "a/*" does not grant it'
    assert acl.decide("b", C.READ).reason == "no rule matches the path"


# Parameters


@pytest.mark.parametrize(
    ("limits", "parameters", "allowed"),
    [
        pytest.param("allowed_parameters = { a = [] }", {"a": "x"}, True, id="allowed-any-value"),
        pytest.param("allowed_parameters = { a = [] }", {"A": "x"}, True, id="name-in-capitals"),
        pytest.param(
            "allowed_parameters = { a = [] }", {"a": "x", "b": "x"}, False, id="not-among-the-allowed"
        ),
        pytest.param("allowed_parameters = { a = [] }", {}, True, id="nothing-sent"),
        pytest.param('allowed_parameters = { a = ["x", "y*"] }', {"a": "yes"}, True, id="value-by-start"),
        pytest.param('allowed_parameters = { a = ["*z"] }', {"a": "xyz"}, True, id="value-by-end"),
        pytest.param('allowed_parameters = { a = ["*y*"] }', {"a": "xyz"}, True, id="value-by-middle"),
        pytest.param('allowed_parameters = { a = ["*"] }', {"a": "xyz"}, True, id="value-star"),
        pytest.param('allowed_parameters = { a = ["x"] }', {"a": "xy"}, False, id="value-not-allowed"),
        pytest.param('allowed_parameters = { a = ["X"] }', {"a": "x"}, False, id="values-keep-their-case"),
        pytest.param("allowed_parameters = { a = [5, true] }", {"a": 5}, True, id="number"),
        pytest.param('allowed_parameters = { a = ["true"] }', {"a": True}, True, id="boolean"),
        pytest.param('allowed_parameters = { a = ["x"] }', {"a": ["x"]}, False, id="list-is-not-its-element"),
        pytest.param(
            'allowed_parameters = { a = ["x"], "*" = [] }', {"a": "x", "b": 1}, True, id="star-for-others"
        ),
        pytest.param(
            'allowed_parameters = { a = ["x"], "*" = [] }', {"a": "y"}, False, id="star-is-not-for-named"
        ),
        pytest.param("denied_parameters = { a = [] }", {"a": "x"}, False, id="denied"),
        pytest.param("denied_parameters = { a = [] }", {"A": "x"}, False, id="denied-in-capitals"),
        pytest.param("denied_parameters = { a = [] }", {"b": "x"}, True, id="other-than-denied"),
        pytest.param('denied_parameters = { a = ["x"] }', {"a": "y"}, True, id="other-value-than-denied"),
        pytest.param('denied_parameters = { "*" = [] }', {"b": 1}, False, id="all-denied"),
        pytest.param('denied_parameters = { "*" = [] }', {}, True, id="all-denied-and-none-sent"),
        pytest.param(
            "allowed_parameters = { a = [] } denied_parameters = { a = [] }",
            {"a": 1},
            False,
            id="denied-first",
        ),
        pytest.param('required_parameters = ["a"]', {"a": "", "b": 1}, True, id="required-and-there"),
        pytest.param('required_parameters = ["a"]', {"b": 1}, False, id="required-and-missing"),
        pytest.param('required_parameters = ["A"]', {"a": 1}, True, id="required-in-capitals"),
        pytest.param("allowed_parameters = { a = [] }", None, False, id="not-given-to-the-decision"),
    ],
)
def test_parameters(limits, parameters, allowed):
    acl = acl_from(p=f'path "a" {{ capabilities = ["create", "update", "patch"] {limits} }}')
    for capability in (C.CREATE, C.UPDATE, C.PATCH):
        assert bool(acl.decide("a", capability, parameters=parameters)) is allowed


def test_parameters_of_reads_matter_only_if_there_are_any():
    acl = acl_from(p='path "a" { policy = "write" denied_parameters = { version = [] } }')
    assert acl.decide("a", C.READ)
    assert not acl.decide("a", C.READ, parameters={"version": 1})
    assert acl.decide("a", C.DELETE, parameters={"version": 1})
    assert acl.decide("a", C.LIST, parameters={"version": 1})


def test_limits_of_the_same_pattern_are_merged():
    head = 'path "a" { capabilities = ["update"] '
    acl = acl_from(
        one=head + 'allowed_parameters = { a = ["x"], b = ["x"] } max_wrapping_ttl = 100 }',
        two=head + 'allowed_parameters = { a = ["y"], b = [] } max_wrapping_ttl = 50 }',
    )

    def may(seconds, **parameters):
        return bool(acl.decide("a", C.UPDATE, parameters=parameters, wrap_ttl_seconds=seconds))

    assert may(50, a="x")
    assert may(50, a="y")
    assert not may(50, a="z")
    assert may(50, b="z")
    assert not may(51, a="x")


@pytest.mark.parametrize(
    ("limits", "seconds", "allowed"),
    [
        pytest.param("", None, True, id="no-demand"),
        pytest.param("", 60, True, id="wrapped-without-demand"),
        pytest.param("min_wrapping_ttl = 60", None, False, id="minimum-makes-it-mandatory"),
        pytest.param("max_wrapping_ttl = 60", None, False, id="maximum-makes-it-mandatory"),
        pytest.param("min_wrapping_ttl = 60", 60, True, id="at-the-minimum"),
        pytest.param("min_wrapping_ttl = 60", 59, False, id="below-the-minimum"),
        pytest.param("max_wrapping_ttl = 60", 60, True, id="at-the-maximum"),
        pytest.param("max_wrapping_ttl = 60", 61, False, id="above-the-maximum"),
        pytest.param("min_wrapping_ttl = 60 max_wrapping_ttl = 30", 45, False, id="contradiction-denies"),
    ],
)
def test_wrapping(limits, seconds, allowed):
    acl = acl_from(p=f'path "a" {{ capabilities = ["read"] {limits} }}')
    assert bool(acl.decide("a", C.READ, wrap_ttl_seconds=seconds)) is allowed


# Below a mount


@pytest.mark.parametrize(
    ("patterns", "denied", "allowed"),
    [
        pytest.param(["secret/data/a"], [], True, id="exact-below"),
        pytest.param(["secret/data/*"], [], True, id="prefix-below"),
        pytest.param(["secret/*"], [], True, id="the-mount"),
        pytest.param(["*"], [], True, id="everything"),
        pytest.param(["sec*"], [], True, id="prefix-above"),
        pytest.param(["secret"], [], True, id="listing-of-the-mount"),
        pytest.param(["secret/+/a"], [], True, id="plus-below"),
        pytest.param(["+/data/a"], [], True, id="plus-instead-of-the-mount"),
        pytest.param(["+/*"], [], True, id="plus-and-prefix"),
        pytest.param(["other/*", "secre", "secret2/a", "other/+"], [], False, id="other-mounts"),
        pytest.param(["+/+"], [], True, id="two-plus"),
        pytest.param(["other/+/*"], [], False, id="plus-below-another-mount"),
        pytest.param([], ["secret/*"], False, id="only-denied"),
        pytest.param(["*"], ["secret/*"], False, id="denied-for-the-mount"),
        pytest.param(["*", "secret/data/a"], ["secret/*"], True, id="denied-but-for-one"),
        pytest.param(["secret/*"], ["secret/data/*"], True, id="denied-in-parts"),
    ],
)
def test_may_touch_below(patterns, denied, allowed):
    assert acl_of(*patterns, denied=denied).may_touch_below("secret/") is allowed


# The storage node's policy of the documentation, on a KV version 2 mount


def test_storage_node_policy():
    acl = acl_from(
        node="""
        path "sys/mounts/*"
        {
        capabilities = ["read", "list"]
        }
        path "secret/data/*"
        {
        capabilities = ["create", "read", "update", "delete", "list"]
        }
        """
    )
    assert acl.decide("secret/data/volume-key", C.CREATE)
    assert not acl.decide("secret/metadata/", C.LIST)
    assert not acl.decide("sys/mounts", C.READ)
    assert acl.may_touch_below("secret/")
    assert not acl.may_touch_below("other/")


# A second opinion, written from the rules of the module and from nothing else


def splits_match(pattern, path):
    star = pattern.endswith("*")
    wanted, given = pattern.removesuffix("*").split("/"), path.split("/")
    if len(given) < len(wanted) or (not star and len(given) != len(wanted)):
        return False
    for i, want in enumerate(wanted):
        if want == "+" or want == given[i]:
            continue
        if star and i == len(wanted) - 1 and given[i].startswith(want):
            continue
        return False
    return True


def matches(pattern, path):
    if "+" in pattern.split("/"):
        return splits_match(pattern, path)
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def rank(pattern):
    found = re.search(r"(?<![^/])\+(?![^/])|\*$", pattern)
    plus = len([segment for segment in pattern.split("/") if segment == "+"])
    return (found.start(), not pattern.endswith("*"), -plus, len(pattern), pattern)


def naive_winner(patterns, path, listing):
    wild = [pattern for pattern in patterns if pattern.endswith("*") or "+" in pattern.split("/")]
    exact = [pattern for pattern in patterns if pattern not in wild]
    places = [path, path[:-1]] if listing and path.endswith("/") else [path]
    for place in places:
        if place in exact:
            return place
    for place in places:
        candidates = [pattern for pattern in wild if matches(pattern, place)]
        if candidates:
            return max(candidates, key=rank)
    return None


SEGMENT = st.sampled_from(["a", "b", "ab", "+", "a+", "*"])
PATTERNS = st.builds(
    lambda segments, end: "/".join(segments) + end,
    st.lists(SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "", "*", "/", "/*"]),
).filter(lambda pattern: "+*" not in pattern)
PATHS = st.builds(
    lambda segments, end: "/".join(segments) + end,
    st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


@settings(max_examples=600)
@given(st.lists(PATTERNS, max_size=8, unique=True), PATHS, st.booleans())
def test_agrees_with_a_naive_choice(patterns, path, listing):
    acl = acl_of(*patterns)
    winner = naive_winner(patterns, path, listing)
    decision = acl.decide(path, C.LIST if listing else C.READ)
    assert bool(decision) is (winner is not None)
    if winner is not None:
        assert decision.rule == f'p: path "{winner}"'
