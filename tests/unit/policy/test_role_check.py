"""A role that names what does not exist is noticed, with what may have been meant."""

import pytest
from tests.support.sdk_services import SDK_SERVICES

from holdfast.policy.role_check import MOST_FOUND, dead_patterns
from holdfast.policy.roles import Role, Rule

SERVICES = {service: frozenset(api.lower() for api in apis) for service, apis in SDK_SERVICES.items()}


def found(*rules: tuple[str, str]) -> list[str]:
    role = Role("team", tuple(Rule(tuple(s.split()), tuple(a.split())) for s, a in rules))
    return [dead.text for dead in dead_patterns(role, SERVICES)]


@pytest.mark.parametrize(
    ("rules", "texts"),
    [
        pytest.param([("volume", "*")], [], id="a-service"),
        pytest.param([("vol* !node", "*enumerate*")], [], id="patterns"),
        pytest.param([("!*", "!*")], [], id="nothing-at-all"),
        pytest.param([("cloudbackup", "schedcreate")], [], id="a-service-that-this-node-does-not-serve"),
        pytest.param(
            [("volumes", "create")],
            ["rule 1, services: pattern 1 matches no service; did you mean volume?"],
            id="the-manual-of-the-original",
        ),
        pytest.param(
            [("volume", "inspect* mount")],
            ["rule 1, apis: pattern 2 matches no API of the rule's services"],
            id="an-api-of-another-service",
        ),
        pytest.param(
            [("*", "*"), ("volume", "!delet")],
            ["rule 2, apis: pattern 1 matches no API of the rule's services; did you mean delete?"],
            id="a-denial-that-denies-nothing",
        ),
        pytest.param(
            [("*", "*"), ("!creds* credentials", "!*")],
            ["rule 2, services: pattern 1 matches no service; did you mean credentials?"],
            id="a-denied-service-that-is-none",
        ),
        pytest.param(
            [("qqq", "zzz")],
            ["rule 1, services: pattern 1 matches no service"],
            id="nothing-is-like-it",
        ),
    ],
)
def test_patterns_that_match_nothing_are_named_by_place(rules, texts):
    assert found(*rules) == texts


def test_a_role_full_of_slips_names_the_first_of_them():
    assert len(found(*[("*", " ".join(f"inspekt{n}" for n in range(250)))] * 16)) == MOST_FOUND


def test_the_pattern_itself_is_not_repeated():
    assert "volumes" not in "".join(found(("volumes", "create")))
