"""Logging in: every failure costs the same and reads the same, is counted, and leaves no secret behind."""

import json
from functools import partial

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.iam import PASSWORD, SERVICE_KEY, grant, log_in, make_service, make_user, token_of
from tests.support.local_store import StoreUnderTest

from holdfast.iam.lockout import FREE_TRIES_OF_SOURCE
from holdfast.iam.passwords import LEAST_MEMORY_KIB, PasswordCost, Passwords
from holdfast.iam.settings import IamSettings
from holdfast.store.iam import service_login
from holdfast.store.iam.login import LoginAttempt
from holdfast.store.layout import IAM
from holdfast.tokens.compact import write_compact
from holdfast.tokens.rsa_key import RsaSigningKey

DAY = 86_400
OTHER_KEY = RsaSigningKey.generate()


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def store(sink):
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    make_user(store, "bob", description="Bob")
    make_service(store, "svc")
    return store


@pytest.fixture
def hashes(monkeypatch):
    """Every record that a password was checked against."""
    seen, verify = [], Passwords.verify

    def counted(self, record, password):
        seen.append(record)
        return verify(self, record, password)

    monkeypatch.setattr(Passwords, "verify", counted)
    return seen


def login_token(store, uid="svc", *, key=SERVICE_KEY, **claims):
    return write_compact({"uid": uid, "exp": int(store.clock.now()) + 120} | claims, key)


def log_in_by_token(store, token, uid="svc"):
    return store.acs("POST", "auth/login", {"uid": uid, "token": token}, token="")


class TestPassword:
    def test_the_right_one_gives_a_token(self, store):
        token = token_of(store, "bob")
        assert store.vault("GET", "auth/token/lookup-self", token=token).data["display_name"] == "bob"

    @pytest.mark.parametrize(
        ("uid", "password"),
        [
            pytest.param("bob", "wrong-horse-7f3a", id="wrong password"),
            pytest.param("bob", PASSWORD + " ", id="a blank more"),
            pytest.param("BOB", PASSWORD, id="in capitals"),
            pytest.param("eve", PASSWORD, id="unknown user"),
            pytest.param("svc", PASSWORD, id="service account"),
        ],
    )
    def test_every_failure_costs_one_hash_of_the_same_cost_and_reads_the_same(
        self, store, hashes, uid, password
    ):
        """Equal time is tested on what is done, since a clock would tell different things on busy hosts."""
        answer = log_in(store, uid, password)
        assert answer.status == 401
        assert answer.json == {
            "title": "Unauthorized",
            "description": "Invalid credentials.",
            "code": "ERR_INVALID_CREDENTIALS",
        }
        assert answer.headers["WWW-Authenticate"] == "acsjwt"
        assert "Set-Cookie" not in answer.headers
        (record,) = hashes
        assert record.split("$")[:4] == store.local.store.opened.users.passwords.decoy.split("$")[:4]

    def test_a_right_password_costs_one_hash_too(self, store, hashes):
        token_of(store, "bob")
        assert len(hashes) == 1

    @pytest.mark.parametrize("uid", ["../bob", "bob/", "a b", "x" * 97, "\u00e9", "..", "bob\u0000"])
    def test_a_name_that_nobody_can_have_reads_the_same_and_costs_nothing(self, store, hashes, uid):
        assert log_in(store, uid).body == log_in(store, "eve").body
        assert len(hashes) == 1  # that of eve

    def test_a_password_changed_while_the_old_one_was_checked_gives_no_token(self, store):
        held = []
        store.local.store._login_desk.offload = lambda work, done: held.append((work, done))
        attempt = LoginAttempt(id="1", uid="bob", password=PASSWORD, peer="192.0.2.1:1")
        outcomes = []
        store.local.store.log_in(attempt, outcomes.append)
        store.acs("PATCH", "users/bob", {"password": "another-horse"})
        [(work, done)] = held
        done(work())
        assert [outcome.reason for outcome in outcomes] == ["ERR_INVALID_CREDENTIALS"]

    def test_a_store_sealed_while_a_password_was_checked_gives_no_token(self, store):
        held = []
        store.local.store._login_desk.offload = lambda work, done: held.append((work, done))
        outcomes = []
        attempt = LoginAttempt(id="1", uid="bob", password=PASSWORD)
        store.local.store.log_in(attempt, outcomes.append)
        store.seal()
        [(work, done)] = held
        done(work())
        assert [type(outcome).__name__ for outcome in outcomes] == ["SealedError"]

    def test_a_sealed_store_lets_nobody_in_and_says_so(self, store):
        store.seal()
        assert log_in(store, "bob").status == 503
        assert store.acs("GET", "auth/jwks", token="").status == 503
        assert store.acs("GET", "users").status == 503

    def test_a_record_is_renewed_when_the_operator_has_raised_the_cost(self, store, hashes):
        token = token_of(store, "bob")
        store.iam = IamSettings(password_cost=PasswordCost(memory_kib=LEAST_MEMORY_KIB + 8, iterations=2))
        store.restart()
        for _ in range(2):
            token_of(store, "bob")
        old, before, after = (record.split("$")[3] for record in hashes)
        assert old == before != after
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 200


class TestServiceAccount:
    def test_a_token_signed_by_its_key_gives_a_token(self, store):
        answer = log_in_by_token(store, login_token(store))
        assert answer.status == 200
        assert store.vault("GET", "auth/token/lookup-self", token=answer.json["token"]).status == 200

    @pytest.mark.parametrize("ahead", [1, 120, 300, 5 * DAY], ids=["1 s", "2 min", "5 min", "5 days"])
    def test_the_lifetimes_of_known_clients_are_taken(self, store, ahead):
        token = login_token(store, exp=int(store.clock.now()) + ahead)
        assert log_in_by_token(store, token).status == 200

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda s: login_token(s, exp=int(s.clock.now())), id="expired"),
            pytest.param(lambda s: login_token(s, exp=0), id="expiry 0"),
            pytest.param(lambda s: login_token(s, exp=-1), id="negative expiry"),
            pytest.param(lambda s: login_token(s, exp=2**60), id="for ever"),
            pytest.param(lambda s: login_token(s, exp=int(s.clock.now()) + 8 * DAY), id="eight days ahead"),
            pytest.param(lambda s: login_token(s, exp="9999999999"), id="expiry as text"),
            pytest.param(lambda s: login_token(s, exp=True), id="expiry as truth"),
            pytest.param(lambda s: login_token(s, exp=None), id="expiry null"),
            pytest.param(lambda _s: write_compact({"uid": "svc"}, SERVICE_KEY), id="no expiry"),
            pytest.param(lambda s: login_token(s, uid="bob"), id="somebody else's name"),
            pytest.param(lambda s: login_token(s, uid=["svc"]), id="a list of names"),
            pytest.param(lambda s: login_token(s, key=OTHER_KEY), id="another key"),
            pytest.param(lambda s: login_token(s).rpartition(".")[0] + ".", id="no signature"),
            pytest.param(lambda s: login_token(s)[:-4] + "AAAA", id="another signature"),
            pytest.param(lambda _s: "eyJhbGciOiJub25lIn0.eyJ1aWQiOiJzdmMifQ.", id="algorithm none"),
            pytest.param(lambda _s: "x", id="no token at all"),
            pytest.param(lambda _s: "x" * 9000, id="overlong"),
            pytest.param(lambda _s: "\u00e9.\u00e9.\u00e9", id="not ASCII"),
        ],
    )
    def test_anything_else_reads_like_a_wrong_password(self, store, make):
        assert log_in_by_token(store, make(store)).body == log_in(store, "bob", "wrong-horse-7f3a").body

    def test_an_auth_token_is_no_login_token(self, store):
        """Or a token could prolong its own life."""
        token = log_in_by_token(store, login_token(store)).json["token"]
        assert log_in_by_token(store, token).status == 401

    def test_a_login_token_is_no_auth_token(self, store):
        token = login_token(store)
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403

    def test_the_store_s_own_key_is_no_account_s_key(self, store):
        token_of(store, "bob")
        opened = store.local.store.opened
        pem = opened.users.keys.current(opened.view(IAM), 0.0).verifying_key().pem().decode()
        for method, uid in (("PUT", "new"), ("PATCH", "svc")):
            answer = store.acs(method, f"users/{uid}", {"public_key": pem})
            assert (answer.status, answer.json["code"]) == (400, "ERR_INVALID_PUBLIC_KEY")

    @pytest.mark.parametrize("uid", ["svc", "bob", "eve"])
    def test_every_failure_costs_one_verification(self, store, monkeypatch, uid):
        calls, check = [], service_login.check_login_token

        def counted(text, uid, key, *, now):
            calls.append(key)
            return check(text, uid, key, now=now)

        monkeypatch.setattr(service_login, "check_login_token", counted)
        assert log_in_by_token(store, login_token(store, uid, key=OTHER_KEY), uid).status == 401
        assert len(calls) == 1

    def test_a_new_key_ends_the_old_one(self, store):
        old = login_token(store)
        pem = OTHER_KEY.verifying_key().pem().decode()
        assert store.acs("PATCH", "users/svc", {"public_key": pem}).status == 204
        assert log_in_by_token(store, old).status == 401
        assert log_in_by_token(store, login_token(store, key=OTHER_KEY)).status == 200

    def test_it_cannot_be_locked_out(self, store):
        for _ in range(3 * FREE_TRIES_OF_SOURCE):
            assert log_in_by_token(store, login_token(store, key=OTHER_KEY)).status == 401
        assert log_in_by_token(store, login_token(store)).status == 200


class TestLockOut:
    def fail_often(self, store, uid="bob", *, count=FREE_TRIES_OF_SOURCE):
        return [log_in(store, uid, "wrong-horse-7f3a") for _ in range(count)]

    def test_after_too_many_failures_not_even_the_right_password_is_looked_at(self, store, hashes):
        self.fail_often(store)
        hashes.clear()
        answer = log_in(store, "bob")
        assert answer.status == 401
        assert (answer.json["code"], answer.json["description"]) == (
            "ERR_INVALID_CREDENTIALS",
            "Invalid credentials.",
        )
        assert answer.headers["Retry-After"] == "1"
        assert "try again in 1 seconds" in answer.json["title"]
        assert hashes == []

    def test_the_pause_ends_and_success_forgets(self, store):
        self.fail_often(store)
        store.clock.advance(1)
        assert log_in(store, "bob").status == 200
        assert {answer.status for answer in self.fail_often(store)} == {401}
        assert "Retry-After" not in self.fail_often(store, "eve")[-1].headers

    def test_it_tells_nothing_of_whether_a_user_exists(self, store):
        answers = {
            uid: self.fail_often(store, uid, count=FREE_TRIES_OF_SOURCE + 2) for uid in ("bob", "eve", "svc")
        }
        bodies = {uid: [(answer.status, answer.body) for answer in some] for uid, some in answers.items()}
        assert bodies["bob"] == bodies["eve"] == bodies["svc"]

    def test_users_who_are_in_stay_in(self, store):
        token = token_of(store, "bob")
        self.fail_often(store, count=30)
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 200

    def test_the_store_s_root_token_is_never_locked_out(self, store):
        self.fail_often(store, count=30)
        assert store.acs("PATCH", "users/bob", {"password": "another-horse"}).status == 204

    def test_parallel_tries_are_counted_before_any_of_them_is_answered(self, store):
        held, outcomes = [], []
        store.local.store._login_desk.offload = lambda work, done: held.append(partial(done, (False, "")))
        for number in range(FREE_TRIES_OF_SOURCE + 5):
            attempt = LoginAttempt(id=str(number), uid="bob", password="guess", peer="192.0.2.1:1")
            store.local.store.log_in(attempt, outcomes.append)
        assert len(held) == FREE_TRIES_OF_SOURCE
        assert len(outcomes) == 5


class TestRecord:
    def lines(self, sink):
        return [json.loads(line) for line in sink.lines]

    def test_success_and_failure_are_on_record_with_the_user(self, store, sink):
        sink.writes.clear()
        log_in(store, "bob")
        log_in(store, "bob", "wrong-horse-7f3a")
        lines = self.lines(sink)
        told = [(line["type"], line["request"]["path"], line.get("error")) for line in lines]
        path = "acs/auth/login"
        assert told == [
            ("request", path, None),
            ("response", path, None),
            ("request", path, None),
            ("response", path, "invalid credentials (wrong password)"),
        ]
        assert {line["auth"]["display_name"] for line in lines} == {"bob"}
        assert all(line["request"]["remote_address"] for line in lines)

    def test_the_token_of_a_login_can_be_found_again_in_later_lines(self, store, sink):
        sink.writes.clear()
        token = token_of(store, "bob")
        store.vault("GET", "auth/token/lookup-self", token=token)
        lines = self.lines(sink)
        assert lines[1]["response"]["data"]["token"] == lines[2]["auth"]["client_token"]

    def test_a_name_that_is_no_user_s_is_hashed_as_it_may_be_a_password(self, store, sink):
        sink.writes.clear()
        log_in(store, PASSWORD, "x" * 8)
        lines = self.lines(sink)
        assert all("display_name" not in line["auth"] for line in lines)
        assert lines[1]["error"] == "invalid credentials (unknown user)"
        assert PASSWORD.encode() not in b"".join(sink.lines)

    def test_nothing_that_was_sent_to_prove_something_is_anywhere(self, store, sink, caplog):
        caplog.set_level("DEBUG")
        good, bad = login_token(store), login_token(store, key=OTHER_KEY)
        auth = log_in_by_token(store, good).json["token"]
        log_in_by_token(store, bad)
        log_in(store, "bob")
        log_in(store, "bob", "wrong-horse-7f3a")
        private = SERVICE_KEY.pem().reveal().decode()
        store.acs("PUT", "users/careless", {"public_key": private})
        written = b"".join(sink.lines).decode() + caplog.text
        pieces = [piece for token in (good, bad, auth) for piece in token.split(".")[1:]]
        pieces += [PASSWORD, "wrong-horse-7f3a", private.splitlines()[5]]
        assert [piece for piece in pieces if piece in written] == []

    def test_where_no_line_can_be_written_nobody_logs_in(self, store, sink):
        token_of(store, "bob")
        sink.refuses = True
        assert log_in(store, "bob").status == 503


def test_a_login_s_attempt_shows_nothing():
    assert repr(LoginAttempt(id="1", uid="bob", password=PASSWORD)) == "LoginAttempt(...)"


class TestFirstSuperuser:
    @pytest.fixture
    def store(self, tmp_path):
        file = tmp_path / "password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        cost = StoreUnderTest.iam.password_cost
        settings = IamSettings(password_cost=cost, superuser="admin", superuser_password_file=str(file))
        return StoreUnderTest(iam=settings)

    def test_he_is_made_when_the_store_is_opened_for_the_first_time(self, store):
        store.initialize()
        token = token_of(store, "admin")
        assert store.acs("GET", "users", token=token).status == 200

    def test_he_is_never_made_again(self, store):
        store.initialize()
        grant(store, "dcos:superuser", f"users/{make_user(store, 'second')}")
        assert store.acs("DELETE", "users/admin").status == 204
        store.restart()
        assert log_in(store, "admin").status == 401

    def test_his_file_may_go_once_he_is_made_and_his_password_may_change(self, store, tmp_path):
        store.initialize()
        store.acs("PATCH", "users/admin", {"password": "another-horse"})
        (tmp_path / "password").unlink()
        store.restart()
        assert token_of(store, "admin", "another-horse")

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param(None, "cannot be read", id="missing"),
            pytest.param(b"short\n", "expected 8 characters", id="too short"),
            pytest.param(b"\xff" * 20, "expected UTF-8", id="not UTF-8"),
            pytest.param(b"x" * 5000, "at most 1024 bytes", id="too long"),
        ],
    )
    def test_without_a_password_the_store_opens_and_he_is_made_another_time(
        self, store, tmp_path, caplog, content, problem
    ):
        (tmp_path / "password").unlink()
        if content is not None:
            (tmp_path / "password").write_bytes(content)
        store.initialize()
        assert problem in caplog.text
        assert log_in(store, "admin").status == 401
        (tmp_path / "password").write_text(PASSWORD)
        store.restart()
        assert token_of(store, "admin")

    def test_a_file_that_others_can_read_is_warned_about(self, store, tmp_path, caplog):
        (tmp_path / "password").chmod(0o644)
        store.initialize()
        assert "can be read by others" in caplog.text
        assert PASSWORD not in caplog.text
