"""A pairing token opens one call, once, for an hour; a pair is told nothing but who the other is."""

import pytest
from tests.support.node_under_test import new_node
from tests.support.ports import free_port

from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from holdfast.node.cluster.status_service import StatusService
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError
from holdfast.node.pairing.pair_service import Introduction, PairRequest, PairService
from holdfast.node.pairing.pair_tokens import LIFETIME_SECONDS, MAX_TOKENS

OTHER = Introduction(cluster_id="other", endpoints=("https://10.0.0.7:9021",))


@pytest.fixture
def made(tmp_path):
    return new_node(tmp_path, attaching=False)


def show(made):
    return made.call(made.admin, PairService.show_token, made.node.pairs)


def accept(made, token, theirs=OTHER):
    return made.call(token, PairService.accept, made.node.pairs, token, theirs)


def test_a_token_pairs_once(made):
    token = show(made)
    assert accept(made, token).cluster_id == "test-cluster"
    with pytest.raises(UnauthenticatedError):
        accept(made, token)
    pair = made.call(made.admin, PairService.inspect, made.node.pairs, "other")
    assert (pair.endpoint, pair.secure) == ("https://10.0.0.7:9021", False)


def test_by_a_token_nobody_takes_the_place_of_a_cluster_that_is_known(made):
    accept(made, show(made))
    token = show(made)
    accept(made, token, Introduction(cluster_id="other", endpoints=("https://elsewhere:9021",)))
    assert made.sink.lines[-1]["reason"] == "introduced itself; it was known"
    pair = made.call(made.admin, PairService.inspect, made.node.pairs, "other")
    assert pair.endpoints == tuple(OTHER.endpoints)
    with pytest.raises(UnauthenticatedError):
        accept(made, token)


def test_a_token_ends_after_an_hour(made):
    token = show(made)
    made.clock.advance(LIFETIME_SECONDS)
    with pytest.raises(UnauthenticatedError) as refused:
        accept(made, token)
    assert refused.value.reason == "revoked"


def test_a_reset_ends_all_tokens_before_it(made):
    before = [show(made), show(made)]
    after = made.call(made.admin, PairService.reset_token, made.node.pairs)
    for token in before:
        with pytest.raises(UnauthenticatedError):
            accept(made, token)
    accept(made, after)


def test_there_are_only_so_many_tokens_and_old_ones_make_room(made):
    for _ in range(MAX_TOKENS):
        show(made)
    with pytest.raises(ConflictError, match="reset them"):
        show(made)
    made.clock.advance(LIFETIME_SECONDS)
    show(made)
    made.call(made.admin, PairService.reset_token, made.node.pairs)


def test_a_pairing_token_opens_nothing_else(made):
    token = show(made)
    for operation, service in (
        (PairService.show_token, made.node.pairs),
        (PairService.enumerate, made.node.pairs),
        (StatusService.version, made.node.status),
    ):
        with pytest.raises(RoleDeniedError):
            made.call(token, operation, service)


def test_no_other_token_opens_a_pairing(made):
    token = show(made)
    admission = made.node.admit(made.admin, PairService.accept)
    with pytest.raises(OwnershipDeniedError, match="Only a pairing token"):
        PairService.accept(made.node.pairs, admission, token, OTHER)
    with pytest.raises(RoleDeniedError):
        made.node.admit(None, PairService.accept)
    accept(made, token)


@pytest.mark.parametrize("token", ["0" * 128, "f" * 128, "g" * 128, "0" * 127, ""])
def test_what_was_never_a_token_is_none(made, token):
    with pytest.raises(UnauthenticatedError):
        accept(made, token)


def test_tokens_are_for_storage_administrators(made):
    for roles, groups in ((("system.admin",), ()), (("system.view",), ("*",)), (("system.user",), ("*",))):
        token = made.token("eve", roles=roles, groups=groups)
        for operation in (PairService.show_token, PairService.reset_token):
            with pytest.raises((OwnershipDeniedError, RoleDeniedError)):
                made.call(token, operation, made.node.pairs)


def test_only_a_hash_of_a_token_is_stored_and_no_line_of_the_log_has_it(made):
    token = show(made)
    keys = made.storage.list("pair-tokens/")
    assert len(keys) == 1
    assert token not in keys[0]
    assert token.encode() not in made.storage.get(f"pair-tokens/{keys[0]}")
    accept(made, token)
    assert token not in str(made.sink.lines)
    assert made.storage.list("pair-tokens/") == []


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(Introduction(cluster_id="", endpoints=()), id="no-name"),
        pytest.param(Introduction(cluster_id="x" * 600, endpoints=()), id="long-name"),
        pytest.param(Introduction(cluster_id="a/b", endpoints=()), id="slash"),
        pytest.param(Introduction(cluster_id="a\nb", endpoints=()), id="line-break"),
        pytest.param(Introduction(cluster_id="a", endpoints=("ftp://x",)), id="other-protocol"),
        pytest.param(Introduction(cluster_id="a", endpoints=("https://x",) * 65), id="many-endpoints"),
        pytest.param(Introduction(cluster_id="test-cluster", endpoints=()), id="our-own-name"),
    ],
)
def test_an_introduction_that_no_cluster_would_make_is_refused_and_uses_nothing_up(made, theirs):
    token = show(made)
    with pytest.raises((InvalidInputError, ConflictError)):
        accept(made, token, theirs)
    accept(made, token)


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("10.0.0.7", 9021, "https://10.0.0.7:9021"),
        ("node.example", 9021, "https://node.example:9021"),
        ("fd00::7", 9021, "https://[fd00::7]:9021"),
        ("https://node.example", 443, "https://node.example:443"),
        ("http://127.0.0.1", 9021, "http://127.0.0.1:9021"),
    ],
)
def test_where_the_other_cluster_is(host, port, address):
    assert PairRequest(host=host, port=port, token="").address == address


@pytest.mark.parametrize(
    ("host", "port"), [("", 9021), ("a b/c", 9021), ("ftp://x", 1), ("x", 0), ("x", 65_536), ("x/y?z", 1)]
)
def test_where_no_cluster_can_be(made, host, port):
    request = PairRequest(host=host, port=port, token="0" * 128)
    with pytest.raises(InvalidInputError, match="remote_cluster"):
        made.call(made.admin, PairService.create, made.node.pairs, request)


def test_that_the_other_cluster_is_away_is_not_taken_for_this_node_being_away(made):
    request = PairRequest(host="http://127.0.0.1", port=free_port(), token="0" * 128)
    with pytest.raises(UnavailableError, match="the other cluster: no answer from"):
        made.call(made.admin, PairService.create, made.node.pairs, request)


def test_a_token_is_never_sent_in_clear_to_another_machine(made):
    request = PairRequest(host="http://192.0.2.1", port=9021, token="0" * 128)
    with pytest.raises(HoldfastError) as refused:
        made.call(made.admin, PairService.create, made.node.pairs, request)
    assert isinstance(refused.value, InvalidInputError)


def test_a_pair_can_be_forgotten_twice_and_the_default_goes_with_it(made):
    accept(made, show(made))
    for _ in range(2):
        made.call(made.admin, PairService.delete, made.node.pairs, "other")
    with pytest.raises(NotFoundError):
        made.call(made.admin, PairService.inspect, made.node.pairs, "other")
    assert made.call(made.admin, PairService.enumerate, made.node.pairs) == ([], "")
