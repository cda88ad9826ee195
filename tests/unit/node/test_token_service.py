"""Tokens taken back count on no node a second later; a renewed one ends with whatever ends the first."""

import threading
import time

import pytest
from tests.support.node_under_test import SECRET, new_node
from tests.unit.tokens.conftest import base64url

from holdfast.clock import ManualClock, SystemClock
from holdfast.errors import (
    ConflictError,
    InvalidInputError,
    LimitReachedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from holdfast.model import SecretBytes
from holdfast.node.cluster.status_service import StatusService
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError
from holdfast.node.roles.role_service import RoleService
from holdfast.node.tokens.revocation_book import MAX_TIDIED, TIDY_SECONDS, RevocationBook
from holdfast.node.tokens.revocation_records import (
    STATE,
    RevocationKind,
    RevocationRecord,
    RevocationState,
    encode,
)
from holdfast.node.tokens.token_service import TokenLimits, TokenService, What
from holdfast.node.tokens.token_watch import BLIND_SECONDS, LOOK_SECONDS
from holdfast.policy.roles import Role, Rule
from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.memory import MemoryStorage
from holdfast.tokens.compact import write_compact
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.renewal import NotRenewableError, RenewalEndedError
from holdfast.tokens.shared_secret import SharedSecretKey

HOUR = 3600
KEY = SharedSecretKey(SecretBytes(SECRET))
PUBLIC = EcSigningKey.generate()


class Storage(MemoryStorage):
    """Storage that can be away, and says how often it was asked to catch up."""

    away = False
    caught_up = 0

    def catch_up(self):
        self.caught_up += 1
        self._there()
        super().catch_up()

    def get(self, key):
        self._there()
        return super().get(key)

    def snapshot(self):
        self._there()
        return super().snapshot()

    def write(self, change):
        self._there()
        return super().write(change)

    def _there(self):
        if self.away:
            raise StorageUnavailableError("storage: away")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def storage():
    return Storage(shared=True)


@pytest.fixture
def first(tmp_path, storage, clock):
    return node(tmp_path / "first", storage, clock)


@pytest.fixture
def second(tmp_path, storage, clock):
    return node(tmp_path / "second", storage, clock)


def node(directory, storage, clock, **settings):
    directory.mkdir()
    public = Issuer(name="public", keys=(PUBLIC.verifying_key(),), renews=True)
    return new_node(
        directory,
        attaching=False,
        storage=storage,
        clock=clock,
        issuers=[public],
        node_id=directory.name,
        **settings,
    )


def who(made, token):
    return made.call(token, StatusService.who_am_i, made.node.status)


def reason(made, token):
    """Return why a node refuses a token, empty if it does not."""
    try:
        who(made, token)
    except (UnauthenticatedError, UnavailableError) as error:
        return error.reason
    return ""


def revoke(made, token, **what):
    return made.call(token, TokenService.revoke, made.node.tokens, What(**what))


def renew(made, token, **options):
    return made.call(token, TokenService.renew, made.node.tokens, **options)


def listed(made, token):
    return made.call(token, TokenService.revocations, made.node.tokens)


def pass_by(clock):
    clock.advance(LOOK_SECONDS)


class TestRevocation:
    def test_a_token_taken_back_counts_on_no_node(self, first, second, clock):
        token = first.token("alice")
        assert (reason(first, token), reason(second, token)) == ("", "")

        revoke(first, token)

        assert reason(first, token) == "revoked"
        pass_by(clock)
        assert reason(second, token) == "revoked"
        assert reason(second, second.token("alice")) == ""

    def test_it_counts_on_no_node_within_a_second_by_the_wall_clock(self, tmp_path, storage):
        """Two nodes, each with verified tokens in memory, and a client that keeps asking."""
        clock = SystemClock()
        first, second = (node(tmp_path / name, storage, clock) for name in ("one", "two"))
        token = first.token("alice")
        assert (reason(first, token), reason(second, token)) == ("", "")
        revoke(first, token)
        revoked_at = clock.now()
        last_believed = revoked_at
        deadline = time.monotonic() + 30
        while True:
            asked_at = clock.now()
            if reason(second, token) == "revoked":
                break
            last_believed = asked_at
            assert time.monotonic() < deadline
        assert last_believed - revoked_at < 1.0  # of questions asked, so that a slow host proves nothing

    def test_it_survives_a_restart(self, tmp_path, first, storage, clock):
        token = first.token("alice")
        revoke(first, token)
        assert reason(node(tmp_path / "again", storage, clock), token) == "revoked"

    def test_all_tokens_of_a_subject_up_to_a_moment(self, first, second, clock):
        before = [first.token("alice"), first.token("alice")]
        bob, admin = first.token("bob"), first.admin
        revoke(first, admin, subject="alice")
        pass_by(clock)
        clock.advance(1)
        after = first.token("alice")
        for made in (first, second):
            assert [reason(made, token) for token in before] == ["revoked", "revoked"]
            assert [reason(made, token) for token in (after, bob, admin)] == ["", "", ""]

    def test_all_tokens_of_an_issuer_up_to_a_moment(self, first, second, clock):
        old, admin = first.token("bob"), first.admin
        clock.advance(100)
        new = first.token("bob")
        revoke(first, first.admin, everything=True, issued_until=int(clock.now()) - 50)
        pass_by(clock)
        for made in (first, second):
            assert [reason(made, token) for token in (old, admin)] == ["revoked", "revoked"]
            assert reason(made, new) == ""

    def test_another_issuer_is_named(self, first, clock):
        foreign = public_token(clock)
        assert reason(first, foreign) == ""
        revoke(first, first.admin, issuer="public", token_id="p1")
        assert reason(first, foreign) == "revoked"
        with pytest.raises(InvalidInputError, match="issuer"):
            revoke(first, first.admin, issuer="nobody", subject="alice")

    def test_a_token_without_an_id_can_be_taken_back_by_itself(self, first, clock):
        claims = {"iss": "test", "sub": "carol", "name": "", "email": "", "roles": ["system.user"]}
        now = int(clock.now())
        token, other = (write_compact(claims | {"iat": now, "exp": now + n}, KEY) for n in (60, 61))
        assert reason(first, token) == ""
        revoke(first, token)
        assert (reason(first, token), reason(first, other)) == ("revoked", "")

    @pytest.mark.parametrize(
        "what",
        [
            {"subject": "a", "token_id": "b"},
            {"everything": True, "subject": "a"},
            {"subject": "x" * 1025},
            {"subject": "a\nb"},
            {"subject": "a", "issued_until": 4_000_000_000},
            {"subject": "a", "issued_until": -1},
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, what, first):
        with pytest.raises(InvalidInputError):
            revoke(first, first.admin, **what)

    def test_what_was_taken_back_is_in_the_audit_log(self, first):
        token = first.token("alice")
        record = revoke(first, token)
        line = first.sink.lines[-1]
        assert (line["decision"], line["reason"], line["user"]) == ("done", "token revoked", "alice")
        assert line["resource"] == record.value
        reason(first, token)
        assert first.sink.lines[-1]["reason"] == "revoked"
        assert token not in str(first.sink.lines)


class TestWhoMayRevoke:
    def test_whoever_has_a_token_may_take_back_that_one(self, first):
        for roles in ((), ("no.such.role",), ("system.view",)):
            token = first.token("alice", roles=roles)
            revoke(first, token)
            assert reason(first, token) == "revoked"

    def test_users_who_take_back_their_own_leave_room_for_administrators(self, first, monkeypatch):
        monkeypatch.setattr(first.node.tokens._book, "_max_revocations", 4)
        for number in range(2):
            revoke(first, first.token(f"user{number}"))
        with pytest.raises(LimitReachedError):
            revoke(first, first.token("mallory"))
        revoke(first, first.admin, subject="mallory")
        revoke(first, first.admin)

    def test_by_its_id_as_well(self, first):
        token = first.token("alice", roles=("system.user",))
        revoke(first, token, token_id=who(first, token).token_id)
        assert reason(first, token) == "revoked"

    @pytest.mark.parametrize(
        ("roles", "groups", "kind"),
        [
            pytest.param(("system.user",), (), RoleDeniedError, id="a user"),
            pytest.param(("system.user",), ("*",), RoleDeniedError, id="a user of every group"),
            pytest.param(("system.view",), ("*",), RoleDeniedError, id="a viewer"),
            pytest.param(("system.admin",), (), OwnershipDeniedError, id="an administrator of no group"),
        ],
    )
    def test_tokens_of_others_are_for_storage_administrators(self, roles, groups, kind, first):
        victim = first.token("bob")
        token = first.token("alice", roles=roles, groups=groups)
        token_id = who(first, victim).token_id
        for what in ({"token_id": token_id}, {"subject": "bob"}, {"subject": "alice"}, {"everything": True}):
            with pytest.raises(kind):
                revoke(first, token, **what)
        assert (reason(first, victim), reason(first, token)) == ("", "")
        assert first.node.tokens is not None
        assert RevocationBook(first.storage).records() == []

    def test_guests_may_nothing(self, tmp_path, storage, clock):
        made = node(tmp_path / "open", storage, clock, guest_access=True)
        for operation in (TokenService.revoke, TokenService.renew, TokenService.revocations):
            with pytest.raises(PermissionDeniedError):
                made.node.admit(None, operation)

    def test_a_role_that_denies_it_counts(self, first):
        rules = (Rule(("*",), ("*",)), Rule(("token",), ("!renew",)))
        first.call(first.admin, RoleService.create, first.node.roles, Role("no.renewal", rules))
        with pytest.raises(RoleDeniedError):
            renew(first, first.token("alice", roles=("no.renewal",)))

    def test_a_list_shows_others_to_storage_administrators_only(self, first, clock):
        alice = first.token("alice", roles=("system.view",))
        revoke(first, first.token("alice"))
        revoke(first, first.admin, subject="bob")
        clock.advance(1)
        assert {record.value for record in listed(first, first.admin)} >= {"bob"}
        assert [record.revoked_by for record in listed(first, alice)] == ["alice"]
        with pytest.raises(RoleDeniedError):
            listed(first, first.token("alice"))


class TestStorageIsAway:
    def test_what_is_known_counts_for_seconds_and_then_nothing_does(self, first, storage, clock):
        token = first.token("alice")
        assert reason(first, token) == ""
        storage.away = True
        clock.advance(BLIND_SECONDS - 0.1)
        assert verified(first, token) == "alice"
        clock.advance(0.1)
        assert verified(first, token) == "revocations_unavailable"
        storage.away = False
        clock.advance(LOOK_SECONDS)
        assert verified(first, token) == "alice"

    def test_a_node_that_never_saw_them_believes_nobody(self, first, storage):
        storage.away = True
        assert verified(first, first.token("alice")) == "revocations_unavailable"

    def test_it_is_not_asked_for_every_token(self, first, storage, clock):
        token = first.token("alice")
        verified(first, token)
        before = storage.caught_up
        for _ in range(100):
            assert verified(first, token) == "alice"
        assert storage.caught_up == before
        pass_by(clock)
        for _ in range(100):
            verified(first, token)
        assert storage.caught_up == before + 1

    def test_others_do_not_wait_while_one_looks(self, first, storage, clock):
        token = first.token("alice")
        verified(first, token)
        looking, go_on = threading.Event(), threading.Event()
        catch_up = storage.catch_up

        def slow():
            looking.set()
            assert go_on.wait(60)
            catch_up()

        storage.catch_up = slow
        pass_by(clock)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(verified(first, token)))
        thread.start()
        assert looking.wait(60)
        assert verified(first, token) == "alice"
        go_on.set()
        thread.join(60)
        assert answers == ["alice"]


def verified(made, token):
    """Return whose token it is or why not, without asking storage for roles."""
    try:
        return made.node._gate._verifier.verify(token).name
    except (UnauthenticatedError, UnavailableError) as error:
        return error.reason


class TestBook:
    def record(self, clock, value, *, kind=RevocationKind.TOKEN, issuer="test", life=HOUR):
        now = int(clock.now())
        return RevocationRecord(
            kind=kind,
            issuer=issuer,
            value=value,
            issued_until=now,
            ends_at=now + life,
            revoked_at=now,
            revoked_by="admin",
        )

    def test_what_is_revoked_twice_is_kept_once_and_never_made_narrower(self, storage, clock):
        book = RevocationBook(storage)
        early = self.record(clock, "alice", kind=RevocationKind.SUBJECT)
        clock.advance(10)
        late = self.record(clock, "alice", kind=RevocationKind.SUBJECT)
        book.add(late)
        assert book.add(early).issued_until == late.issued_until
        assert len(book.records()) == 1
        assert book.load()[1].subjects == {("test", "alice"): late.issued_until}

    def test_what_has_ended_is_removed_later_on(self, storage, clock):
        book = RevocationBook(storage)
        for number in range(MAX_TIDIED + 10):
            book.add(self.record(clock, f"t{number}"))
        keeps = self.record(clock, "keeps", life=10 * HOUR)
        book.add(keeps)
        clock.advance(HOUR + TIDY_SECONDS)
        book.add(self.record(clock, "new"))
        left = {record.value for record in book.records()}
        assert len(left) == 12
        assert {"keeps", "new"} <= left

    def test_there_are_only_so_many_and_a_cut_off_makes_room(self, storage, clock):
        book = RevocationBook(storage, max_revocations=3)
        for number in range(3):
            book.add(self.record(clock, f"t{number}"))
        book.add(self.record(clock, "t1"))  # again
        with pytest.raises(LimitReachedError, match="up to now"):
            book.add(self.record(clock, "t3"))
        book.add(self.record(clock, "", kind=RevocationKind.ISSUER, issuer="test"))
        assert [record.kind for record in book.records()] == [RevocationKind.ISSUER]
        book.add(self.record(clock, "t3"))

    def test_half_of_the_room_is_for_administrators(self, storage, clock):
        book = RevocationBook(storage, max_revocations=4)
        for number in range(2):
            book.add(self.record(clock, f"own{number}"), by_administrator=False)
        with pytest.raises(LimitReachedError):
            book.add(self.record(clock, "own2"), by_administrator=False)
        book.add(self.record(clock, "mallory", kind=RevocationKind.SUBJECT))

    def test_a_cut_off_of_another_issuer_makes_none(self, storage, clock):
        book = RevocationBook(storage)
        book.add(self.record(clock, "t1"))
        book.add(self.record(clock, "", kind=RevocationKind.ISSUER, issuer="public"))
        assert len(book.records()) == 2

    def test_a_record_that_cannot_be_read_lets_nobody_in(self, first, storage, clock):
        token = first.token("alice")
        revoke(first, token)
        (record,) = RevocationBook(storage).records()
        storage.write(lambda transaction: transaction.put(record.key, b"\x93nonsense"))
        state = RevocationState(number=99, count=1)
        storage.write(lambda transaction: transaction.put(STATE, encode(state)))
        pass_by(clock)
        with pytest.raises(Exception, match="cannot be read"):
            who(first, first.token("bob"))

    def test_a_revocation_is_kept_until_all_that_it_covers_has_expired(self, first, clock):
        limits = TokenLimits()
        record = revoke(first, first.admin, subject="alice")
        assert record.ends_at >= int(clock.now()) + limits.max_lifetime_seconds


class TestRenewal:
    def test_a_renewed_token_is_the_same_but_for_its_id_and_times(self, first, clock):
        old = first.token("alice", groups=("dev",))
        before = who(first, old)
        clock.advance(600)
        renewed = renew(first, old)
        after = who(first, renewed.token)

        assert (after.name, after.subject, after.issuer) == (before.name, before.subject, before.issuer)
        assert (after.roles, after.groups, after.email) == (before.roles, before.groups, before.email)
        assert after.token_id.startswith(before.token_id + "~")
        assert renewed.expires_at == after.expires_at == before.expires_at + 600
        assert after.begun_at == before.issued_at
        assert reason(first, old) == ""

    def test_every_node_believes_it(self, first, second):
        assert reason(second, renew(first, first.token("alice")).token) == ""

    def test_a_renewed_token_can_be_renewed_and_stays_of_one_family(self, first, clock):
        token = first.token("alice")
        family = who(first, token).token_id
        for _ in range(5):
            clock.advance(1800)
            token = renew(first, token).token
            assert who(first, token).token_id.count("~") == 1
            assert who(first, token).token_id.startswith(family)

    def test_an_expired_one_is_too_late(self, first, clock):
        token = first.token("alice")
        clock.advance(HOUR)
        with pytest.raises(UnauthenticatedError) as refusal:
            renew(first, token)
        assert refusal.value.reason == "expired"

    def test_it_ends_with_what_takes_back_the_first(self, first, clock):
        for take_back in ("first", "renewed", "subject", "issuer"):
            old = first.token("alice")
            clock.advance(100)
            new = renew(first, old).token
            newer = renew(first, new).token
            clock.advance(1)
            admin = first.admin
            if take_back == "first":
                revoke(first, admin, token_id=who(first, old).token_id)
            elif take_back == "renewed":
                revoke(first, admin, token_id=who(first, new).token_id)
            elif take_back == "subject":
                revoke(first, admin, subject="alice", issued_until=int(clock.now()) - 50)
            else:
                revoke(first, admin, everything=True, issued_until=int(clock.now()) - 50)
            assert [reason(first, token) for token in (old, new, newer)] == ["revoked"] * 3, take_back
            assert reason(first, admin) == ""

    def test_it_ends_with_the_key_that_signed_the_first(self, tmp_path, storage, clock):
        """A secret that leaked is exchanged: what its holder had renewed meanwhile goes with it."""
        new_key = SharedSecretKey(SecretBytes(b"n" * 32))
        made = node(tmp_path / "rotating", storage, clock)
        verifier = made.verifier
        both = Issuer(name="test", keys=(new_key, KEY), renews=True)
        verifier.trust(issuers=IssuerRegistry([both]))
        old = made.token("alice")
        renewed = renew(made, old).token
        assert reason(made, renewed) == ""
        verifier.trust(issuers=IssuerRegistry([Issuer(name="test", keys=(new_key,), renews=True)]))
        assert [reason(made, token) for token in (old, renewed)] == ["bad_signature"] * 2

    def test_there_is_an_end_to_it(self, tmp_path, storage, clock):
        limits = TokenLimits(max_renewal_seconds=2 * HOUR)
        made = node(tmp_path / "capped", storage, clock, token_limits=limits)
        token = made.token("alice")
        begun = who(made, token).issued_at
        clock.advance(1800)
        token = renew(made, token).token
        clock.advance(3000)
        last = renew(made, token)
        assert last.expires_at == begun + 2 * HOUR
        with pytest.raises(RenewalEndedError):
            renew(made, last.token)

    def test_it_never_lives_longer_than_the_one_before(self, first, clock):
        token = first.token("alice", lifetime=600)
        now = int(clock.now())
        assert renew(first, token, lifetime_seconds=60).expires_at == now + 60
        assert renew(first, token, lifetime_seconds=10 * HOUR).expires_at == now + 600
        short = renew(first, token, lifetime_seconds=60).token
        assert renew(first, short, lifetime_seconds=600).expires_at == now + 60

    def test_tokens_of_a_public_key_are_renewed_where_they_are_made(self, first, clock):
        with pytest.raises(NotRenewableError, match="renew it there"):
            renew(first, public_token(clock))

    def test_it_can_be_switched_off(self, tmp_path, storage, clock):
        made = node(tmp_path / "never", storage, clock, token_limits=TokenLimits(max_renewal_seconds=0))
        with pytest.raises(NotRenewableError):
            renew(made, made.token("alice"))

    def test_a_claim_of_ours_in_a_foreign_token_can_only_make_it_older(self, first, clock):
        now = int(clock.now())
        claims = {"iss": "test", "sub": "x", "name": "", "email": "", "iat": now, "exp": now + 60, "jti": "j"}
        claims |= {"roles": ["system.user"], "orig_iat": now + 10_000}
        assert who(first, write_compact(claims, KEY)).begun_at == now

    def test_an_id_that_leaves_no_room_is_refused(self, first, clock):
        now = int(clock.now())
        claims = {"iss": "test", "sub": "x", "name": "", "email": "", "iat": now, "exp": now + 60}
        token = write_compact(claims | {"jti": "j" * 1000, "roles": ["system.user"]}, KEY)
        with pytest.raises(ConflictError, match="too long"):
            renew(first, token)


def public_token(clock):
    now = int(clock.now())
    claims = {"iss": "public", "sub": "pat", "name": "", "email": "", "roles": ["system.user"]}
    return write_compact(claims | {"iat": now, "exp": now + HOUR, "jti": "p1"}, PUBLIC)


def test_a_renewal_leaves_no_token_in_the_audit_log(first):
    token = first.token("alice")
    renewed = renew(first, token).token
    assert first.sink.lines[-1]["reason"] == "token renewed"
    text = str(first.sink.lines)
    assert renewed not in text
    assert base64url(KEY.fingerprint) not in text
