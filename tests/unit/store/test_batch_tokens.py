"""A batch token is whole in itself: nothing is stored for it, and nothing about it can be changed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from holdfast.store.open_store import MAX_TOKEN_LENGTH

CREATE = "auth/token/create"


def batch(store, *, by=None, **wanted):
    answer = store.create_token(by=by, **{"type": "batch", "policies": ["default"], "ttl": "1h"} | wanted)
    assert answer.status == 200, answer.body
    return answer.auth


def alive(store, token):
    return store.vault("GET", "auth/token/lookup-self", token=token).status == 200


def test_it_is_a_token_like_any_other_to_whoever_holds_it(store):
    auth = batch(store, meta={"a": "b"})
    token = auth["client_token"]
    assert token.startswith("hvb.")
    assert (auth["token_type"], auth["accessor"], auth["renewable"]) == ("batch", "", False)
    about = store.vault("GET", "auth/token/lookup-self", token=token).data
    assert (about["type"], about["id"], about["accessor"]) == ("batch", token, "")
    assert (about["policies"], about["meta"], about["ttl"]) == (["default"], {"a": "b"}, 3600)
    assert (
        store.vault("POST", "auth/token/lookup", {"token": token}, token=store.root).data["type"] == "batch"
    )
    said = store.vault(
        "POST", "sys/capabilities", {"token": token, "paths": ["cubbyhole/a"]}, token=store.root
    )
    assert "read" in said.data["capabilities"]


def test_making_and_using_it_writes_nothing(store):
    before = store.storage.revision()
    for _ in range(50):
        assert alive(store, batch(store)["client_token"])
    assert store.storage.revision() == before


def test_no_two_are_alike(store):
    assert len({batch(store)["client_token"] for _ in range(20)}) == 20


def test_it_ends_with_its_time(store):
    token = batch(store, ttl=60)["client_token"]
    store.clock.advance(59)
    assert alive(store, token)
    store.clock.advance(1)
    assert not alive(store, token)


def test_it_ends_with_its_parent_unless_it_is_an_orphan(store):
    parent = store.token(policies=["root"], ttl="2h")
    child = batch(store, by=parent)["client_token"]
    orphan = batch(store, by=parent, no_parent=True)["client_token"]
    assert alive(store, child)
    store.vault("POST", "auth/token/revoke", {"token": parent}, token=store.root)
    assert (alive(store, child), alive(store, orphan)) == (False, True)


def test_it_never_outlives_its_parent_s_time(store):
    parent = store.token(policies=["root"], ttl=60)
    child = batch(store, by=parent, ttl="1h")["client_token"]
    store.clock.advance(61)
    assert not alive(store, child)


def test_it_outlives_a_restart_and_a_rotation_of_the_keyring(store):
    token = batch(store)["client_token"]
    assert store.vault("PUT", "sys/rotate", token=store.root).status < 300
    newer = batch(store)["client_token"]
    store.restart()
    assert alive(store, token)
    assert alive(store, newer)


def test_another_store_does_not_know_it(store):
    from tests.support.local_store import StoreUnderTest

    assert not alive(StoreUnderTest().initialize(), batch(store)["client_token"])


@pytest.mark.parametrize(
    ("path", "as_self", "refusal"),
    [
        pytest.param("auth/token/renew-self", True, "batch tokens cannot be renewed", id="renew itself"),
        pytest.param("auth/token/revoke-self", True, "batch tokens cannot be revoked", id="revoke itself"),
        pytest.param("auth/token/renew", False, "batch tokens cannot be renewed", id="renew"),
        pytest.param("auth/token/revoke", False, "batch tokens cannot be revoked", id="revoke"),
        pytest.param("auth/token/revoke-orphan", False, "batch tokens cannot be revoked", id="orphan"),
    ],
)
def test_nothing_about_it_can_be_changed(store, path, as_self, refusal):
    token = batch(store)["client_token"]
    answer = store.vault("POST", path, {"token": token}, token=token if as_self else store.root)
    assert (answer.status, answer.errors) == (400, [refusal])
    assert alive(store, token)


def test_it_makes_no_tokens(store):
    maker = store.policy("maker", f'path "{CREATE}" {{ capabilities = ["update"] }}')
    token = batch(store, policies=[maker])["client_token"]
    answer = store.vault("POST", CREATE, {}, token=token)
    assert (answer.status, answer.errors) == (400, ["batch tokens cannot create more tokens"])


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        pytest.param({"policies": ["root"]}, "batch tokens cannot be root tokens", id="root"),
        pytest.param({"period": "1h"}, "batch tokens cannot be periodic", id="periodic"),
        pytest.param({"num_uses": 3}, "batch tokens cannot have a limited use count", id="uses"),
        pytest.param({"id": "mine"}, "batch tokens cannot have an id that was chosen", id="id"),
        pytest.param({"meta": {"a": "b" * 4000}}, "too long for a batch token", id="too much inside"),
    ],
)
def test_what_would_have_to_be_stored_it_cannot_have(store, wanted, refusal):
    answer = store.create_token(**{"type": "batch", "policies": ["default"]} | wanted)
    assert answer.status == 400
    assert refusal in answer.errors[0]


def _flipped(token, index):
    encoded = token.removeprefix("hvb.")
    raw = bytearray(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    raw[index] ^= 1
    return "hvb." + urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: "hvb.", id="nothing"),
        pytest.param(lambda token: token[:-4], id="cut"),
        pytest.param(lambda token: token + "A", id="longer"),
        pytest.param(lambda token: token + "=", id="padded"),
        pytest.param(lambda token: token[:-1] + "!", id="foreign letter"),
        pytest.param(lambda token: token.replace("hvb.", "hvs."), id="as a stored one"),
        pytest.param(lambda token: "hvb." + "A" * MAX_TOKEN_LENGTH, id="oversized"),
        pytest.param(lambda token: _flipped(token, 0), id="version"),
        pytest.param(lambda token: _flipped(token, 4), id="term"),
        pytest.param(lambda token: _flipped(token, 1), id="term of the far future"),
        pytest.param(lambda token: _flipped(token, 10), id="salt"),
        pytest.param(lambda token: _flipped(token, 40), id="nonce"),
        pytest.param(lambda token: _flipped(token, 60), id="content"),
        pytest.param(lambda token: _flipped(token, -1), id="tag"),
    ],
)
def test_what_the_store_did_not_make_is_unknown(store, forge):
    answer = store.vault("GET", "auth/token/lookup-self", token=forge(batch(store)["client_token"]))
    assert (answer.status, answer.errors) == (403, ["permission denied"])


@pytest.mark.parametrize("term", [0, 1, 2, 3, 2**32 - 1])
def test_what_a_stranger_makes_up_is_refused_like_any_token_and_asks_nobody(store, term):
    raw = b"\x01" + term.to_bytes(4, "big") + bytes(200)
    token = "hvb." + urlsafe_b64encode(raw).rstrip(b"=").decode()
    sent, submit = [], store.local.submit
    store.local.submit = lambda frame, done: (sent.append(frame), submit(frame, done))
    assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
    assert sent == []
