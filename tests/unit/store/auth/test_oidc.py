"""Logins through a browser: the state is ours, in time and used once; the provider may say anything."""

import hashlib
import html
import re
from base64 import b64decode, urlsafe_b64encode
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import pytest
from tests.support.auth import about, enable, login, read, write
from tests.support.https_service import HttpsService
from tests.support.namespaces import everything_in
from tests.support.provider import rsa_key
from tests.support.wilful_provider import (
    CLIENT,
    REDIRECT,
    SECRET,
    WilfulProvider,
    begin,
    claims_for,
    come_back,
    configure,
)

from holdfast.store.auth.jwt.browser_state import LIFETIME_SECONDS
from holdfast.store.auth.jwt.commands import TIDIED_AT_ONCE
from holdfast.store.auth.provider_keys import PAUSE_SECONDS, STALE_SECONDS

EXPIRED = "login failed: expired or missing OAuth state"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(service):
    service.status, service.asked[:] = None, []
    return WilfulProvider(service)


@pytest.fixture
def people(store, provider):
    """A store whose people log in at the provider."""
    configure(store, provider)
    return store


def arrive(store, provider, asked=None, *, query=None, beside=None, **changes):
    """Log in from beginning to end, with changes to what the provider says."""
    asked = asked or begin(store)
    code = provider.hand_out(claims_for(store, provider, asked, **changes), **(beside or {}))
    return come_back(store, **{"state": asked["state"], "code": code} | (query or {}))


def sentence(answer, status=400):
    assert answer.status == status, answer.body
    return answer.errors[0]


def test_somebody_whom_the_provider_vouches_for_is_logged_in(people, provider):
    answer = arrive(people, provider)
    assert answer.status == 200, answer.body
    assert answer.auth["policies"] == ["default", "reader"]
    assert answer.auth["metadata"] == {"role": "people"}
    known = about(people, answer.auth["client_token"])
    assert (known["display_name"], known["path"]) == ("oidc-ann", "auth/oidc/oidc/callback")


def test_people_get_tokens_that_can_be_renewed_and_machines_those_that_need_not_be(people, provider):
    auth = arrive(people, provider).auth
    assert (auth["token_type"], auth["lease_duration"], auth["renewable"]) == ("service", 8 * 3600, True)
    write(people, "oidc/role/job", role_type="jwt", user_claim="sub", bound_audiences="store")
    now = people.clock.now()
    token = provider.sign(
        {"iss": provider.service.url, "sub": "j", "aud": "store", "iat": now, "exp": now + 9}
    )
    assert login(people, "oidc/login", role="job", jwt=token).auth["token_type"] == "batch"


def test_the_address_asks_for_a_code_with_pkce_and_a_nonce(people):
    write(people, "oidc/role/people", oidc_scopes="profile,email", max_age="1h")
    first, second = begin(people), begin(people)
    assert first["kind"] == "people"  # of the provider's own address
    assert (first["response_type"], first["code_challenge_method"]) == ("code", "S256")
    assert (first["scope"], first["max_age"]) == ("openid profile email", "3600")
    assert first["redirect_uri"] == REDIRECT
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_the_code_is_exchanged_with_the_verifier_and_the_client_s_secret(people, provider):
    asked = begin(people)
    assert arrive(people, provider, asked).status == 200
    ((form, headers),) = provider.exchanged
    challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
    assert challenge.decode() == asked["code_challenge"]
    assert (form["grant_type"], form["redirect_uri"]) == ("authorization_code", REDIRECT)
    client, secret = b64decode(headers["Authorization"].removeprefix("Basic ")).decode().split(":")
    assert (unquote_plus(client), unquote_plus(secret)) == (CLIENT, SECRET)
    assert form["code_verifier"] not in str(asked)


def test_a_provider_that_wants_the_secret_in_the_body_gets_it_there(store, provider):
    page = provider.service.pages["/.well-known/openid-configuration"]
    page["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    configure(store, provider)
    assert arrive(store, provider).status == 200
    ((form, headers),) = provider.exchanged
    assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
    assert "Authorization" not in headers


def test_a_client_without_a_secret_names_itself(people, provider):
    url, ca_pem = provider.service.url, provider.service.ca_pem
    config = {"oidc_discovery_url": url, "oidc_discovery_ca_pem": ca_pem, "oidc_client_id": CLIENT}
    write(people, "oidc/config", **config)
    assert arrive(people, provider).status == 200
    ((form, headers),) = provider.exchanged
    assert (form["client_id"], "client_secret" in form, "Authorization" in headers) == (CLIENT, False, False)


def test_the_secret_is_never_shown(people):
    shown = people.vault("GET", "auth/oidc/config", token=people.root)
    assert shown.data["oidc_client_id"] == CLIENT
    assert "oidc_client_secret" not in shown.data
    assert SECRET.encode() not in shown.body


# -- the state ---------------------------------------------------------------------------------------------


def test_a_state_is_used_once(people, provider):
    asked = begin(people)
    assert arrive(people, provider, asked).status == 200
    assert EXPIRED in sentence(arrive(people, provider, asked))


def test_a_state_that_failed_can_be_tried_again_with_another_code(people, provider):
    asked = begin(people)
    refusal = sentence(come_back(people, state=asked["state"], code="made up"))
    assert "the provider does not accept the code: invalid_grant" in refusal
    assert arrive(people, provider, asked).status == 200


def test_a_state_runs_out(people, provider):
    asked = begin(people)
    people.clock.advance(LIFETIME_SECONDS)
    assert EXPIRED in sentence(arrive(people, provider, asked))
    assert provider.exchanged == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: "", id="none"),
        pytest.param(lambda _: "x" * 100, id="made up"),
        pytest.param(lambda state: state[:-1], id="cut"),
        pytest.param(lambda state: state + "A", id="longer"),
        pytest.param(lambda state: "B" + state[1:], id="another version"),
        pytest.param(lambda state: state[:200] + ("A" if state[200] != "A" else "B") + state[201:], id="bit"),
        pytest.param(lambda state: state + "A" * 4000, id="oversized"),
        pytest.param(lambda state: "\u00e9" + state, id="no ASCII"),
    ],
)
def test_a_state_that_is_not_ours_is_refused_before_anybody_is_asked(people, provider, change):
    asked = begin(people)
    provider.service.asked.clear()
    assert EXPIRED in sentence(arrive(people, provider, asked | {"state": change(asked["state"])}))
    assert provider.service.asked == []


def test_a_state_of_another_mount_is_none(people, provider):
    configure(people, provider, path="other")
    asked = begin(people, path="other")
    assert EXPIRED in sentence(arrive(people, provider, asked))


def test_a_batch_token_is_no_state(people, provider):
    token = people.token(policies=["default"], type="batch", ttl="1h").removeprefix("hvb.")
    assert EXPIRED in sentence(come_back(people, state=token, code="x"))


def test_a_state_outlives_a_restart_and_a_rotation(people, provider):
    asked = begin(people)
    assert people.vault("PUT", "sys/rotate", token=people.root).status == 204
    people.restart()
    assert arrive(people, provider, asked).status == 200


def test_whoever_begins_logins_without_end_fills_nothing(people, provider):
    before = people.storage.revision()
    for _ in range(30):
        asked = begin(people)
        come_back(people, state=asked["state"], code="made up")
    assert people.storage.revision() == before


def test_what_is_stored_about_used_states_is_removed_in_passing(people, provider):
    def count():
        with people.storage.snapshot() as view:
            uuid = view.list("auth/", after="", limit=10)[0]
            return len(view.list(f"auth/{uuid}oidc/used/", after="", limit=1000))

    for _ in range(5):
        assert arrive(people, provider).status == 200
    assert count() == 5 < TIDIED_AT_ONCE
    people.clock.advance(LIFETIME_SECONDS + 1)
    assert arrive(people, provider).status == 200
    assert count() == 1


def test_only_the_program_that_began_takes_the_token(people, provider):
    asked = begin(people, client_nonce="of the program")
    assert "client_nonce" in sentence(arrive(people, provider, asked))
    assert "client_nonce" in sentence(arrive(people, provider, asked, query={"client_nonce": "guessed"}))
    assert arrive(people, provider, asked, query={"client_nonce": "of the program"}).status == 200
    assert "client_nonce" in sentence(arrive(people, provider, query={"client_nonce": "out of nothing"}))


def test_a_role_that_was_changed_or_removed_meanwhile_is_asked_as_it_is_now(people, provider):
    asked = begin(people)
    write(people, "oidc/role/people", bound_claims={"team": "red"})
    assert 'claim "team" is missing' in sentence(arrive(people, provider, asked))
    write(people, "oidc/role/people", bound_claims={}, allowed_redirect_uris="https://elsewhere.example/")
    assert EXPIRED in sentence(arrive(people, provider, asked))
    people.vault("DELETE", "auth/oidc/role/people", token=people.root)
    assert "role could not be found" in sentence(arrive(people, provider, asked))


# -- beginning ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({"redirect_uri": ""}, "missing redirect_uri", id="nowhere"),
        pytest.param({"role": "no"}, "role could not be found", id="no such role"),
        pytest.param({"role": "job"}, "role with jwt role_type is not allowed", id="a role for tokens"),
        pytest.param({"redirect_uri": "https://evil.example/oidc/callback"}, "unauthorized", id="elsewhere"),
        pytest.param({"redirect_uri": "http://localhost:8250/other"}, "unauthorized", id="another path"),
        pytest.param({"redirect_uri": "https://localhost:8250/oidc/callback"}, "unauthorized", id="scheme"),
        pytest.param({"redirect_uri": "http://127.0.0.1:8250/oidc/callback"}, "unauthorized", id="address"),
        pytest.param({"redirect_uri": REDIRECT + "?x=1"}, "unauthorized", id="with a query"),
        pytest.param({"redirect_uri": REDIRECT + "#x"}, "unauthorized", id="with a fragment"),
        pytest.param({"redirect_uri": "http://a@localhost/oidc/callback"}, "unauthorized", id="with a name"),
        pytest.param({"redirect_uri": "http://localhost:x/oidc/callback"}, "unauthorized", id="no port"),
        pytest.param({"redirect_uri": "javascript:alert(1)"}, "unauthorized", id="a script"),
        pytest.param({"redirect_uri": "http://localhost.evil.example/oidc/callback"}, "unauth", id="suffix"),
        pytest.param({"redirect_uri": REDIRECT + "x" * 2000}, "unauthorized", id="endless"),
        pytest.param({"client_nonce": "x" * 600}, "client_nonce: expected", id="an endless nonce"),
        pytest.param({"redirect_uri": ["x"]}, "redirect_uri: expected a string", id="a list"),
    ],
)
def test_a_login_does_not_begin(people, fields, refusal):
    write(people, "oidc/role/job", role_type="jwt", user_claim="sub", bound_audiences="store")
    answer = login(people, "oidc/oidc/auth_url", **{"role": "people", "redirect_uri": REDIRECT} | fields)
    assert refusal in sentence(answer)
    assert b"evil" not in answer.body


def test_a_program_on_this_machine_may_wait_at_any_port(people):
    assert begin(people, redirect_uri="http://localhost:50123/oidc/callback")
    write(people, "oidc/role/people", allowed_redirect_uris="https://web.example/cb,http://[::1]:1/cb")
    assert begin(people, redirect_uri="http://[::1]:50123/cb")
    answer = login(people, "oidc/oidc/auth_url", role="people", redirect_uri="https://web.example:444/cb")
    assert "unauthorized" in sentence(answer)


def test_the_default_role_is_taken_where_none_is_named(people):
    assert begin(people, role="")["client_id"] == CLIENT


def test_a_mount_without_a_client_logs_nobody_in(store, provider):
    enable(store, "jwt", "oidc")
    refusal = "could not load configuration"
    assert refusal in sentence(login(store, "oidc/oidc/auth_url", role="x", redirect_uri=REDIRECT))
    write(
        store,
        "oidc/config",
        oidc_discovery_url=provider.service.url,
        oidc_discovery_ca_pem=provider.service.ca_pem,
    )
    refusal = "OIDC login is not configured for this mount"
    assert refusal in sentence(login(store, "oidc/oidc/auth_url", role="x", redirect_uri=REDIRECT))


def test_a_role_for_browsers_takes_no_token(people, provider):
    token = provider.sign(claims_for(people, provider, begin(people)))
    refusal = sentence(login(people, "oidc/login", role="people", jwt=token))
    assert "role with oidc role_type is not allowed" in refusal


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("address", ["http://10.0.0.1/auth", "javascript:alert(1)", "", 5])
def test_an_address_that_leads_into_the_open_is_not_used(store, provider, name, address):
    provider.service.pages["/.well-known/openid-configuration"][name] = address
    configure(store, provider)
    answer = login(store, "oidc/oidc/auth_url", role="people", redirect_uri=REDIRECT)
    assert "names no https address" in sentence(answer, status=503)


def test_beginning_asks_the_provider_once_however_many_begin(people, provider):
    begin(people)
    asked = len(provider.service.asked)
    for _ in range(50):
        begin(people)
    assert len(provider.service.asked) == asked


# -- coming back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"nonce": None}, "expected the nonce of this login", id="no nonce"),
        pytest.param({"nonce": "another"}, "expected the nonce of this login", id="another nonce"),
        pytest.param({"nonce": ["x"]}, "expected the nonce of this login", id="a list of nonces"),
        pytest.param({"aud": None}, "aud claim does not match", id="for nobody"),
        pytest.param({"aud": "another"}, "aud claim does not match", id="for another client"),
        pytest.param({"aud": [CLIENT, "another"]}, "azp claim names another", id="for two, by nobody"),
        pytest.param({"azp": "another"}, "azp claim names another", id="by another"),
        pytest.param({"iss": "https://evil.example"}, "the issuer that the mount", id="of another issuer"),
        pytest.param({"iss": None}, "the issuer that the mount", id="of no issuer"),
        pytest.param({"exp": 1}, "it has expired", id="expired"),
        pytest.param({"sub": None}, "expected the claims sub, exp, iat", id="nobody"),
        pytest.param({"exp": None}, "expected the claims sub, exp, iat", id="without an end"),
        pytest.param({"iat": None}, "expected the claims sub, exp, iat", id="without a beginning"),
        pytest.param({"at_hash": "AAAA"}, "the access token belongs to another", id="another access token"),
    ],
)
def test_an_identity_token_is_refused(people, provider, changes, refusal):
    assert refusal in sentence(arrive(people, provider, **changes))


def test_a_token_for_several_that_names_us_as_the_one_who_asked_counts(people, provider):
    assert arrive(people, provider, aud=[CLIENT, "another"], azp=CLIENT).status == 200


def test_bound_audiences_come_on_top_of_the_client(people, provider):
    write(people, "oidc/role/people", bound_audiences="extra")
    assert "aud claim" in sentence(arrive(people, provider))
    assert arrive(people, provider, aud=[CLIENT, "extra"], azp=CLIENT).status == 200


def test_an_access_token_that_belongs_to_the_identity_token_is_taken(people, provider):
    half = hashlib.sha256(b"access").digest()[:16]
    assert arrive(people, provider, at_hash=urlsafe_b64encode(half).rstrip(b"=").decode()).status == 200


def test_a_token_that_another_signed_is_refused(people, provider):
    assert "no such key" in sentence(arrive(people, provider, beside={"key": rsa_key("other")}))


def test_an_access_token_in_the_place_of_an_identity_token_is_refused(people, provider):
    from holdfast.tokens.compact import write_compact

    asked = begin(people)
    claims = claims_for(people, provider, asked)
    token = write_compact(claims, provider.keys[0], further_header={"typ": "at+jwt"})
    code = provider.hand_out_answer(200, {"id_token": token})
    assert "expected the type JWT" in sentence(come_back(people, state=asked["state"], code=code))


@pytest.mark.parametrize(
    ("age", "status"), [(10, 200), (359, 200), (361, 400), (None, 400), ("soon", 400), (True, 400)]
)
def test_how_long_ago_somebody_proved_himself_can_be_limited(people, provider, age, status):
    write(people, "oidc/role/people", max_age=300)
    at = people.clock.now() - age if type(age) is int else age
    assert arrive(people, provider, auth_time=at).status == status


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        pytest.param({"error": "access_denied"}, "refused: access_denied", id="denied"),
        pytest.param({"error": "<script>canary"}, "refused: another error", id="a script"),
        pytest.param({"code": ""}, "no code from the provider", id="no code"),
        pytest.param({"code": "x" * 5000}, "no code from the provider", id="an endless code"),
        pytest.param({"iss": "https://evil.example"}, "from another provider", id="mixed up"),
    ],
)
def test_an_answer_of_the_provider_is_refused_in_words_of_ours(people, provider, query, refusal):
    answer = arrive(people, provider, query=query)
    assert refusal in sentence(answer)
    assert b"canary" not in answer.body


def test_an_answer_that_names_the_right_provider_counts(people, provider):
    assert arrive(people, provider, query={"iss": provider.service.url}).status == 200


@pytest.mark.parametrize(
    ("status", "document", "refusal", "seen"),
    [
        pytest.param(400, {"error": "canary"}, "does not accept the code: another error", 400, id="odd"),
        pytest.param(401, {"error": "invalid_client"}, "not accept this store as its client", 503, id="us"),
        pytest.param(500, {}, "cannot be asked at the moment", 503, id="broken"),
        pytest.param(429, {}, "cannot be asked at the moment", 503, id="busy"),
        pytest.param(200, {}, "gave no identity token", 400, id="nothing"),
        pytest.param(200, {"id_token": 5}, "gave no identity token", 400, id="a number"),
        pytest.param(200, {"id_token": "canary"}, "error validating token", 400, id="no token"),
        pytest.param(200, [], "cannot be asked at the moment", 503, id="a list"),
        pytest.param(302, {}, "cannot be asked at the moment", 503, id="a redirect"),
    ],
)
def test_an_exchange_fails_in_words_of_ours(people, provider, status, document, refusal, seen):
    asked = begin(people)
    code = provider.hand_out_answer(status, document)
    answer = come_back(people, state=asked["state"], code=code)
    assert refusal in sentence(answer, status=seen)
    assert b"canary" not in answer.body


def test_a_provider_that_goes_away_is_trouble_and_no_refusal(people, provider):
    asked = begin(people)
    provider.service.status = 500
    sentence(come_back(people, state=asked["state"], code="x"), status=503)
    people.clock.advance(STALE_SECONDS)
    answer = login(people, "oidc/oidc/auth_url", role="people", redirect_uri=REDIRECT)
    sentence(answer, status=503)
    provider.service.status = None
    people.clock.advance(PAUSE_SECONDS)
    assert arrive(people, provider).status == 200


def test_a_key_that_is_new_since_the_login_began_works(people, provider):
    asked = begin(people)
    people.clock.advance(PAUSE_SECONDS)
    provider.rotate("k2", keep_old=False)
    assert arrive(people, provider, asked).status == 200


# -- claims ------------------------------------------------------------------------------------------------


def test_claims_that_the_token_lacks_are_asked_for(people, provider):
    write(people, "oidc/role/people", user_claim="email", claim_mappings={"name": "name"})
    provider.userinfo = (200, {"sub": "ann", "email": "ann@example.com", "name": "Ann"})
    auth = arrive(people, provider).auth
    assert auth["metadata"] == {"name": "Ann", "role": "people"}
    assert about(people, auth["client_token"])["display_name"] == "oidc-ann@example.com"


def test_nobody_is_asked_for_claims_that_are_there(people, provider):
    arrive(people, provider)
    assert ("GET", "/me") not in provider.service.asked


def test_what_was_signed_wins_over_what_was_told(people, provider):
    write(people, "oidc/role/people", bound_claims={"team": "red", "more": "x"})
    provider.userinfo = (200, {"sub": "ann", "team": "red", "more": "x"})
    assert 'claim "team" does not match' in sentence(arrive(people, provider, team="blue"))
    assert arrive(people, provider, team="red").status == 200


@pytest.mark.parametrize(
    ("userinfo", "status"),
    [
        pytest.param((200, {"sub": "bob", "email": "bob@example.com"}), 400, id="of somebody else"),
        pytest.param((200, {"email": "ann@example.com"}), 400, id="of nobody"),
        pytest.param((500, {}), 503, id="broken"),
        pytest.param((401, {}), 503, id="not for us"),
        pytest.param((200, b"eyJ.eyJ.x"), 503, id="no JSON"),
        pytest.param((200, {"sub": "ann"}), 400, id="without it"),
    ],
)
def test_userinfo_that_cannot_be_believed_lets_nobody_in(people, provider, userinfo, status):
    write(people, "oidc/role/people", user_claim="email")
    provider.userinfo = userinfo
    assert arrive(people, provider).status == status


@pytest.mark.parametrize(
    ("groups", "status"),
    [
        (["a", "b", "a"], 200),
        ([], 200),
        ("one", 200),
        (None, 400),
        ([1], 400),
        ({"a": 1}, 400),
        (["a\nb"], 400),
        ([""], 400),
        (["x"] * 1001, 400),
    ],
)
def test_groups_are_a_list_of_names(people, provider, groups, status):
    write(people, "oidc/role/people", groups_claim="groups")
    assert arrive(people, provider, groups=groups).status == status


def test_bound_claims_hold_for_browsers_too(people, provider):
    write(people, "oidc/role/people", bound_claims={"email": "*@example.com"}, bound_claims_type="glob")
    assert arrive(people, provider, email="ann@example.com").status == 200
    assert "does not match" in sentence(arrive(people, provider, email="ann@evil.example"))


# -- people who are sent back to the store -----------------------------------------------------------------


DIRECT = "https://vault.example/v1/auth/oidc/oidc/callback"
CONFIRMED = {"confirmation": "yes"}


@pytest.fixture
def direct(people):
    write(people, "oidc/role/people", callback_mode="direct", allowed_redirect_uris=DIRECT)
    return people


def wait_for_somebody(store):
    answer = login(
        store, "oidc/oidc/auth_url", role="people", redirect_uri=DIRECT, client_nonce="of the program"
    )
    assert answer.status == 200, answer.body
    asked = dict(parse_qsl(urlsplit(answer.data["auth_url"]).query))
    assert asked["state"] == answer.data["state"]
    assert int(answer.data["poll_interval"]) > 0  # a text, which is what clients expect
    return asked


def poll(store, asked, client_nonce="of the program"):
    return login(store, "oidc/oidc/poll", state=asked["state"], client_nonce=client_nonce)


def test_a_program_asks_until_somebody_has_come_back_and_gets_his_token_once(direct, provider):
    asked = wait_for_somebody(direct)
    assert sentence(poll(direct, asked)) == "authorization_pending"
    page = arrive(direct, provider, asked, query=CONFIRMED, sub="<b>ann</b>")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"&lt;b&gt;ann&lt;/b&gt; is logged in" in page.body
    assert b"hvs." not in page.body
    direct.restart()  # as if another worker or node were asked
    assert poll(direct, asked).auth["policies"] == ["default", "reader"]
    assert sentence(poll(direct, asked)) == "authorization_pending"
    assert EXPIRED in sentence(arrive(direct, provider, asked, query=CONFIRMED))


def test_somebody_is_asked_first_whether_it_was_him(direct, provider):
    asked = wait_for_somebody(direct)
    page = arrive(direct, provider, asked, query={"iss": provider.service.url})
    assert b"in the role people. Did you start it yourself" in page.body
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert provider.exchanged == []
    assert sentence(poll(direct, asked)) == "authorization_pending"
    hidden = dict(re.findall(rb'name="(\w+)" value="([^"]*)"', page.body))
    assert set(hidden) == {b"state", b"code", b"iss", b"confirmation"}
    query = {name.decode(): html.unescape(value.decode()) for name, value in hidden.items()}
    assert come_back(direct, **query).status == 200
    assert poll(direct, asked).status == 200


def test_the_question_holds_no_markup_of_others(direct, provider):
    asked = wait_for_somebody(direct)
    page = come_back(direct, state=asked["state"], code='"><script>alert(1)</script>')
    assert page.status == 200
    assert b"<script" not in page.body


def test_nobody_but_the_program_fetches_a_token(direct, provider):
    asked = wait_for_somebody(direct)
    assert arrive(direct, provider, asked, query=CONFIRMED).status == 200
    for guess in ("", "guessed"):
        assert "client_nonce" in sentence(poll(direct, asked, guess))
    direct.clock.advance(LIFETIME_SECONDS)
    assert EXPIRED in sentence(poll(direct, asked))


def test_a_program_that_waits_for_the_store_has_a_nonce(direct):
    answer = login(direct, "oidc/oidc/auth_url", role="people", redirect_uri=DIRECT)
    assert "client_nonce: expected" in sentence(answer)


def test_nobody_waits_for_the_store_in_other_logins(people, provider):
    asked = begin(people, client_nonce="of the program")
    assert "nobody is sent back to the store" in sentence(poll(people, asked))


def test_a_role_shows_what_it_says_of_browsers(people):
    write(people, "oidc/role/people", oidc_scopes=["email"], max_age="5m", groups_claim="groups")
    shown = read(people, "oidc/role/people")
    assert (shown["role_type"], shown["allowed_redirect_uris"]) == ("oidc", [REDIRECT])
    assert (shown["oidc_scopes"], shown["max_age"], shown["groups_claim"]) == (["email"], 300, "groups")
    assert (shown["callback_mode"], shown["verbose_oidc_logging"]) == ("client", False)


def test_callback_modes_that_are_not_offered_are_refused(people):
    answer = people.vault("POST", "auth/oidc/role/people", {"callback_mode": "device"}, token=people.root)
    assert "callback_mode: expected client or direct" in sentence(answer)


# -- in a namespace ----------------------------------------------------------------------------------------


def test_a_login_of_a_namespace_is_one_of_that_namespace_alone(store, provider):
    def write_there(path, body):
        answer = store.vault("POST", f"team/{path}", body, token=store.root)
        assert answer.status < 300, answer.body

    store.vault("POST", "sys/namespaces/team", {}, token=store.root)
    write_there("sys/auth/oidc", {"type": "oidc"})
    config = {"oidc_discovery_url": provider.service.url, "oidc_discovery_ca_pem": provider.service.ca_pem}
    write_there("auth/oidc/config", {**config, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET})
    callback = "https://vault.example/v1/team/auth/oidc/oidc/callback"
    role = {"user_claim": "sub", "allowed_redirect_uris": callback, "callback_mode": "direct"}
    write_there("auth/oidc/role/people", role)
    begun = store.vault(
        "POST",
        "auth/oidc/oidc/auth_url",
        {"role": "people", "redirect_uri": callback, "client_nonce": "n"},
        headers=["X-Vault-Namespace: team"],
    ).data
    asked = dict(parse_qsl(urlsplit(begun["auth_url"]).query))
    configure(store, provider)
    code = provider.hand_out(claims_for(store, provider, asked))
    answer = {"state": asked["state"], "code": code, **CONFIRMED}
    assert EXPIRED in sentence(come_back(store, **answer))
    assert store.vault("GET", f"team/auth/oidc/oidc/callback?{urlencode(answer)}").status == 200
    fetch = {"state": asked["state"], "client_nonce": "n"}
    assert EXPIRED in sentence(store.vault("POST", "auth/oidc/oidc/poll", fetch))
    token = store.vault("POST", "team/auth/oidc/oidc/poll", fetch).auth["client_token"]
    known = store.vault("GET", "team/auth/token/lookup-self", token=token).data
    assert known["namespace_path"] == "team/"
    assert store.vault("GET", "sys/mounts", token=token).status == 403


def test_nothing_is_kept_for_whoever_only_begins(people):
    before = everything_in(people.storage)
    fields = {"role": "people", "redirect_uri": REDIRECT}
    for headers, status in (((), 200), (("X-Vault-Wrap-TTL: 700h",), 400)):
        answer = people.vault("POST", "auth/oidc/oidc/auth_url", fields, headers=headers)
        assert answer.status == status, answer.body
    assert everything_in(people.storage) == before
