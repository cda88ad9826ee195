"""Tokens of a provider: its own, for us, in time and as the role says; keys rotate, and it may be away."""

import pytest
from tests.support.auth import about, enable, logged_in, login, read, write
from tests.support.certificates import TestAuthority
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS, Provider, rsa_key

from holdfast.store.auth.provider_keys import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS
from holdfast.tokens.ec_key import EcSigningKey

LOGIN = "jwt/login"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(service):
    service.status, service.asked[:] = None, []
    return Provider(service)


@pytest.fixture
def jobs(store, provider):
    """A store that believes the provider, with one role."""
    enable(store, "jwt")
    assert (
        write(
            store, "jwt/config", jwks_url=provider.service.url + JWKS, jwks_ca_pem=provider.service.ca_pem
        ).status
        == 204
    )
    write(
        store,
        "jwt/role/ci",
        role_type="jwt",
        user_claim="sub",
        bound_audiences="https://vault.example",
        bound_claims={"project": ["web", "api"], "ref_protected": True},
        claim_mappings={"project": "project", "/nested/team": "team", "absent": "absent"},
        token_policies="reader",
    )
    return store


def claims(store, **changes):
    now = store.clock.now()
    said = {
        "iss": "https://ci.example",
        "sub": "job-7",
        "aud": "https://vault.example",
        "iat": now,
        "exp": now + 600,
        "project": "web",
        "ref_protected": True,
        "nested": {"team": "blue", "list": ["x", "y"]},
    } | changes
    return {name: value for name, value in said.items() if value is not None}


def attempt(store, provider, *, role="ci", key=None, **changes):
    return login(store, LOGIN, role=role, jwt=provider.sign(claims(store, **changes), key=key))


def sentence(answer, status=400):
    assert answer.status == status, answer.body
    return answer.errors[0]


def test_a_token_of_the_provider_logs_in(jobs, provider):
    auth = attempt(jobs, provider).auth
    assert auth["client_token"].startswith("hvb.")
    assert auth["policies"] == ["default", "reader"]
    assert auth["metadata"] == {"role": "ci", "project": "web", "team": "blue"}
    assert auth["lease_duration"] == 3600
    assert about(jobs, auth["client_token"])["display_name"] == "jwt-job-7"


def test_a_thousand_logins_ask_the_provider_once_and_write_nothing(jobs, provider):
    attempt(jobs, provider)
    before, asked = jobs.storage.revision(), len(provider.service.asked)
    token = provider.sign(claims(jobs))
    for _ in range(1000):
        assert login(jobs, LOGIN, role="ci", jwt=token).status == 200
    assert jobs.storage.revision() == before
    assert len(provider.service.asked) == asked


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"aud": "https://other.example"}, "aud claim does not match", id="another audience"),
        pytest.param({"aud": None}, "aud claim does not match", id="no audience"),
        pytest.param({"project": "db"}, 'claim "project" does not match', id="another value"),
        pytest.param({"project": None}, 'claim "project" is missing', id="no value"),
        pytest.param({"project": {"web": 1}}, 'claim "project" is missing', id="an object as value"),
        pytest.param({"ref_protected": False}, 'claim "ref_protected" does not match', id="false"),
        pytest.param({"ref_protected": "yes"}, 'claim "ref_protected" does not match', id="a word for true"),
        pytest.param({"sub": None}, 'claim "sub" not found', id="nobody"),
        pytest.param({"sub": ""}, 'claim "sub" not found', id="an empty name"),
        pytest.param({"sub": "a\nb"}, 'claim "sub" not found', id="a name of two lines"),
        pytest.param({"sub": "x" * 600}, 'claim "sub" not found', id="an endless name"),
        pytest.param({"sub": ["a"]}, 'claim "sub" not found', id="a list of names"),
        pytest.param({"exp": 1}, "it has expired", id="expired"),
        pytest.param({"exp": "soon"}, "expected the claim exp to be a time", id="a word for a time"),
        pytest.param({"exp": True}, "expected the claim exp to be a time", id="true for a time"),
        pytest.param({"nbf": 1e17}, "expected the claim nbf to be a time", id="a time after all times"),
        pytest.param({"exp": None, "iat": None}, "expected at least one of the claims", id="no time at all"),
    ],
)
def test_a_token_is_refused(jobs, provider, changes, refusal):
    assert refusal in sentence(attempt(jobs, provider, **changes))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({"role": ""}, "missing role", id="no role"),
        pytest.param({"role": "no"}, "role could not be found", id="unknown role"),
        pytest.param({"jwt": ""}, "missing token", id="no token"),
        pytest.param({"jwt": "x"}, "error validating token", id="no token at all"),
        pytest.param({"jwt": "x" * 9000}, "error validating token", id="oversized"),
        pytest.param({"jwt": ["x"]}, "jwt: expected a string", id="a list"),
    ],
)
def test_a_login_is_refused(jobs, provider, fields, refusal):
    given = {"role": "ci", "jwt": provider.sign(claims(jobs))}
    assert refusal in sentence(login(jobs, LOGIN, **given | fields))


def test_the_provider_s_clock_may_differ_a_little(jobs, provider):
    now = jobs.clock.now()
    assert attempt(jobs, provider, iat=now + 50).status == 200
    assert "not valid yet" in sentence(attempt(jobs, provider, iat=now + 70))
    assert attempt(jobs, provider, exp=now - 50, iat=now - 600).status == 200
    assert "expired" in sentence(attempt(jobs, provider, exp=now - 60, iat=now - 600))
    write(jobs, "jwt/role/ci", clock_skew_leeway=-1)
    assert "expired" in sentence(attempt(jobs, provider, exp=now, iat=now - 600))


def test_a_token_without_expiry_holds_for_a_moment_only(jobs, provider):
    now = jobs.clock.now()
    assert attempt(jobs, provider, exp=None).status == 200
    assert "expired" in sentence(attempt(jobs, provider, exp=None, iat=now - 220))
    write(jobs, "jwt/role/ci", expiration_leeway="1h")
    assert attempt(jobs, provider, exp=None, iat=now - 220).status == 200


def test_another_s_key_signs_nothing_here(jobs, provider):
    forged = [rsa_key("other"), EcSigningKey.generate(key_id="k1")]
    assert "no such key" in sentence(attempt(jobs, provider, key=forged[0]))
    assert "error validating token" in sentence(attempt(jobs, provider, key=forged[1]))
    thief = type(rsa_key("other")).generate(key_id="k1")
    assert "signature does not match" in sentence(attempt(jobs, provider, key=thief))


def test_a_public_key_is_never_taken_for_a_shared_secret(jobs, provider):
    import hashlib
    import hmac
    import json
    from base64 import urlsafe_b64encode

    def b64(data):
        return urlsafe_b64encode(data).rstrip(b"=")

    signed = b64(b'{"alg":"HS256","typ":"JWT","kid":"k1"}') + b"." + b64(json.dumps(claims(jobs)).encode())
    secret = provider.keys[0].verifying_key().pem()
    token = signed + b"." + b64(hmac.digest(secret, signed, hashlib.sha256))
    assert "does not sign with this algorithm" in sentence(login(jobs, LOGIN, role="ci", jwt=token.decode()))


def test_a_token_for_somebody_needs_a_role_that_says_for_whom(jobs, provider):
    write(jobs, "jwt/role/any", user_claim="sub", bound_subject="job-7")
    refusal = "audience claim found in JWT but no audiences bound to the role"
    assert sentence(attempt(jobs, provider, role="any")) == refusal
    assert attempt(jobs, provider, role="any", aud=None).status == 200
    assert "bound subject" in sentence(attempt(jobs, provider, role="any", aud=None, sub="job-8"))


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("refs/heads/*", "refs/heads/main", True),
        ("refs/heads/*", "refs/tags/refs/heads/x", False),
        ("*", "x", True),
        ("release-?", "release-1", False),
    ],
)
def test_bound_claims_may_be_patterns(jobs, provider, pattern, value, fits):
    write(jobs, "jwt/role/ci", bound_claims={"/nested/ref": pattern}, bound_claims_type="glob")
    answer = attempt(jobs, provider, nested={"ref": value})
    assert answer.status == (200 if fits else 400)
    write(jobs, "jwt/role/ci", bound_claims_type="string")
    assert attempt(jobs, provider, nested={"ref": value}).status == 400


def test_a_claim_that_is_a_list_fits_by_any_of_its_values(jobs, provider):
    assert attempt(jobs, provider, project=["docs", "api"]).status == 200
    assert attempt(jobs, provider, project=["docs"]).status == 400


def test_who_logs_in_may_stand_deep_in_the_token(jobs, provider):
    write(jobs, "jwt/role/ci", user_claim="/nested/list/1", user_claim_json_pointer=True)
    token = attempt(jobs, provider).auth["client_token"]
    assert about(jobs, token)["display_name"] == "jwt-y"


def test_a_default_role(jobs, provider):
    write(
        jobs,
        "jwt/config",
        jwks_url=provider.service.url + JWKS,
        jwks_ca_pem=provider.service.ca_pem,
        default_role="CI",
    )
    assert login(jobs, LOGIN, jwt=provider.sign(claims(jobs))).status == 200


# -- keys and their provider -------------------------------------------------------------------------------


def test_a_new_key_works_with_the_first_token_that_it_signed(jobs, provider):
    assert attempt(jobs, provider).status == 200
    jobs.clock.advance(PAUSE_SECONDS)
    provider.rotate("k2")
    assert attempt(jobs, provider).status == 200
    assert attempt(jobs, provider, key=rsa_key("k1")).status == 200


def test_a_withdrawn_key_stops_working_within_its_time(jobs, provider):
    assert attempt(jobs, provider).status == 200
    provider.rotate("k2", keep_old=False)
    jobs.clock.advance(FRESH_SECONDS)
    attempt(jobs, provider, key=rsa_key("k1"))  # the one that notices
    assert "no such key" in sentence(attempt(jobs, provider, key=rsa_key("k1")))


def test_unknown_keys_do_not_make_the_store_ask_over_and_over(jobs, provider):
    assert attempt(jobs, provider).status == 200
    jobs.clock.advance(PAUSE_SECONDS)
    asked = len(provider.service.asked)
    for _ in range(20):
        assert attempt(jobs, provider, key=rsa_key("other")).status == 400
    assert len(provider.service.asked) == asked + 1


def test_a_provider_may_be_away_for_hours(jobs, provider):
    assert attempt(jobs, provider).status == 200
    provider.service.status = 500
    jobs.clock.advance(STALE_SECONDS - 1)
    assert attempt(jobs, provider).status == 200
    jobs.clock.advance(PAUSE_SECONDS)
    assert "the token provider cannot be asked" in sentence(attempt(jobs, provider), status=503)
    provider.service.status = None
    jobs.clock.advance(PAUSE_SECONDS)
    assert attempt(jobs, provider).status == 200


def test_a_key_that_cannot_be_looked_up_is_trouble_and_no_refusal(jobs, provider):
    assert attempt(jobs, provider).status == 200
    jobs.clock.advance(PAUSE_SECONDS)
    provider.rotate("k2")
    provider.service.status = 503
    for _ in range(2):
        sentence(attempt(jobs, provider), status=503)
    assert attempt(jobs, provider, key=rsa_key("k1")).status == 200


def test_keys_are_found_by_discovery(store, provider):
    enable(store, "oidc", "jwt")
    url, ca_pem = provider.service.url, provider.service.ca_pem
    write(store, "jwt/config", oidc_discovery_url=url + "/", oidc_discovery_ca_pem=ca_pem)
    write(store, "jwt/role/ci", user_claim="sub", bound_audiences="https://vault.example")
    assert attempt(store, provider, iss=url).status == 200
    assert attempt(store, provider, iss=url + "/").status == 200
    assert "the issuer that the mount is bound to" in sentence(attempt(store, provider))


@pytest.mark.parametrize(
    ("page", "warning"),
    [
        pytest.param({"issuer": "https://other"}, "calls itself something else", id="another issuer"),
        pytest.param({"jwks_uri": "http://10.0.0.1/keys"}, "names no https address", id="plain http"),
        pytest.param({"jwks_uri": "file:///etc/passwd"}, "names no https address", id="a file"),
        pytest.param({"jwks_uri": 5}, "names no https address", id="a number"),
        pytest.param({"jwks_uri": "https://127.0.0.1:1/keys"}, "cannot be asked", id="nobody there"),
    ],
)
def test_a_discovery_that_leads_astray_is_not_followed(store, provider, page, warning):
    provider.service.pages["/.well-known/openid-configuration"] |= page
    enable(store, "jwt")
    answer = write(
        store,
        "jwt/config",
        oidc_discovery_url=provider.service.url,
        oidc_discovery_ca_pem=provider.service.ca_pem,
    )
    assert warning in answer.json["warnings"][0]


def test_keys_in_the_configuration_need_no_provider(store, provider):
    enable(store, "jwt")
    keys = [key.verifying_key().pem().decode() for key in (rsa_key("k1"), rsa_key("k2"))]
    write(store, "jwt/config", jwt_validation_pubkeys=",".join(keys), bound_issuer="https://ci.example")
    write(store, "jwt/role/ci", user_claim="sub", bound_audiences="https://vault.example")
    assert attempt(store, provider, key=rsa_key("k2")).status == 200
    assert "issuer" in sentence(attempt(store, provider, iss="https://other"))
    assert sentence(attempt(store, provider, key=rsa_key("other")))
    assert provider.service.asked == []


def test_a_certificate_of_somebody_else_is_not_believed(store, provider, tmp_path):
    foreign = TestAuthority("foreign").write_authority(tmp_path / "foreign.pem")
    from pathlib import Path

    enable(store, "jwt")
    answer = write(
        store, "jwt/config", jwks_url=provider.service.url + JWKS, jwks_ca_pem=Path(foreign).read_text()
    )
    assert "cannot be asked" in answer.json["warnings"][0]
    answer = write(store, "jwt/config", jwks_url=provider.service.url + JWKS)
    assert "cannot be asked" in answer.json["warnings"][0]


def test_a_redirect_is_not_followed(jobs, provider):
    provider.service.status = 302
    assert sentence(attempt(jobs, provider), status=503)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({}, "exactly one of", id="nothing"),
        pytest.param({"jwks_url": "https://a/b", "oidc_discovery_url": "https://a"}, "exactly one", id="two"),
        pytest.param({"jwks_url": "http://10.0.0.1/keys"}, "plain http is accepted for loopback", id="http"),
        pytest.param({"jwks_url": "https://u:p@host/keys"}, "no credentials", id="credentials"),
        pytest.param({"jwks_url": "file:///etc/passwd"}, "jwks_url: expected", id="a file"),
        pytest.param({"jwks_url": "unix:///run/x"}, "jwks_url: expected https", id="a socket"),
        pytest.param({"jwks_url": "https://a/b", "jwks_ca_pem": "x"}, "CA certificate", id="no certificate"),
        pytest.param({"jwt_validation_pubkeys": "x"}, "in PEM form", id="no key"),
        pytest.param(
            {"jwks_url": "https://a/b", "jwt_supported_algs": "HS256"}, "jwt_supported_algs", id="shared"
        ),
        pytest.param({"jwks_url": "https://a/b", "jwt_supported_algs": "none"}, "supported_algs", id="none"),
        pytest.param(
            {"jwks_url": "https://a/b", "oidc_client_id": "x"}, "discovery_url: ex", id="client only"
        ),
        pytest.param(
            {"oidc_discovery_url": "https://a", "oidc_client_secret": "x"}, "client_id", id="secret"
        ),
        pytest.param(
            {"oidc_discovery_url": "https://a", "oidc_response_mode": "form_post"}, "mode", id="mode"
        ),
        pytest.param(
            {"oidc_discovery_url": "https://a", "oidc_response_types": "id_token"}, "s:", id="types"
        ),
        pytest.param(
            {"oidc_discovery_url": "https://a", "provider_config": {"a": 1}}, "provider", id="own way"
        ),
    ],
)
def test_a_configuration_is_refused(store, fields, refusal):
    enable(store, "jwt")
    answer = store.vault("POST", "auth/jwt/config", fields, token=store.root)
    assert refusal in sentence(answer)
    assert store.vault("GET", "auth/jwt/config", token=store.root).status == 404
    assert "not configured" in sentence(login(store, LOGIN, role="x", jwt="x"))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({"user_claim": ""}, "user_claim: expected", id="nobody"),
        pytest.param(
            {"bound_audiences": "", "bound_claims": {}}, "at least one bound constraint", id="unbound"
        ),
        pytest.param({"role_type": "oidc"}, "allowed_redirect_uris: expected", id="nowhere to come back to"),
        pytest.param({"role_type": "saml"}, "role_type: expected jwt or oidc", id="another type"),
        pytest.param({"allowed_redirect_uris": "http://vault.example/cb"}, "redirect_uris", id="plain http"),
        pytest.param({"allowed_redirect_uris": "javascript:alert(1)"}, "redirect_uris", id="a script"),
        pytest.param({"bound_claims_type": "regex"}, "bound_claims_type", id="type"),
        pytest.param({"bound_claims": {"a": []}}, "bound_claims: expected", id="no value"),
        pytest.param({"bound_claims": {"a": {"b": 1}}}, "bound_claims: expected", id="an object"),
        pytest.param({"bound_claims": "["}, "JSON", id="no JSON"),
        pytest.param({"claim_mappings": {"a": "x", "b": "x"}}, "claim_mappings", id="one name twice"),
        pytest.param({"claim_mappings": {"a": "role"}}, "claim_mappings", id="a reserved name"),
        pytest.param({"clock_skew_leeway": "soon"}, "clock_skew_leeway", id="leeway"),
    ],
)
def test_a_role_is_refused(jobs, fields, refusal):
    answer = jobs.vault("POST", "auth/jwt/role/ci", fields, token=jobs.root)
    assert refusal in sentence(answer)


def test_a_role_is_shown_as_it_was_written(jobs):
    shown = read(jobs, "jwt/role/ci")
    assert shown["bound_claims"] == {"project": ["web", "api"], "ref_protected": "true"}
    assert shown["claim_mappings"]["/nested/team"] == "team"
    assert (shown["role_type"], shown["user_claim"]) == ("jwt", "sub")
    write(jobs, "jwt/role/ci", bound_claims='{"a": "b"}', groups_claim="groups")
    assert read(jobs, "jwt/role/ci")["bound_claims"] == {"a": "b"}
    assert jobs.vault("LIST", "auth/jwt/role", token=jobs.root).data == {"keys": ["ci"]}
    assert jobs.vault("DELETE", "auth/jwt/role/ci", token=jobs.root).status == 204
    assert jobs.vault("LIST", "auth/jwt/role", token=jobs.root).status == 404


def test_what_is_in_a_token_and_may_be_long_still_fits(jobs, provider):
    long = dict.fromkeys(("a", "b", "c"), "x" * 500)
    write(jobs, "jwt/role/ci", claim_mappings={name: name for name in long})
    assert (
        len(logged_in(jobs, LOGIN, role="ci", jwt=provider.sign(claims(jobs, **long)))["metadata"]["a"])
        == 500
    )
