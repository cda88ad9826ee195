"""Policies as text: every key, both notations, and the refusal of whatever is not understood."""

import json

import pytest

from holdfast.errors import InvalidInputError
from holdfast.policy.acl import Capability, compile_acl, parse_policy, root_policy
from holdfast.policy.acl_rule import Limits
from holdfast.policy.builtin import DEFAULT_POLICY

C = Capability
WRITE = {C.READ, C.LIST, C.CREATE, C.UPDATE, C.DELETE}


def only_rule(body):
    (rule,) = parse_policy("p", f'path "x" {{ {body} }}').rules
    return rule


@pytest.mark.parametrize(
    ("body", "capabilities", "is_denied"),
    [
        pytest.param('capabilities = ["read"]', {C.READ}, False, id="one"),
        pytest.param('capabilities = ["read", "read"]', {C.READ}, False, id="twice"),
        pytest.param(
            'capabilities = ["create","read","update","patch","delete","list","scan","sudo"]',
            set(C),
            False,
            id="all",
        ),
        pytest.param('capabilities = ["deny"]', set(), True, id="deny"),
        pytest.param('capabilities = ["read", "deny", "sudo"]', set(), True, id="deny-wins"),
        pytest.param("capabilities = []", set(), False, id="empty-list"),
        pytest.param("", set(), False, id="nothing-said"),
        pytest.param('policy = "read"', {C.READ, C.LIST}, False, id="shorthand-read"),
        pytest.param('policy = "write"', WRITE, False, id="shorthand-write"),
        pytest.param('policy = "sudo"', WRITE | {C.SUDO}, False, id="shorthand-sudo"),
        pytest.param('policy = "deny"', set(), True, id="shorthand-deny"),
        pytest.param('policy = "read" capabilities = ["patch"]', {C.READ, C.LIST, C.PATCH}, False, id="both"),
        pytest.param('comment = "why" capabilities = ["read"]', {C.READ}, False, id="comment"),
    ],
)
def test_capabilities(body, capabilities, is_denied):
    rule = only_rule(body)
    assert (set(rule.capabilities), rule.is_denied) == (capabilities, is_denied)


def test_limits():
    rule = only_rule("""
        capabilities = ["update"]
        allowed_parameters = { "Name" = ["a", 1, true], "*" = [] }
        denied_parameters { "TTL" = [] }
        required_parameters = ["Name", "other"]
        min_wrapping_ttl = "90s"
        max_wrapping_ttl = 3600
    """)
    assert rule.limits == Limits(
        allowed_parameters={"name": ("a", "1", "true"), "*": ()},
        denied_parameters={"ttl": ()},
        required_parameters=frozenset({"name", "other"}),
        min_wrapping_seconds=90,
        max_wrapping_seconds=3600,
    )


def test_json_says_the_same():
    body = {"capabilities": ["read", "update"], "allowed_parameters": {"a": ["b"]}, "max_wrapping_ttl": "1h"}
    from_json = parse_policy(
        "p", json.dumps({"name": "ignored", "path": {"secret/*": body, "b": {"policy": "deny"}}})
    )
    from_hcl = parse_policy(
        "p",
        """
        path "secret/*" {
          capabilities = ["read", "update"]
          allowed_parameters = { a = ["b"] }
          max_wrapping_ttl = "1h"
        }
        path "b" { policy = "deny" }
        """,
    )
    assert from_json == from_hcl


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("/secret/a", "secret/a"),
        ("secret/*", "secret/*"),
        ("a/+/b", "a/+/b"),
        ("a*b", "a*b"),
        ("a+b", "a+b"),
        ("", ""),
    ],
)
def test_pattern(written, kept):
    (rule,) = parse_policy("p", f'path "{written}" {{}}').rules
    assert rule.pattern == kept


def test_names_are_folded():
    assert parse_policy("MyTeam", "").name == "myteam"


@pytest.mark.parametrize("name", ["root", "Root", "ROOT"])
def test_root_has_no_text(name):
    with pytest.raises(InvalidInputError, match="root"):
        parse_policy(name, 'path "*" { capabilities = ["sudo"] }')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param('path "a" { capabilites = ["hunter2"] }', "line 1: .*capabilites", id="misspelt-key"),
        pytest.param('\npaths "a" {}', "line 2: .*paths", id="misspelt-block"),
        pytest.param('path = "a"', "unknown key path", id="path-as-attribute"),
        pytest.param("version = 1", "unknown key version", id="unknown-setting"),
        pytest.param("path {}", "one pattern", id="no-pattern"),
        pytest.param('path "a" "b" {}', "one pattern", id="two-patterns"),
        pytest.param('path "a" { capabilities = ["raed"] }', "expected only sudo", id="misspelt-capability"),
        pytest.param(
            'path "a" { capabilities = ["READ"] }', "expected only sudo", id="capability-in-capitals"
        ),
        pytest.param('path "a" { capabilities = ["root"] }', "expected only sudo", id="root-as-capability"),
        pytest.param('path "a" { capabilities = "read" }', "expected a list", id="capabilities-as-text"),
        pytest.param('path "a" { capabilities = [1] }', "list of strings", id="capability-as-number"),
        pytest.param('path "a" { capabilities = [["read"]] }', "list of strings", id="capabilities-nested"),
        pytest.param('path "a" { policy = "admin" }', "deny, read, write, sudo", id="unknown-shorthand"),
        pytest.param('path "a" { policy = ["read"] }', "deny, read, write, sudo", id="shorthand-as-list"),
        pytest.param('path "a/+*" {}', "whole segment", id="plus-star"),
        pytest.param('path "a/{{identity.entity.age}}/*" {}', "expected a template", id="unknown-template"),
        pytest.param('path "a/{{time.now}}/*" {}', "expected a template", id="template-of-something-else"),
        pytest.param('path "a/{{identity.entity.id}" {}', "closed by", id="template-not-closed"),
        pytest.param('path "a/{{identity.entity.id}}+*" {}', "whole segment", id="template-plus-star"),
        pytest.param('path "a" { control_group {} }', "control_group", id="control-group"),
        pytest.param('path "a" { expiration = "2030-01-01" }', "expiration", id="expiry-of-a-rule"),
        pytest.param(
            'path "a" { allowed_parameters = ["b"] }', "expected an object", id="parameters-as-list"
        ),
        pytest.param('path "a" { allowed_parameters = {b = "c"} }', "expected a list", id="values-as-text"),
        pytest.param('path "a" { allowed_parameters = {b = [[]]} }', "as values", id="value-as-list"),
        pytest.param('path "a" { denied_parameters {} denied_parameters {} }', "once", id="parameters-twice"),
        pytest.param('path "a" { required_parameters = {} }', "expected a list", id="required-as-object"),
        pytest.param('path "a" { min_wrapping_ttl = "soon" }', "min_wrapping_ttl", id="not-a-duration"),
        pytest.param('path "a" { max_wrapping_ttl = [] }', "max_wrapping_ttl", id="duration-as-list"),
        pytest.param('path "a" { max_wrapping_ttl = "-1s" }', "max_wrapping_ttl", id="negative-duration"),
        pytest.param('path "a" { capabilities = ["read"]', "policy:1:35", id="not-closed"),
        pytest.param('{"path": {"a": {"capabilities": null}}}', "expected a list", id="json-null"),
        pytest.param('{"path": ["a"]}', "unknown key path", id="json-list-of-names"),
        pytest.param('{"path": {"a": {}}, "path": {}}', "twice", id="json-duplicate"),
    ],
)
def test_what_is_not_understood_is_refused(text, problem):
    with pytest.raises(InvalidInputError, match=problem) as caught:
        parse_policy("p", text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing", "{}", 'name = "x"'])
def test_policy_without_rules_grants_nothing(text):
    assert parse_policy("p", text).rules == ()


def test_root_policy_is_not_made_of_rules():
    assert root_policy().rules == ()
    assert root_policy().is_root


def test_builtin_policies_grant_what_they_should():
    default = compile_acl([parse_policy("default", DEFAULT_POLICY)])
    assert default.capabilities("auth/token/lookup-self") == ("read",)
    assert default.capabilities("auth/token/renew-self") == ("update",)
    assert default.capabilities("cubbyhole/any/thing") == ("read", "list", "update", "delete", "create")
    for path in ("secret/data/a", "sys/mounts", "auth/token/lookup", "sys/policies/acl/default"):
        assert default.capabilities(path) == ("deny",)
