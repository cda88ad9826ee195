"""Two tables as one: what either allows, unless the other denies it; no answer contradicts another."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.policy.acl import Capability, Policy, Rule, compile_acl, parse_policy, root_policy
from holdfast.policy.together import RulesTogether

C = Capability


def table(text):
    return compile_acl([parse_policy("p", text)])


def together(one, other):
    return RulesTogether(table(one), table(other))


def test_either_allows_and_a_denial_of_either_wins():
    rules = together(
        'path "a" { capabilities = ["read"] } path "b" { capabilities = ["deny"] }',
        'path "a" { capabilities = ["update"] } path "b" { capabilities = ["read"] }'
        ' path "c/*" { capabilities = ["list"] }',
    )
    assert rules.capabilities("a") == ("read", "update")
    assert rules.decide("a", C.UPDATE)
    assert not rules.decide("a", C.DELETE)
    assert rules.capabilities("b") == ("deny",)
    assert "denies" in rules.decide("b", C.READ).reason
    assert rules.capabilities("d") == ("deny",)
    assert rules.may_touch_below("c/")
    assert not rules.may_touch_below("d/")
    assert len(rules.speaking_for("b")) == 2


def test_what_one_demands_the_other_need_not():
    rules = together(
        'path "a" { capabilities = ["update"] allowed_parameters = {"x" = []} }',
        'path "b" { capabilities = ["update"] }',
    )
    assert rules.decide("a", C.UPDATE, parameters={"x": 1})
    assert not rules.decide("a", C.UPDATE, parameters={"y": 1})
    assert not rules.decide("a", C.UPDATE)


def test_who_may_do_everything_still_may():
    assert RulesTogether(compile_acl([root_policy()]), table("")).is_root
    assert RulesTogether(table(""), compile_acl([root_policy()])).capabilities("x") == ("root",)


_PATTERNS = st.sampled_from(["a", "a/", "a/*", "a/b", "+/b", "*", "a/+", "a/b/*"])
_RULES = st.lists(
    st.builds(
        lambda pattern, capabilities, denied: Rule(
            pattern=pattern, capabilities=frozenset() if denied else capabilities, is_denied=denied
        ),
        _PATTERNS,
        st.frozensets(st.sampled_from([C.READ, C.LIST, C.UPDATE])),
        st.booleans(),
    ),
    max_size=4,
)


@given(one=_RULES, other=_RULES, path=st.sampled_from(["a", "a/", "a/b", "b", "a/b/c", "a/b/"]))
def test_together_is_what_both_say(one, other, path):
    tables = [compile_acl([Policy(name="p", rules=tuple(rules))]) for rules in (one, other)]
    rules = RulesTogether(*tables)
    for capability in (C.READ, C.LIST, C.UPDATE):
        decisions = [each.decide(path, capability) for each in tables]
        denied = any(not each and each.is_final for each in decisions)
        assert bool(rules.decide(path, capability)) == (any(decisions) and not denied)
    told = set(rules.capabilities(path)) - {"deny"}
    assert told <= {name for each in tables for name in each.capabilities(path)}
    if not path.endswith("/"):  # of a directory the rules for the path without the slash are told as well
        assert all(rules.decide(path, Capability(name)) for name in told)
