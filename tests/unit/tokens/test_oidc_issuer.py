"""A provider as an issuer: believed over verified TLS, about tokens for our client, and nothing else."""

import pytest
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS, Provider, as_jwk, rsa_key
from tests.unit.tokens.conftest import NOW

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.compact import write_compact
from holdfast.tokens.errors import IssuerUnavailableError, TokenError
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.oidc import OidcSettings
from holdfast.tokens.published_keys import FRESH_SECONDS, PAUSE_AFTER_FAILURE_SECONDS, PublishedKeys
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

CLIENT = "storage"
WELL_KNOWN = "/.well-known/openid-configuration"
SPACE = "https://example.com/"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(service):
    service.status = None
    service.pages.clear()
    made = Provider(service)
    yield made
    service.status = None


@pytest.fixture
def claims(service):
    return {
        "iss": service.url,
        "sub": "ann",
        "name": "Ann",
        "email": "ann@example.com",
        "roles": ["system.user"],
        "groups": ["dev"],
        "aud": CLIENT,
        "iat": NOW - 10,
        "exp": NOW + 3600,
    }


@pytest.fixture
def clock():
    return ManualClock(NOW)


def verifier_for(service, clock, *others, ca_pem=None, namespace="", **options):
    settings = OidcSettings(service.url, CLIENT, namespace, service.ca_pem if ca_pem is None else ca_pem)
    published = PublishedKeys(settings.fetch, clock=clock, spawn=lambda work: work())
    issuer = Issuer(
        name=service.url, published=published, audience=CLIENT, claim_namespace=namespace, **options
    )
    return Verifier(IssuerRegistry([issuer, *others]), clock=clock)


def answer(verifier, token):
    try:
        return verifier.verify(token).name
    except (TokenError, IssuerUnavailableError) as error:
        return error.reason


def test_its_tokens_are_believed_beside_our_own(provider, service, clock, claims):
    own = SharedSecretKey(SecretBytes(b"a shared secret of thirty-two by"))
    verifier = verifier_for(service, clock, Issuer(name="self", keys=(own,)))
    mine = {name: value for name, value in claims.items() if name != "aud"} | {"iss": "self"}

    assert answer(verifier, provider.sign(claims)) == "ann"
    assert answer(verifier, write_compact(mine, own)) == "ann"
    assert answer(verifier, provider.sign(mine)) == "unsupported_algorithm"
    assert answer(verifier, write_compact(claims, own)) == "unsupported_algorithm"


def test_the_provider_is_found_where_the_host_trusts_it_only(provider, service, clock, claims):
    assert answer(verifier_for(service, clock, ca_pem=""), provider.sign(claims)) == "issuer_unavailable"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda pages, url: pages.pop(WELL_KNOWN), id="nothing there"),
        pytest.param(lambda pages, url: pages[WELL_KNOWN].update(issuer=url + "/"), id="another spelling"),
        pytest.param(
            lambda pages, url: pages[WELL_KNOWN].update(issuer="https://evil.example"), id="another issuer"
        ),
        pytest.param(lambda pages, url: pages[WELL_KNOWN].pop("issuer"), id="no issuer"),
        pytest.param(lambda pages, url: pages[WELL_KNOWN].pop("jwks_uri"), id="no keys"),
        pytest.param(
            lambda pages, url: pages[WELL_KNOWN].update(jwks_uri="http://127.0.0.1:1/keys"),
            id="in clear",
        ),
        pytest.param(
            lambda pages, url: pages[WELL_KNOWN].update(jwks_uri="file:///etc/passwd"), id="keys in a file"
        ),
        pytest.param(lambda pages, url: pages.update({WELL_KNOWN: lambda *_: (302, {})}), id="redirect"),
        pytest.param(lambda pages, url: pages.update({JWKS: lambda *_: (307, {})}), id="keys redirect"),
        pytest.param(lambda pages, url: pages.update({JWKS: lambda *_: (500, {})}), id="out of order"),
        pytest.param(lambda pages, url: pages.update({JWKS: {"keys": []}}), id="no key"),
        pytest.param(
            lambda pages, url: pages.update({JWKS: lambda *_: (200, b"[" * 300_000)}), id="oversized"
        ),
        pytest.param(
            lambda pages, url: pages.update({WELL_KNOWN: lambda *_: (200, b"<html>")}), id="a login page"
        ),
    ],
)
def test_a_provider_that_is_not_in_order_is_no_reason_to_call_a_token_wrong(
    spoil, provider, service, clock, claims
):
    spoil(service.pages, service.url)
    verifier = verifier_for(service, clock)
    assert answer(verifier, provider.sign(claims)) == "issuer_unavailable"

    provider.publish()
    clock.advance(PAUSE_AFTER_FAILURE_SECONDS)
    assert answer(verifier, provider.sign(claims)) == "ann"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"aud": "another"}, "wrong_audience", id="for another client"),
        pytest.param({"aud": ["another", CLIENT]}, "ann", id="for us among others"),
        pytest.param({"aud": None}, "invalid_claim", id="for null"),
        pytest.param({"exp": NOW}, "expired", id="at its end"),
        pytest.param({"iat": NOW + 1}, "not_yet_valid", id="from later"),
        pytest.param({"nbf": NOW + 1}, "not_yet_valid", id="valid from later"),
        pytest.param({"iss": "https://evil.example"}, "unknown_issuer", id="of another issuer"),
        pytest.param({"orig_iat": "long ago"}, "invalid_claim", id="an issue time that is none"),
    ],
)
def test_times_and_audience_follow_the_rules_of_our_own_tokens(
    changes, expected, provider, service, clock, claims
):
    assert answer(verifier_for(service, clock), provider.sign(claims | changes)) == expected


def test_a_token_for_no_audience_is_refused(provider, service, clock, claims):
    del claims["aud"]
    assert answer(verifier_for(service, clock), provider.sign(claims)) == "wrong_audience"


@pytest.mark.parametrize(
    ("more", "roles", "groups"),
    [
        pytest.param({}, ("system.user",), ("dev",), id="none there"),
        pytest.param({SPACE + "roles": ["a"]}, ("a",), ("dev",), id="roles"),
        pytest.param({SPACE + "roles": ["a"], SPACE + "groups": ["b"]}, ("a",), ("b",), id="both"),
        pytest.param({SPACE + "roles": []}, (), ("dev",), id="an empty list replaces, too"),
        pytest.param({SPACE + "roles": None}, (), ("dev",), id="null replaces, too"),
        pytest.param({SPACE + "sub": "root"}, ("system.user",), ("dev",), id="no other claim"),
    ],
)
def test_claims_of_a_namespace_replace_the_others(more, roles, groups, provider, service, clock, claims):
    verifier = verifier_for(service, clock, namespace=SPACE)
    principal = verifier.verify(provider.sign(claims | more))
    assert (principal.name, principal.roles, principal.groups) == ("ann", roles, groups)


def test_without_a_namespace_such_claims_have_no_effect(provider, service, clock, claims):
    principal = verifier_for(service, clock).verify(provider.sign(claims | {SPACE + "roles": ["a"]}))
    assert principal.roles == ("system.user",)


@pytest.mark.parametrize(("claim", "name"), [("sub", "ann"), ("email", "ann@example.com"), ("name", "Ann")])
def test_the_user_name_is_the_configured_claim(claim, name, provider, service, clock, claims):
    verifier = verifier_for(service, clock, user_name_claim=UserNameClaim(claim))
    assert answer(verifier, provider.sign(claims)) == name
    assert answer(verifier, provider.sign(claims | {claim: ""})) == "missing_claim"


def test_a_remembered_token_ends_with_the_key_that_was_withdrawn(provider, service, clock, claims):
    verifier = verifier_for(service, clock)
    token = provider.sign(claims)
    assert answer(verifier, token) == "ann"
    provider.rotate("k2", keep_old=False)
    assert answer(verifier, token) == "ann"
    clock.advance(FRESH_SECONDS)
    answer(verifier, token)
    assert answer(verifier, token) == "unknown_key"
    assert answer(verifier, provider.sign(claims)) == "ann"


def test_a_shared_secret_in_a_published_set_verifies_nothing(provider, service, clock, claims):
    secret = SharedSecretKey(SecretBytes(b"published to everybody, 32 bytes"), key_id="k1")
    service.pages[JWKS]["keys"].insert(0, {"kty": "oct", "k": "cHVibGlzaGVk", "kid": "k1", "alg": "HS256"})
    service.pages[WELL_KNOWN]["id_token_signing_alg_values_supported"] = ["HS256", "RS256", "none"]
    verifier = verifier_for(service, clock)
    assert answer(verifier, write_compact(claims, secret)) == "unsupported_algorithm"
    assert answer(verifier, provider.sign(claims)) == "ann"


def test_only_algorithms_that_the_provider_says_count(provider, service, clock, claims):
    service.pages[WELL_KNOWN]["id_token_signing_alg_values_supported"] = ["ES256", "PS256"]
    assert answer(verifier_for(service, clock), provider.sign(claims)) == "unsupported_algorithm"


def test_two_keys_of_one_id_are_both_tried(provider, service, clock, claims):
    service.pages[JWKS]["keys"] = [as_jwk(rsa_key("k2")) | {"kid": "k1"}, as_jwk(rsa_key("k1"))]
    assert answer(verifier_for(service, clock), provider.sign(claims)) == "ann"


@pytest.mark.parametrize(
    ("issuer", "client"),
    [
        ("http://provider.example", CLIENT),
        ("ftp://provider.example", CLIENT),
        ("unix:///run/provider", CLIENT),
        ("https://user:password@provider.example", CLIENT),
        ("https://provider.example?x=1", CLIENT),
        ("provider.example", CLIENT),
        ("https://provider.example", ""),
    ],
)
def test_what_cannot_be_a_provider_is_refused_at_the_start(issuer, client):
    with pytest.raises(InvalidInputError, match="oidc_"):
        OidcSettings(issuer, client)
