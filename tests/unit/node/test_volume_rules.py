"""What storage policies make of volumes: refused with force, changed without, never less encrypted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.node.errors import PolicyViolationError
from holdfast.node.policies.volume_rules import Operator, VolumeRules, Wish, follow

EQUAL, MINIMUM, MAXIMUM = Operator.EQUAL, Operator.MINIMUM, Operator.MAXIMUM


def wish(**changes):
    plain = {"size_bytes": 10, "encrypted": False, "secret_name": "", "own_key": False, "file_system": "ext4"}
    return Wish(**{**plain, **changes})


# rules, what is asked for, what becomes of it without force, what force says about it (empty: nothing)
ROWS = {
    "no-rules": ({}, {}, {}, ""),
    "size-equal": ({"size_bytes": 10}, {}, {}, ""),
    "size-not-equal": ({"size_bytes": 12}, {}, {"size_bytes": 12}, "spec.size: expected exactly 12 bytes"),
    "least-size": ({"size_bytes": 10, "size_operator": MINIMUM}, {}, {}, ""),
    "below-least-size": (
        {"size_bytes": 11, "size_operator": MINIMUM},
        {},
        {"size_bytes": 11},
        "spec.size: expected at least 11 bytes",
    ),
    "most-size": ({"size_bytes": 10, "size_operator": MAXIMUM}, {}, {}, ""),
    "above-most-size": (
        {"size_bytes": 9, "size_operator": MAXIMUM},
        {},
        {"size_bytes": 9},
        "spec.size: expected at most 9 bytes",
    ),
    "within-both": ({"size_bytes": 5, "size_operator": MINIMUM, "size_limit_bytes": 10}, {}, {}, ""),
    "above-the-limit": (
        {"size_bytes": 5, "size_operator": MINIMUM, "size_limit_bytes": 8},
        {},
        {"size_bytes": 8},
        "spec.size: expected at least 5 bytes and at most 8",
    ),
    "encrypted": ({"encrypted": True}, {}, {"encrypted": True}, "spec.encrypted: expected true"),
    "encrypted-already": ({"encrypted": True}, {"encrypted": True}, {}, ""),
    "secret": (
        {"secret_name": "team/key"},
        {},
        {"encrypted": True, "secret_name": "team/key"},
        "spec.passphrase: expected the secret",
    ),
    "secret-instead-of-another": (
        {"secret_name": "team/key"},
        {"encrypted": True, "secret_name": "mine"},
        {"secret_name": "team/key"},
        "spec.passphrase: expected the secret",
    ),
    "secret-instead-of-its-own": (
        {"secret_name": "team/key"},
        {"encrypted": True, "own_key": True},
        {"own_key": False, "secret_name": "team/key"},
        "spec.passphrase: expected the secret",
    ),
    "secret-already": ({"secret_name": "k"}, {"encrypted": True, "secret_name": "k"}, {}, ""),
    "format": (
        {"file_systems": ["xfs"]},
        {},
        {"file_system": "xfs"},
        "spec.format: expected one of xfs",
    ),
    "format-among-several": ({"file_systems": ["xfs", "ext4"]}, {}, {}, ""),
    "labels": (
        {"labels": {"tier": "gold"}},
        {"labels": {"app": "db"}},
        {"labels": {"app": "db", "tier": "gold"}},
        "labels: expected those of the policy, also tier",
    ),
    "label-with-another-value": (
        {"labels": {"tier": "gold"}},
        {"labels": {"tier": "tin"}},
        {"labels": {"tier": "gold"}},
        "labels: expected those of the policy, also tier",
    ),
    "labels-already": ({"labels": {"tier": "gold"}}, {"labels": {"tier": "gold", "a": "b"}}, {}, ""),
    "copies-that-there-are": ({"copies": 1}, {}, {}, ""),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_becomes_of_a_volume(row):
    rules, asked, changes, _ = ROWS[row]
    before = wish(**asked)
    after = follow(before, VolumeRules(**rules), policy="p", force=False)
    assert after == wish(**{**asked, **changes})


@pytest.mark.parametrize("row", ROWS)
def test_force_refuses_exactly_what_would_be_changed_and_names_the_field(row):
    rules, asked, _, text = ROWS[row]
    if not text:
        assert follow(wish(**asked), VolumeRules(**rules), policy="p", force=True) == wish(**asked)
        return
    with pytest.raises(PolicyViolationError, match=f"storage policy p: .*{text}"):
        follow(wish(**asked), VolumeRules(**rules), policy="p", force=True)


def test_every_breach_is_named_at_once():
    rules = VolumeRules(size_bytes=20, encrypted=True, file_systems=["xfs"], labels={"a": "b"})
    with pytest.raises(PolicyViolationError) as caught:
        follow(wish(), rules, policy="p", force=True)
    for field in ("spec.size", "spec.encrypted", "spec.format", "labels"):
        assert field in caught.value.message


@pytest.mark.parametrize("force", [True, False])
def test_encryption_that_was_asked_for_is_never_taken_away(force):
    with pytest.raises(PolicyViolationError, match=r"spec\.encrypted: expected false"):
        follow(wish(encrypted=True), VolumeRules(encrypted=False), policy="p", force=force)
    assert not follow(wish(), VolumeRules(encrypted=False), policy="p", force=force).encrypted


IMPOSSIBLE = {
    "no-size": ({"size_bytes": 0}, "policy.size"),
    "huge-size": ({"size_bytes": 1 << 63}, "policy.size"),
    "limit-alone": ({"size_limit_bytes": 5}, "policy.size_limit"),
    "limit-below-least": (
        {"size_bytes": 6, "size_operator": MINIMUM, "size_limit_bytes": 5},
        "policy.size_limit",
    ),
    "limit-with-exact-size": ({"size_bytes": 5, "size_limit_bytes": 6}, "policy.size_limit"),
    "two-copies": ({"copies": 2}, "policy.ha_level"),
    "at-least-two-copies": ({"copies": 2, "copies_operator": MINIMUM}, "policy.ha_level"),
    "no-copies": ({"copies": 0, "copies_operator": MAXIMUM}, "policy.ha_level"),
    "secret-without-encryption": ({"secret_name": "k", "encrypted": False}, "policy.passphrase"),
    "no-secret": ({"secret_name": ""}, "policy.passphrase"),
    "label-without-a-name": ({"labels": {"": "x"}}, "policy.volume_labels"),
    "label-without-a-value": ({"labels": {"x": ""}}, "policy.volume_labels"),
    "too-many-labels": ({"labels": {str(n): "x" for n in range(65)}}, "policy.volume_labels"),
    "long-label": ({"labels": {"x": "y" * 513}}, "policy.volume_labels"),
    "unknown-format": ({"file_systems": ["ntfs"]}, "policy.formats"),
    "format-twice": ({"file_systems": ["xfs", "xfs"]}, "policy.formats"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_rules_that_no_volume_can_follow_are_refused(case):
    fields, text = IMPOSSIBLE[case]
    with pytest.raises(InvalidInputError, match=f"{text}: "):
        VolumeRules(**fields).check()


@pytest.mark.parametrize(
    "fields",
    [{"copies": 1}, {"copies": 1, "copies_operator": MINIMUM}, {"copies": 3, "copies_operator": MAXIMUM}],
)
def test_rules_about_copies_that_one_copy_follows_are_taken(fields):
    VolumeRules(**fields).check()


SIZES = st.integers(1, 1 << 40)


@given(
    size=SIZES,
    bound=SIZES,
    operator=st.sampled_from(Operator),
    encrypted=st.booleans(),
    rule=st.sampled_from([None, True]),
    formats=st.sampled_from([[], ["xfs"], ["ext4", "xfs"]]),
)
def test_what_a_policy_made_of_a_volume_it_does_not_refuse(size, bound, operator, encrypted, rule, formats):
    rules = VolumeRules(size_bytes=bound, size_operator=operator, encrypted=rule, file_systems=formats)
    changed = follow(wish(size_bytes=size, encrypted=encrypted), rules, policy="p", force=False)
    assert follow(changed, rules, policy="p", force=True) == changed
    assert changed.encrypted >= encrypted
