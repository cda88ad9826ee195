"""Making tokens: what goes in comes out at the verifier, and what cannot be right is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.tokens.conftest import ISSUER, NOW

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.compact import read_compact
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.errors import TokenError
from holdfast.tokens.generate import DEFAULT_LIFETIME_SECONDS, generate_token, parse_lifetime
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.rsa_key import RsaSigningKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User
from holdfast.tokens.verify import Verifier

SECRET = SharedSecretKey(SecretBytes(b"s" * 32))
ALICE = User(
    name="Alice", email="alice@example.com", sub="alice", roles=("system.user",), groups=("dev", "ops")
)


def verify(token: str, key) -> object:
    registry = IssuerRegistry([Issuer(name=ISSUER, keys=(key,))])
    return Verifier(registry, clock=ManualClock(NOW)).verify(token)


def generate(user: User = ALICE, **options) -> str:
    return generate_token(user, **{"issuer": ISSUER, "key": SECRET, "issued_at": NOW, **options})


@pytest.mark.parametrize("family", [RsaSigningKey, EcSigningKey])
def test_a_token_of_a_new_key_verifies_with_its_public_half(family):
    key = family.generate(key_id="k1")
    principal = verify(generate(key=key), key.verifying_key())

    assert (principal.name, principal.roles, principal.groups) == ("alice", ALICE.roles, ALICE.groups)
    assert principal.expires_at == NOW + DEFAULT_LIFETIME_SECONDS


def test_the_claims_are_those_of_other_generators():
    claims = read_compact(generate(lifetime_seconds=60)).unverified_claims

    assert list(claims) == ["email", "exp", "groups", "iat", "iss", "jti", "name", "roles", "sub"]
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 60)


def test_a_user_without_groups_gets_no_such_claim():
    claims = read_compact(generate(User(sub="alice"))).unverified_claims

    assert "groups" not in claims
    assert claims["roles"] == []


def test_every_token_has_an_id_of_its_own():
    identifiers = {read_compact(generate()).unverified_claims["jti"] for _ in range(100)}

    assert len(identifiers) == 100


def test_fractions_of_the_clock_never_put_a_token_into_the_future():
    assert read_compact(generate(issued_at=NOW + 0.999)).unverified_claims["iat"] == NOW


def test_a_lifetime_of_nothing_gives_an_expired_token():
    with pytest.raises(TokenError, match="expired"):
        verify(generate(lifetime_seconds=0), SECRET)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param({"issuer": ""}, "issuer", id="no-issuer"),
        pytest.param({"issuer": "https://accounts.example.com"}, "OIDC", id="url"),
        pytest.param({"issuer": "HTTP://accounts.example.com"}, "OIDC", id="url-in-capitals"),
        pytest.param({"issuer": "a\nb"}, "issuer", id="newline-in-the-issuer"),
        pytest.param({"lifetime_seconds": -1}, "duration", id="negative-lifetime"),
        pytest.param({"lifetime_seconds": 2**40}, "duration", id="lifetime-of-ages"),
    ],
)
def test_what_cannot_be_right_is_refused(options: dict, names: str):
    with pytest.raises(InvalidInputError, match=names):
        generate(**options)


# Not the categories that `isprintable` refuses; of the separators only the blank is printable.
VISIBLE = st.characters(codec="utf-8", exclude_categories=("C", "Z")).filter(str.isprintable)
PRINTABLE = st.text(VISIBLE | st.just(" "), max_size=30)


@given(
    st.builds(
        User,
        name=PRINTABLE,
        email=PRINTABLE,
        sub=st.text(VISIBLE, min_size=1, max_size=30),
        roles=st.lists(PRINTABLE, max_size=4).map(tuple),
        groups=st.lists(PRINTABLE, max_size=4).map(tuple),
    )
)
def test_every_user_comes_back_as_they_were(user: User):
    principal = verify(generate(user), SECRET)

    assert (principal.subject, principal.display_name, principal.email) == (user.sub, user.name, user.email)
    assert (principal.roles, principal.groups) == (user.roles, user.groups)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("1s", 1),
        ("90s", 90),
        ("30m", 1800),
        ("24h", 86_400),
        ("1d", 86_400),
        ("1y", 31_536_000),
        ("007d", 7 * 86_400),
        ("292y", 292 * 31_536_000),
    ],
)
def test_a_lifetime_has_one_unit(text: str, seconds: int):
    assert parse_lifetime(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1", id="no-unit"),
        pytest.param("d", id="no-digits"),
        pytest.param("1h30m", id="sum"),
        pytest.param("1w", id="weeks"),
        pytest.param("1D", id="capital-unit"),
        pytest.param("-1d", id="negative"),
        pytest.param("+1d", id="sign"),
        pytest.param("1.5h", id="fraction"),
        pytest.param("1 d", id="blank-inside"),
        pytest.param(" 1d", id="leading-blank"),
        pytest.param("1d\n", id="trailing-newline"),
        pytest.param("\u0661d", id="arabic-digit"),
        pytest.param("293y", id="more-than-fits"),
        pytest.param("9" * 10_000 + "s", id="huge"),
    ],
)
def test_any_other_lifetime_is_refused(text: str):
    with pytest.raises(InvalidInputError, match="token duration"):
        parse_lifetime(text)
