"""Templates in patterns: each form, what stands for nothing, and that no value ever widens a rule."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.policy.acl import Capability, compile_acl, parse_policy
from holdfast.policy.templates import (
    AliasFacts,
    GroupFacts,
    Subject,
    Unresolved,
    parse_template,
)

C = Capability
ANN = Subject(
    id="e-1",
    name="ann",
    metadata={"team": "blue", "a.b": "dotted", "bad": "x/../y", "": "empty-key"},
    aliases={
        "auth_k8s_1": AliasFacts("a-1", "uid-7", {"service_account_namespace": "prod"}, {"colour": "green"})
    },
    groups={
        "g-1": GroupFacts("ops", {"site": "north"}),
        "g-2": GroupFacts("ops.night", {}),
    },
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("identity.entity.id", "e-1"),
        ("identity.entity.name", "ann"),
        ("identity.entity.metadata.team", "blue"),
        ("identity.entity.metadata.a.b", "dotted"),
        ("identity.entity.aliases.auth_k8s_1.id", "a-1"),
        ("identity.entity.aliases.auth_k8s_1.name", "uid-7"),
        ("identity.entity.aliases.auth_k8s_1.metadata.service_account_namespace", "prod"),
        ("identity.entity.aliases.auth_k8s_1.custom_metadata.colour", "green"),
        ("identity.groups.ids.g-1.name", "ops"),
        ("identity.groups.ids.g-1.metadata.site", "north"),
        ("identity.groups.names.ops.id", "g-1"),
        ("identity.groups.names.ops.metadata.site", "north"),
        ("identity.groups.names.ops.night.id", "g-2"),
        ("  identity.entity.name\t", "ann"),
    ],
)
def test_each_form_stands_for_what_it_says(template, value):
    parsed = parse_template("secret/{{" + template + "}}/x")
    assert parsed.resolve(ANN) == f"secret/{value}/x"


@pytest.mark.parametrize(
    "template",
    [
        "identity.entity.metadata.absent",
        "identity.entity.metadata.bad",
        "identity.entity.aliases.auth_other.name",
        "identity.entity.aliases.auth_k8s_1.metadata.absent",
        "identity.entity.aliases.auth_k8s_1.custom_metadata.absent",
        "identity.groups.ids.g-9.name",
        "identity.groups.names.others.id",
        "identity.groups.names.ops.metadata.absent",
    ],
)
def test_what_is_not_known_or_not_safe_stands_for_nothing(template):
    parsed = parse_template("secret/{{identity.entity.name}}/{{" + template + "}}")
    outcome = parsed.resolve(ANN)
    assert isinstance(outcome, Unresolved)
    assert outcome.reason.startswith(template)
    assert "x/../y" not in outcome.reason


def test_without_an_entity_no_template_stands_for_anything():
    assert isinstance(parse_template("{{identity.entity.id}}").resolve(None), Unresolved)


@pytest.mark.parametrize(
    "pattern",
    [
        "{{}}",
        "{{ }}",
        "{{identity}}",
        "{{identity.entity}}",
        "{{identity.entity.}}",
        "{{identity.entity.metadata.}}",
        "{{identity.entity.aliases.acc}}",
        "{{identity.entity.aliases..name}}",
        "{{identity.entity.aliases.acc.metadata.}}",
        "{{identity.groups.ids.x.id}}",
        "{{identity.groups.names.x.name}}",
        "{{identity.groups.ids..name}}",
        "{{identity.groups.names.x.metadata.}}",
        "{{identity.entity.id}} }}",
        "{{ {{identity.entity.id}} }}",
        "}}a{{",
        "{{identity.entity.id",
        "identity.entity.id}}",
    ],
)
def test_what_is_no_template_is_refused_when_it_is_written(pattern):
    with pytest.raises(ValueError, match="expected"):
        parse_template(pattern)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "*",
        "+",
        "a*",
        "a+b",
        "a/b",
        "/",
        "..",
        ".",
        "a\\b",
        "a\nb",
        "a\x00b",
        " a",
        "a ",
        "a\u200bb",
        "a\u202eb",
        "e\u0301",
        "\ufffd",
        "a" * 256,
    ],
)
def test_a_hostile_value_drops_the_rule(value):
    acl = compile_acl(
        [policy('path "secret/{{identity.entity.name}}/*" { capabilities = ["read"] }')], named(value)
    )
    assert not acl.decide("secret/a/b", C.READ)
    assert not acl.decide(f"secret/{value}/b", C.READ)
    [dropped] = acl.dropped_for("secret/a/b")
    assert 'p: path "secret/{{identity.entity.name}}/*": identity.entity.name' in dropped
    assert acl.dropped_for("other/a/b") == acl.dropped_for("secret/a") == ()


@pytest.mark.parametrize(
    "value", ["a", "a b", "é", "{{identity.entity.id}}", "a.b", "system:sa:x", "a@b", "$x^"]
)
def test_a_harmless_value_is_text(value):
    acl = compile_acl(
        [policy('path "secret/{{identity.entity.name}}/*" { capabilities = ["read"] }')], named(value)
    )
    assert acl.decide(f"secret/{value}/b", C.READ)
    assert not acl.decide("secret/e-9/b", C.READ)
    assert acl.dropped_for(f"secret/{value}/b") == ()
    assert "{{identity.entity.name}}" in acl.decide(f"secret/{value}/b", C.READ).rule


_TEMPLATED = 'path "secret/+/{{identity.entity.name}}-x/*" { capabilities = ["read"] }'
_CHARACTERS = st.text(
    st.one_of(st.sampled_from("+*/{}.\\ \n\x00ab-x"), st.characters(exclude_categories=["Cs"])), max_size=12
)
_SEGMENT = st.text(st.sampled_from("ab-x*+{}.é"), min_size=1, max_size=6)


@given(value=_CHARACTERS, segments=st.lists(_SEGMENT, min_size=1, max_size=5))
def test_no_value_grants_more_than_its_own_text_in_its_own_place(value, segments):
    """The widest that the rule as written can mean is its text with one whole segment for the template."""
    acl = compile_acl([policy(_TEMPLATED)], named(value))
    for path in ("/".join(["secret", *segments]), f"secret/q/{value}-x/r", f"secret/{segments[0]}"):
        if acl.decide(path, C.READ):
            assert re.fullmatch(r"secret/[^/]*/" + re.escape(value) + r"-x/.*", path, re.DOTALL)
            assert "/" not in value


@given(first=_CHARACTERS, second=_CHARACTERS)
def test_values_are_put_in_once(first, second):
    subject = Subject(id=first, name=second)
    resolved = parse_template("{{identity.entity.id}}/{{identity.entity.name}}").resolve(subject)
    assert resolved == f"{first}/{second}" or isinstance(resolved, Unresolved)


@given(value=_CHARACTERS, segments=st.lists(_SEGMENT, min_size=1, max_size=4))
def test_no_value_takes_a_refusal_away(value, segments):
    """Whoever chooses his own values gets nothing by choosing bad ones."""
    text = """
        path "secret/*" { capabilities = ["read"] }
        path "secret/{{identity.entity.name}}/private/*" { capabilities = ["deny"] }
    """
    acl, path = compile_acl([policy(text)], named(value)), "/".join(["secret", *segments])
    own = f"secret/{value}/private/x"
    assert not (own.startswith("secret/") and acl.decide(own, C.READ) and value)
    if acl.dropped_for(path) and re.fullmatch("secret/.+/private/.*", path):
        assert not acl.decide(path, C.READ)


def test_a_refusal_that_cannot_be_placed_covers_every_place_that_it_could_mean():
    text = """
        path "secret/*"    { capabilities = ["read", "list"] }
        path "secret/x/y"  { capabilities = ["read"] }
        path "secret/+/{{identity.entity.metadata.team}}" { capabilities = ["deny"] }
    """
    acl = compile_acl([policy(text)], None)
    assert not acl.decide("secret/x/y", C.READ)
    assert not acl.decide("secret/x/y/z", C.READ)
    assert not acl.decide("secret/x/y/", C.LIST)
    assert acl.capabilities("secret/x/y") == ("deny",)
    assert acl.decide("secret/x", C.READ)
    assert "denies whatever it could mean" in acl.decide("secret/x/y", C.READ).reason
    assert 'p: path "secret/+/{{identity.entity.metadata.team}}"' in acl.speaking_for("secret/x/y")[0]
    assert compile_acl([policy(text)], ANN).decide("secret/x/y", C.READ)
    assert not compile_acl([policy(text)], ANN).decide("secret/x/blue", C.READ)


def test_what_a_template_stands_for_is_merged_with_other_rules_for_the_same_pattern():
    policies = [
        policy('path "secret/{{identity.entity.name}}" { capabilities = ["read"] }', "one"),
        policy('path "secret/ann" { capabilities = ["update"] }', "two"),
        policy('path "secret/{{identity.entity.metadata.team}}" { capabilities = ["deny"] }', "three"),
        policy('path "secret/blue" { capabilities = ["read"] }', "four"),
    ]
    acl = compile_acl(policies, ANN)
    assert acl.capabilities("secret/ann") == ("read", "update")
    assert acl.capabilities("secret/blue") == ("deny",)
    assert compile_acl(policies[:2], named("bob")).capabilities("secret/ann") == ("update",)


def policy(text, name="p"):
    return parse_policy(name, text)


def named(value):
    return Subject(id="e-9", name=value)
