"""A login through a browser that begins at one node, comes back at another and is fetched at a third."""

import pytest
from tests.support.auth import login, write
from tests.support.https_service import HttpsService
from tests.support.local_store import StoreUnderTest
from tests.support.wilful_provider import WilfulProvider, begin, claims_for, come_back, configure

from holdfast.storage.memory import MemoryStorage

DIRECT = "https://vault.example/v1/auth/oidc/oidc/callback"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(service):
    return WilfulProvider(service)


@pytest.fixture
def nodes(provider):
    storage = MemoryStorage(shared=True)
    nodes = [StoreUnderTest(storage=storage, node_id=f"node-{number}") for number in (1, 2, 3)]
    nodes[0].initialize(shares=1, threshold=1)
    for node in nodes[1:]:
        node.root, node.shares, node.threshold = nodes[0].root, nodes[0].shares, 1
        node.unseal()
    configure(nodes[0], provider)
    return nodes


def hand_out(node, provider, asked):
    return provider.hand_out(claims_for(node, provider, asked))


def test_any_node_takes_people_back_and_only_one_does(nodes, provider):
    first, second, third = nodes
    asked = begin(first)
    code = hand_out(first, provider, asked)
    auth = come_back(second, state=asked["state"], code=code).auth
    assert all(node.is_live(auth["client_token"]) for node in nodes)
    code = hand_out(first, provider, asked)
    for node in (third, first, second):
        answer = come_back(node, state=asked["state"], code=hand_out(first, provider, asked))
        assert "expired or missing OAuth state" in answer.errors[0]


def test_a_state_under_a_key_that_a_node_has_not_seen_yet_is_read(nodes, provider):
    first, second, _ = nodes
    assert first.vault("PUT", "sys/rotate", token=first.root).status == 204
    asked = begin(first)
    answer = come_back(second, state=asked["state"], code=hand_out(first, provider, asked))
    assert answer.status == 200, answer.body


def test_a_token_is_fetched_at_another_node_than_people_came_back_to(nodes, provider):
    first, second, third = nodes
    write(first, "oidc/role/people", callback_mode="direct", allowed_redirect_uris=DIRECT)
    asked = begin(first, redirect_uri=DIRECT, client_nonce="n")
    fetch = {"state": asked["state"], "client_nonce": "n"}
    assert login(third, "oidc/oidc/poll", **fetch).errors == ["authorization_pending"]
    answer = {"state": asked["state"], "code": hand_out(first, provider, asked), "confirmation": "yes"}
    assert come_back(second, **answer).status == 200
    assert login(third, "oidc/oidc/poll", **fetch).status == 200
    assert login(first, "oidc/oidc/poll", **fetch).errors == ["authorization_pending"]


def test_a_state_of_another_store_is_none(nodes, provider):
    stranger = StoreUnderTest().initialize()
    configure(stranger, provider)
    asked = begin(stranger)
    answer = come_back(nodes[0], state=asked["state"], code=hand_out(nodes[0], provider, asked))
    assert "expired or missing OAuth state" in answer.errors[0]
