"""A storage node and a real OpenID provider: people, keys that change, and the provider's bad days."""

import time
from collections.abc import Iterator

import pytest
from tests.support.node_process import NodeProcess
from tests.support.oidc_provider import REDIRECT, OidcProvider, private_jwk

from holdfast import errors

CLIENT, SECRET = "storage", "a secret of the client, for tests"
OTHER, OTHER_SECRET = "another", "a secret of another, for tests only"
SPACE = "https://example.com/"
PEOPLE = {
    "ann": {
        "email": "ann@example.com",
        "name": "Ann",
        "groups": ["everybody"],
        "roles": ["system.user"],
        SPACE + "groups": ["team-red"],
        SPACE + "roles": ["system.view"],
    },
    "bob": {"name": "Bob", "groups": [], "roles": ["system.user"]},
}
SCOPES = {
    "email": ["email"],
    "profile": ["name"],
    "groups": ["groups", "roles", SPACE + "groups", SPACE + "roles"],
}
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    provider = OidcProvider(people=PEOPLE, scopes=SCOPES, keys=[private_jwk(key_id="k1")])
    provider.client(CLIENT, SECRET, REDIRECT)
    provider.client(OTHER, OTHER_SECRET, REDIRECT)
    with provider:
        yield provider


def node_for(directory, provider, *more) -> NodeProcess:
    words = ("-oidc_issuer", provider.issuer, "-oidc_client_id", CLIENT, *more)
    return NodeProcess(directory, *words)


@pytest.fixture(scope="module")
def node(tmp_path_factory, provider) -> Iterator[NodeProcess]:
    with node_for(tmp_path_factory.mktemp("node"), provider) as process:
        yield process


def token_of(provider: OidcProvider, person: str) -> str:
    return provider.identity_token(CLIENT, person, secret=SECRET)


def who(node: NodeProcess, token: str) -> dict:
    return node.client(token).request("GET", "identities/whoami")


def reason(node: NodeProcess, token: str) -> str:
    """Return why a token is refused, empty if it is not."""
    try:
        who(node, token)
    except errors.HoldfastError as error:
        return error.reason or "none"
    return ""


def eventually(node: NodeProcess, token: str, expected: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := reason(node, token)) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_people_of_the_provider_and_self_signed_tokens_side_by_side(node, provider):
    ann = who(node, token_of(provider, "ann"))
    assert (ann["username"], ann["issuer"]) == ("ann", provider.issuer)
    assert (ann["roles"], ann["groups"]) == (["system.user"], ["everybody"])
    assert who(node, node.token("carol"))["username"] == "carol"


def test_a_token_for_another_client_is_refused(node, provider):
    token = provider.identity_token(OTHER, "ann", secret=OTHER_SECRET)
    assert reason(node, token) == "wrong_audience"


def test_a_person_of_whom_the_provider_does_not_say_enough_is_refused(node, provider):
    assert reason(node, token_of(provider, "bob")) == "missing_claim"


def test_claims_of_a_namespace_and_another_user_name(tmp_path, provider):
    words = ("-oidc_custom_claim_namespace", SPACE, "-username_claim", "email")
    with node_for(tmp_path, provider, *words) as node:
        ann = who(node, token_of(provider, "ann"))
    assert (ann["username"], ann["roles"], ann["groups"]) == (
        "ann@example.com",
        ["system.view"],
        ["team-red"],
    )


def test_the_provider_s_key_changes_and_old_tokens_stay_good_until_it_is_withdrawn(node, provider):
    old = token_of(provider, "ann")
    assert reason(node, old) == ""
    provider.rotate(private_jwk(key_id="k2"))
    new = token_of(provider, "ann")

    eventually(node, new, "")
    assert reason(node, old) == ""


def test_a_node_starts_without_the_provider_and_works_once_it_is_there(tmp_path, provider):
    token = token_of(provider, "ann")
    provider.stop()
    try:
        with node_for(tmp_path, provider) as node:
            assert reason(node, token) == "issuer_unavailable"
            with pytest.raises(errors.UnavailableError):
                who(node, token)
            assert who(node, node.token("carol"))["username"] == "carol"
            provider.start()
            eventually(node, token, "")
            provider.stop()
            assert reason(node, token) == ""  # its keys are known by now
    finally:
        if provider.process is None:
            provider.start()
