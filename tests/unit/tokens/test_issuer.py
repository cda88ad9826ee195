"""Issuers that cannot be right are refused when they are configured, not when a token arrives."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.issuer import MAX_KEYS, Issuer, IssuerRegistry
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.shared_secret import SharedSecretKey, new_shared_secret


def key(key_id: str = "") -> SharedSecretKey:
    return SharedSecretKey(new_shared_secret(), key_id=key_id)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param({"name": ""}, "issuer", id="no-name"),
        pytest.param({"name": "a\nb"}, "issuer", id="newline-in-the-name"),
        pytest.param({"name": "n" * 257}, "issuer", id="huge-name"),
        pytest.param({"keys": ()}, "keys", id="no-keys"),
        pytest.param({"keys": tuple(key() for _ in range(MAX_KEYS + 1))}, "keys", id="too-many-keys"),
        pytest.param({"keys": (key("k1"), key("k1"))}, "key id", id="duplicate-key-id"),
        pytest.param({"algorithms": frozenset({Algorithm.RS256})}, "algorithms", id="no-key-for-algorithm"),
        pytest.param({"clock_skew_seconds": -1}, "clock skew", id="negative-skew"),
        pytest.param({"clock_skew_seconds": 61}, "clock skew", id="skew-over-a-minute"),
        pytest.param({"max_lifetime_seconds": 0}, "lifetime", id="no-lifetime"),
    ],
)
def test_a_wrong_issuer_is_refused(options: dict, names: str):
    with pytest.raises(InvalidInputError, match=names):
        Issuer(**{"name": "holdfast.test", "keys": (key(),), **options})


def test_keys_without_id_may_stand_side_by_side():
    assert len(Issuer(name="holdfast.test", keys=(key(), key())).keys) == 2


def test_the_algorithms_are_those_of_the_keys_unless_narrowed():
    elliptic = EcSigningKey.generate().verifying_key()
    short = SharedSecretKey(SecretBytes(b"s" * 32))

    assert Issuer(name="i", keys=(elliptic, short)).algorithms == {Algorithm.ES256, Algorithm.HS256}
    narrow = Issuer(name="i", keys=(elliptic, short), algorithms=frozenset({Algorithm.ES256}))
    assert narrow.algorithms == {Algorithm.ES256}


def test_two_issuers_of_one_name_are_refused():
    with pytest.raises(InvalidInputError, match="name once"):
        IssuerRegistry([Issuer(name="i", keys=(key(),)), Issuer(name="i", keys=(key(),))])


def test_two_issuers_with_one_key_are_refused():
    shared, published = key(), EcSigningKey.generate().verifying_key()
    for common in (shared, published):
        with pytest.raises(InvalidInputError, match="keys of its own"):
            IssuerRegistry([Issuer(name="users", keys=(common,)), Issuer(name="apps", keys=(key(), common))])
