"""A token revoked at one node is refused at the others a second later, and by one that cannot know."""

import time

import pytest
from tests.support.node_cluster import node_cluster, wait_until

from holdfast.errors import HoldfastError

SECONDS = 1.0
UNKNOWN = {"storage_unavailable", "revocations_unavailable"}  # both are 503


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with node_cluster(tmp_path_factory.mktemp("cluster-postgresql"), "postgresql", 2) as running:
        yield running


def reason(node, token):
    """Return why a node refuses a token, empty if it does not."""
    try:
        node.call("GET", "identities/whoami", token=token)
    except HoldfastError as error:
        return error.reason
    return ""


def test_a_question_asked_a_second_later_is_refused_at_every_node(nodes):
    one, two = nodes
    for _ in range(5):
        token = one.token("alice")
        assert [reason(node, token) for node in nodes] == ["", ""]
        one.call("POST", "tokens/revoke", {}, token=token)
        revoked_at = time.monotonic()
        assert reason(one, token) == "revoked"
        while True:
            asked_at = time.monotonic()
            if reason(two, token) == "revoked":
                break
            assert asked_at - revoked_at < SECONDS  # when it was asked, however long the answer took


def test_a_node_without_storage_soon_believes_no_token_and_learns_what_it_missed(nodes):
    one, two = nodes
    missed, kept = two.token("bob"), two.token("bob")
    assert [reason(two, token) for token in (missed, kept)] == ["", ""]
    two.cut_off()
    one.call("POST", "tokens/revoke", {}, token=missed)
    wait_until(lambda: reason(two, kept) in UNKNOWN, "a node that cannot know believes no token")
    assert reason(two, missed) in UNKNOWN
    assert [reason(one, token) for token in (missed, kept)] == ["revoked", ""]
    two.mend()
    wait_until(lambda: reason(two, kept) == "", "the node is back")
    assert reason(two, missed) == "revoked"


def test_a_token_that_one_node_renewed_is_revoked_at_another(nodes):
    one, two = nodes
    first = one.token("carol")
    renewed = one.call("POST", "tokens/renew", {}, token=first)["token"]
    assert reason(two, renewed) == ""
    two.call("POST", "tokens/revoke", {"subject": "carol"})
    wait_until(lambda: reason(one, renewed) == "revoked", "the renewed token is revoked, too")
    assert reason(one, first) == "revoked"
