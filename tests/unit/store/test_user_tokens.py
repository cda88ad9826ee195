"""Tokens of users: their form to the claim, what is believed, and that they end at once when they are to."""

import base64
import hmac
import json

import jwt
import pytest
from tests.support.iam import SERVICE_KEY, log_in, make_user, token_of, user_with
from tests.support.local_store import StoreUnderTest

from holdfast.iam.settings import IamSettings
from holdfast.store.iam import signing_keys
from holdfast.store.iam.auth_tokens import write_auth_token
from holdfast.store.iam.commands import AddSigningKey
from holdfast.store.layout import IAM
from holdfast.store.open_store import MAX_TOKEN_LENGTH
from holdfast.tokens.compact import write_compact

DAY = 86_400
SECRET = "dcos:secrets:default:/a"


@pytest.fixture(scope="module")
def prepared():
    """A store with a user who may read ``a``, made once: its key takes time."""
    store = StoreUnderTest().initialize()
    store.dcos("PUT", "secret/default/a", {"value": "v"}, token=store.root)
    token = user_with(store, "bob", SECRET)
    return store, token


@pytest.fixture
def store(prepared):
    return prepared[0]


@pytest.fixture
def token(store):
    return token_of(store, "bob")


def reads(store, token):
    return store.dcos("GET", "secret/default/a", token=token).status == 200


def parts(token):
    return [
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
    ]


def public_keys(store):
    keys = store.acs("GET", "auth/jwks", token="").json["keys"]
    return {key["kid"]: jwt.PyJWK(key) for key in keys}


class TestForm:
    def test_the_claims_are_uid_and_exp_and_no_other(self, store, token):
        header, claims = parts(token)
        assert claims == {"uid": "bob", "exp": int(store.clock.now()) + 5 * DAY}
        assert (header["alg"], header["typ"]) == ("RS256", "JWT")
        assert set(header) == {"alg", "typ", "kid", "gen", "jti"}

    def test_somebody_else_s_library_verifies_it_with_the_published_keys(self, store, token):
        keys = public_keys(store)
        claims = jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]].key,
            algorithms=["RS256"],
            options={"verify_exp": False},
        )
        assert claims["uid"] == "bob"

    def test_a_published_key_has_the_members_and_the_id_of_dc_os(self, store):
        (key,) = store.acs("GET", "auth/jwks", token="").json["keys"]
        assert list(key) == ["kid", "kty", "n", "e", "alg", "use"]
        numbers = jwt.PyJWK(key).key.public_numbers()
        assert key["kid"] == signing_keys._key_id(numbers)
        assert numbers.n.bit_length() >= 2048

    def test_published_keys_may_be_cached_and_nothing_else_may(self, store):
        answer = store.acs("GET", "auth/jwks", token="")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert store.acs("GET", "auth/providers", token="").headers["Cache-Control"] == "no-store"

    def test_two_logins_in_one_second_give_two_tokens(self, store):
        assert token_of(store, "bob") != token_of(store, "bob")

    def test_the_longest_token_is_short_enough(self, store):
        make_user(store, "x" * 96)
        token = token_of(store, "x" * 96)
        assert len(token) < MAX_TOKEN_LENGTH
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 200

    def test_its_life_is_what_the_operator_decided(self):
        iam = IamSettings(token_lifetime_seconds=3600, password_cost=StoreUnderTest.iam.password_cost)
        store = StoreUnderTest(iam=iam).initialize()
        make_user(store, "bob")
        token = token_of(store, "bob")
        assert parts(token)[1]["exp"] == int(store.clock.now()) + 3600
        store.clock.advance(3599)
        assert store.vault("GET", "auth/token/lookup-self", token=token).data["ttl"] == 1
        store.clock.advance(1)
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403


def forged(store, token, how):
    """Return what somebody makes who has a genuine token, our public key, and a key of his own."""
    header, claims = parts(token)
    current = store.local.store.opened
    genuine = current.users.keys.current(current.view(IAM), store.clock.now())
    head, body, signature = token.split(".")

    def encoded(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    ours = {name: header[name] for name in ("gen", "jti")}

    def signed(claims, **further):
        return write_compact(claims, genuine, further_header={**ours, **further})

    def keyed(header, claims):
        covered = f"{encoded(header)}.{encoded(claims)}"
        digest = hmac.digest(genuine.verifying_key().pem(), covered.encode(), "sha256")
        return f"{covered}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return {
        "another claim": lambda: f"{head}.{encoded(claims | {'uid': 'root'})}.{signature}",
        "another expiry": lambda: f"{head}.{encoded(claims | {'exp': 2**40})}.{signature}",
        "another jti": lambda: f"{encoded(header | {'jti': 'x'})}.{body}.{signature}",
        "no signature": lambda: f"{head}.{body}.",
        "algorithm none": lambda: f"{encoded(header | {'alg': 'none'})}.{body}.",
        "algorithm none with a signature": lambda: f"{encoded(header | {'alg': 'none'})}.{body}.{signature}",
        "our public key as a shared secret": lambda: keyed(header | {"alg": "HS256"}, claims),
        "RS512 by our key id": lambda: f"{encoded(header | {'alg': 'RS512'})}.{body}.{signature}",
        "his own key": lambda: write_auth_token(
            "bob", header["gen"], expires_at=claims["exp"], key=SERVICE_KEY
        ),
        "his own key under our key id": lambda: write_compact(
            claims,
            type(SERVICE_KEY)(SERVICE_KEY._key, key_id=header["kid"]),
            further_header=ours,
        ),
        "no key id": lambda: write_compact(claims, type(genuine)(genuine._key), further_header=ours),
        "a claim more": lambda: signed(claims | {"iat": 0}),
        "no expiry": lambda: signed({"uid": "bob"}),
        "expiry 0": lambda: signed(claims | {"exp": 0}),
        "expiry as text": lambda: signed(claims | {"exp": str(claims["exp"])}),
        "expiry as a fraction": lambda: signed(claims | {"exp": claims["exp"] + 0.5}),
        "no generation": lambda: write_compact(claims, genuine, further_header={"jti": "x"}),
        "another generation": lambda: signed(claims, gen="0" * 16),
        "an unknown user": lambda: signed(claims | {"uid": "eve"}),
        "a user name that is none": lambda: signed(claims | {"uid": "../bob"}),
        "its key in the header": lambda: f"{encoded(header | {'jwk': {}})}.{body}.{signature}",
        "padding": lambda: f"{head}.{body}=.{signature}",
        "three dots": lambda: f"{token}.",
        "in capitals": token.upper,
        "dots alone": lambda: "..",
    }[how]()


FORGERIES = [
    "another claim", "another expiry", "another jti", "no signature", "algorithm none",
    "algorithm none with a signature", "our public key as a shared secret", "RS512 by our key id",
    "his own key", "his own key under our key id", "no key id", "a claim more", "no expiry", "expiry 0",
    "expiry as text", "expiry as a fraction", "no generation", "another generation", "an unknown user",
    "a user name that is none", "its key in the header", "padding", "three dots", "in capitals", "dots alone",
]  # fmt: skip


@pytest.mark.parametrize("how", FORGERIES)
def test_what_is_not_genuine_is_refused_like_any_unknown_token(store, token, how):
    unknown = [
        ask(store, "hvs.unknown")
        for ask in (
            lambda store, token: store.dcos("GET", "secret/default/a", token=token),
            lambda store, token: store.vault("GET", "secret/data/a", token=token),
        )
    ]
    made = forged(store, token, how)
    assert store.dcos("GET", "secret/default/a", token=made).body == unknown[0].body
    assert store.vault("GET", "secret/data/a", token=made).body == unknown[1].body
    assert reads(store, token)


class TestEnd:
    def test_it_expires_to_the_second(self, store):
        token = token_of(store, "bob")
        store.clock.advance(5 * DAY - 1)
        assert reads(store, token)
        store.clock.advance(1)
        assert not reads(store, token)

    def test_logging_out_ends_this_token_and_no_other(self, store, token):
        other = token_of(store, "bob")
        assert store.acs("GET", "auth/logout", token=token).status == 200
        assert (reads(store, token), reads(store, other)) == (False, True)

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            pytest.param("auth/token/revoke-self", lambda _token: None, id="by itself"),
            pytest.param("auth/token/revoke", lambda token: {"token": token}, id="by the store's root"),
        ],
    )
    def test_the_vault_api_ends_it_too(self, store, token, path, body):
        by = token if path.endswith("self") else store.root
        assert store.vault("PUT", path, body(token), token=by).status == 204
        assert not reads(store, token)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda s: s.acs("DELETE", "users/bob/tokens"), id="all his tokens are ended"),
            pytest.param(
                lambda s: s.acs("PATCH", "users/bob", {"password": "another-horse"}), id="another password"
            ),
        ],
    )
    def test_every_token_of_a_user_ends_at_once_and_the_next_login_is_good(self, store, change):
        tokens = [token_of(store, "bob") for _ in range(2)]
        assert all(reads(store, token) for token in tokens)
        assert change(store).status == 204
        assert not any(reads(store, token) for token in tokens)
        store.acs("PATCH", "users/bob", {"password": "correct-horse-7f3a"})
        assert reads(store, token_of(store, "bob"))

    def test_a_removed_user_s_tokens_end_and_a_namesake_does_not_inherit_them(self, store):
        token = user_with(store, "temp", SECRET + "2")
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 200
        assert store.acs("DELETE", "users/temp").status == 204
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
        make_user(store, "temp")
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
        store.acs("DELETE", "users/temp")

    def test_what_was_revoked_stays_so_after_a_restart_and_is_forgotten_when_it_has_expired(self):
        store = StoreUnderTest().initialize()
        token = user_with(store, "bob", SECRET)
        other = token_of(store, "bob")
        store.acs("GET", "auth/logout", token=token)
        store.restart()
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403
        assert store.vault("GET", "auth/token/lookup-self", token=other).status == 200
        assert store.storage.list("iam/revoked/")
        store.local.keeper.tick()
        assert store.storage.list("iam/revoked/")
        store.clock.advance(5 * DAY)
        store.local.keeper.tick()
        assert not store.storage.list("iam/revoked/")


class TestKeys:
    @pytest.fixture
    def store(self):
        store = StoreUnderTest().initialize()
        make_user(store, "bob")
        return store

    def is_live(self, store, token):
        return store.vault("GET", "auth/token/lookup-self", token=token).status == 200

    def test_there_is_no_key_before_the_first_login(self, store):
        assert store.acs("GET", "auth/jwks", token="").json == {"keys": []}
        log_in(store, "bob")
        assert len(public_keys(store)) == 1

    def test_after_a_rotation_both_keys_are_trusted_until_the_last_old_token_has_expired(self, store):
        old = token_of(store, "bob")
        assert store.acs("PUT", "auth/keys").status == 204
        new = token_of(store, "bob")
        kids = [jwt.get_unverified_header(token)["kid"] for token in (new, old)]
        assert list(public_keys(store)) == kids
        assert self.is_live(store, old)
        assert self.is_live(store, new)
        store.clock.advance(5 * DAY)
        store.local.keeper.tick()
        newest = token_of(store, "bob")
        assert list(public_keys(store)) == kids[:1]
        assert self.is_live(store, newest)

    def test_old_keys_can_be_ended_at_once_and_all_their_tokens_with_them(self, store):
        old = token_of(store, "bob")
        assert store.acs("PUT", "auth/keys", {"revoke_old": True}).status == 204
        assert not self.is_live(store, old)
        assert self.is_live(store, token_of(store, "bob"))
        assert len(public_keys(store)) == 1

    def test_an_old_key_is_replaced_by_itself(self, store):
        first = jwt.get_unverified_header(token_of(store, "bob"))["kid"]
        store.clock.advance(signing_keys.ROTATED_AFTER_SECONDS)
        second = jwt.get_unverified_header(token_of(store, "bob"))["kid"]
        assert first != second
        assert len(public_keys(store)) == 2

    def test_of_two_keys_made_at_once_one_signs(self, store):
        keys = [signing_keys.generate(), signing_keys.generate()]

        for key in keys:
            command = AddSigningKey(key=key, replaces="", trust_old_seconds=60)
            store.local.store.submit(command, lambda _outcome: None)
        assert list(public_keys(store)) == [keys[0].key_id]
        assert jwt.get_unverified_header(token_of(store, "bob"))["kid"] == keys[0].key_id

    def test_a_private_key_is_nowhere_in_storage_in_clear(self, store):
        log_in(store, "bob")
        (kid,) = public_keys(store)
        record = store.storage.get(f"iam/signing-key/{kid}")
        opened = store.local.store.opened
        plain = opened.view(IAM).get(f"signing-key/{kid}")
        assert plain[8:40] not in record

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"revoke_old": "yes"}, id="text"),
            pytest.param({"revoke": True}, id="unknown member"),
            pytest.param({"revoke_old": None}, id="null"),
        ],
    )
    def test_a_rotation_that_is_not_understood_changes_nothing(self, store, body):
        log_in(store, "bob")
        before = public_keys(store).keys()
        assert store.acs("PUT", "auth/keys", body).status == 400
        assert public_keys(store).keys() == before
