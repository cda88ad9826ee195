"""The space rule, as its truth table and as properties that hold for every pair of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.policy.decision import Allowed, Denied
from holdfast.policy.space import decide_space


def decide(secret, service):
    return decide_space(parse_path(secret), parse_path(service))


@pytest.mark.parametrize(
    ("secret", "service", "allowed"),
    [
        # What DC/OS documents.
        pytest.param("pw", "/marathon-user/svc", True, id="top-level-is-open-to-all"),
        pytest.param("pw", "/svc", True, id="top-level-is-open-to-a-top-level-service"),
        pytest.param("group/pw", "/marathon-user/svc", False, id="other-group"),
        pytest.param("group/pw", "/group/hdfs/svc", True, id="group-above"),
        pytest.param("group/hdfs/pw", "/group/spark/svc", False, id="sibling"),
        pytest.param("hdfs/pw", "/hdfs", True, id="own-id-counts"),
        pytest.param("secret-svc/P1", "/user", False, id="stranger"),
        pytest.param("secret-svc/P1", "/secret-svc", True, id="the-service-itself"),
        pytest.param("secret-svc/P1", "/secret-svc/dev1", True, id="one-below"),
        pytest.param("secret-svc/P1", "/secret-svc/a/b/c/dev3", True, id="far-below"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc", False, id="space-deeper-than-service"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc/dev1", False, id="space-beside-service"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc/instance1", True, id="instance-itself"),
        pytest.param(
            "secret-svc/instance1/P2", "/secret-svc/instance1/someDir/dev3", True, id="below-the-instance"
        ),
        # What somebody would try.
        pytest.param("team/pw", "/team-two/svc", False, id="prefix-of-a-segment"),
        pytest.param("team-two/pw", "/team", False, id="segment-is-a-prefix"),
        pytest.param("Team/pw", "/team/svc", False, id="other-case"),
        pytest.param("team%2Fpw", "/other", True, id="encoded-slash-is-no-slash-here"),
        pytest.param("/team/pw", "team/svc", True, id="leading-slashes-make-no-difference"),
        pytest.param("team/pw", "/team/", True, id="trailing-slash-of-a-service"),
        pytest.param("team/pw/", "/team", False, id="secret-without-a-name"),
        pytest.param("", "/team", False, id="no-secret"),
        pytest.param("pw", "/", False, id="no-service"),
        pytest.param("team/pw", "", False, id="no-service-and-a-space"),
    ],
)
def test_the_table(secret, service, allowed):
    assert isinstance(decide(secret, service), Allowed if allowed else Denied)


@pytest.mark.parametrize("service", [pytest.param("/a/../b", id="dots"), pytest.param("/a//b", id="empty")])
def test_a_name_that_could_be_read_in_two_ways_never_reaches_the_rule(service):
    with pytest.raises(InvalidInputError):
        decide("b/pw", service)


NAMES = st.lists(st.sampled_from(["a", "b", "ab", "a-b"]), min_size=1, max_size=4).map("/".join)


@given(space=NAMES, service=NAMES)
def test_allowed_is_exactly_the_space_and_what_is_below_it(space, service):
    assert bool(decide(f"{space}/pw", service)) == f"{service}/".startswith(f"{space}/")


@given(space=NAMES, service=NAMES, below=NAMES)
def test_what_a_service_may_use_a_service_below_it_may_use_too(space, service, below):
    if decide(f"{space}/pw", service):
        assert decide(f"{space}/pw", f"{service}/{below}")
