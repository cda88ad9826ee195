"""How roles decide: denials first within a role, sums across roles, silence is no."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.policy.decision import Allowed, Denied
from holdfast.policy.role_scope import Scope
from holdfast.policy.roles import Role, Rule, decide_role


def role(name: str, *rules: tuple[str, str]) -> Role:
    """A role from rules written as ``("services", "apis")``, blanks between patterns."""
    return Role(name, tuple(Rule(tuple(s.split()), tuple(a.split())) for s, a in rules))


def principal(*roles: str) -> Principal:
    return Principal(name="alice", roles=roles)


def decide(call: str, *roles: Role):
    service, api = call.split(".")
    return decide_role(principal(*(r.name for r in roles)), service, api, {r.name: r for r in roles})


@pytest.mark.parametrize(
    ("rules", "call", "allowed"),
    [
        pytest.param([("volume", "!create")], "volume.create", False, id="denied"),
        pytest.param([("volume", "!create")], "volume.delete", False, id="a-denial-alone-grants-nothing"),
        pytest.param([("volume", "* !create")], "volume.delete", True, id="all-but-one-allows-the-rest"),
        pytest.param([("volume", "* !create")], "volume.create", False, id="all-but-one-denies-the-one"),
        pytest.param([("volume", "!create *")], "volume.create", False, id="order-of-patterns-is-nothing"),
        pytest.param([("*", "*"), ("role", "!delete")], "role.delete", False, id="later-rule-denies"),
        pytest.param([("role", "!delete"), ("*", "*")], "role.delete", False, id="earlier-rule-denies"),
        pytest.param([("*", "*"), ("role", "!delete")], "role.create", True, id="other-api-stays-allowed"),
        pytest.param([("!volume *", "*")], "volume.inspect", False, id="service-denied"),
        pytest.param([("!volume *", "*")], "node.inspect", True, id="other-service-allowed"),
        pytest.param([("!volume", "*")], "node.inspect", False, id="denied-service-alone-grants-nothing"),
        pytest.param([("*", "*"), ("!volume", "stats")], "volume.create", False, id="service-denied-any-api"),
        pytest.param([("!*", "!*")], "identity.version", False, id="everything-denied"),
        pytest.param([("volume", "create"), ("node", "inspect")], "volume.inspect", False, id="no-mixing"),
        pytest.param([("node", "!inspect"), ("volume", "*")], "volume.inspect", True, id="foreign-denial"),
        pytest.param([("Volume", "*Inspect*")], "volume.inspect", True, id="capitals-in-the-rule"),
        pytest.param([("volume", "inspect")], "Volume.Inspect", True, id="capitals-in-the-call"),
        pytest.param([("volumes", "*")], "volume.inspect", False, id="misspelt-service"),
    ],
)
def test_one_role_decides(rules: list[tuple[str, str]], call: str, allowed: bool):
    decision = decide(call, role("team.reader", *rules))

    assert bool(decision) is allowed


def test_the_decision_names_the_rule_that_allowed():
    reader = role("reader", ("node", "*"), ("volume", "inspect"), ("*", "inspect"))

    assert decide("volume.inspect", reader) == Allowed("role reader, rule 2")


def test_the_decision_names_the_rule_that_denied():
    reader = role("reader", ("*", "*"), ("volume", "!inspect"))

    denied = Denied("role reader, rule 2 denies volume.inspect", is_final=True)
    assert decide("volume.inspect", reader) == denied


def test_a_denial_does_not_reach_into_another_role():
    denies, allows = role("denies", ("volume", "!*")), role("allows", ("volume", "*"))

    assert decide("volume.create", denies, allows)
    assert decide("volume.create", allows, denies)


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        pytest.param((), "the principal has no role", id="no-role"),
        pytest.param(("ghost",), "role ghost does not exist", id="unknown-role"),
        pytest.param(("READER",), "role READER does not exist", id="names-of-roles-keep-their-case"),
        pytest.param(
            ("ghost", "reader"),
            "role ghost does not exist; role reader has no rule for volume.create",
            id="every-role-is-accounted-for",
        ),
    ],
)
def test_without_a_role_that_allows_the_answer_is_no(roles: tuple[str, ...], reason: str):
    reader = role("reader", ("volume", "inspect"))

    assert decide_role(principal(*roles), "volume", "create", {"reader": reader}) == Denied(reason)


def test_a_guest_is_judged_by_the_guest_role_alone():
    roles = {"system.guest": role("system.guest", ("identity", "version")), "all": role("all", ("*", "*"))}

    assert decide_role(GUEST, "identity", "version", roles)
    assert not decide_role(GUEST, "volume", "create", roles)


def scoped(scope: bytes) -> bytes:
    return b'{"name":"a","rules":[{"services":["volume"],"apis":["*"],"scope":%b}]}' % scope


PATTERNS = st.sampled_from(["*", "volume", "vol*", "*ume", "node", "!volume", "!node", "!*", "!vol*"])
RULES = st.lists(
    st.builds(
        Rule,
        st.lists(PATTERNS, min_size=1, max_size=3).map(tuple),
        st.lists(PATTERNS, min_size=1, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(RULES, st.sampled_from(["volume", "node", "umevol"]), st.sampled_from(["volume", "node", "x"]))
def test_the_order_of_rules_never_changes_the_answer(rules: list[Rule], service: str, api: str):
    forward, backward = Role("r", tuple(rules)), Role("r", tuple(reversed(rules)))

    assert bool(decide(f"{service}.{api}", forward)) == bool(decide(f"{service}.{api}", backward))


@given(RULES, RULES, st.sampled_from(["volume", "node"]), st.sampled_from(["volume", "node"]))
def test_a_second_role_never_takes_anything_away(first: list[Rule], second: list[Rule], service, api):
    call, one, two = f"{service}.{api}", Role("one", tuple(first)), Role("two", tuple(second))

    assert bool(decide(call, one, two)) == (bool(decide(call, one)) or bool(decide(call, two)))


@pytest.mark.parametrize(
    ("document", "names"),
    [
        pytest.param(b'{"name":"","rules":[{"services":["*"],"apis":["*"]}]}', "role name", id="no-name"),
        pytest.param(b'{"name":"a/b","rules":[{"services":["*"],"apis":["*"]}]}', "slash", id="slash"),
        pytest.param(b'{"name":"a b","rules":[{"services":["*"],"apis":["*"]}]}', "blank", id="blank"),
        pytest.param(b'{"name":"a\\n","rules":[{"services":["*"],"apis":["*"]}]}', "role name", id="newline"),
        pytest.param(b'{"name":"a","rules":[]}', "rules", id="no-rules"),
        pytest.param(b'{"name":"a","rules":[{"services":[],"apis":["*"]}]}', "services", id="no-services"),
        pytest.param(b'{"name":"a","rules":[{"services":["*"],"apis":[]}]}', "apis", id="no-apis"),
        pytest.param(b'{"name":"a","rules":[{"services":["a*b"],"apis":["*"]}]}', "rule", id="dead-pattern"),
        pytest.param(scoped(b'{"labels":{}}'), "scope: expected 1", id="empty-scope"),
        pytest.param(scoped(b'{"labels":{"":"a"}}'), "scope: labels", id="label-without-a-name"),
        pytest.param(scoped(b'{"labels":{"a":""}}'), "scope: labels", id="label-without-a-value"),
        pytest.param(scoped(b'{"labels":{"a":"%b"}}' % (b"x" * 513)), "scope: labels", id="long-value"),
    ],
)
def test_a_role_file_that_cannot_be_right_is_refused(document: bytes, names: str):
    with pytest.raises(InvalidInputError, match=names):
        msgspec.json.decode(document, type=Role)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"name":"a","rules":[{"service":["*"],"apis":["*"]}]}', id="misspelt-key"),
        pytest.param(b'{"name":"a","rules":[{"services":"volume","apis":["*"]}]}', id="text-for-a-list"),
        pytest.param(b'{"name":"a","rules":[{"services":[1],"apis":["*"]}]}', id="number-for-a-pattern"),
    ],
)
def test_a_role_file_of_the_wrong_shape_is_refused(document: bytes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(document, type=Role)


def test_a_role_keeps_the_form_of_the_api():
    document = b'{"name":"team.reader","rules":[{"services":["volume"],"apis":["*enumerate*","inspect*"]}]}'

    assert msgspec.json.encode(msgspec.json.decode(document, type=Role)) == document


def test_a_role_has_bounds():
    full = Rule(("*",) * 256, ("*",) * 256)
    assert Role("a", (full,) * 8)
    scoped_rule = Rule(("*",), ("*",) * 240, Scope({f"label{number}": "*" for number in range(16)}))
    for rules in ((full,) * 9, (Rule(("*",), ("*",)),) * 257, (scoped_rule,) * 16):
        with pytest.raises(InvalidInputError, match="rules: expected"):
            Role("a", rules)
