"""The promises of the verifier: who is believed, who is refused, and for which reason."""

import base64
import hmac
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.tokens.conftest import ISSUER, NOW, Forge
from tests.unit.tokens.test_compact import VECTOR

from holdfast.clock import ManualClock
from holdfast.model import Principal, SecretBytes
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.errors import TokenError
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.revocation import Revocations
from holdfast.tokens.rsa_key import RsaSigningKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

OTHER_SECRET = SharedSecretKey(SecretBytes(b"another secret of thirty-two byt"))
LEFT_OUT = object()


def reason_for(verifier: Verifier, token: str) -> str:
    with pytest.raises(TokenError) as refusal:
        verifier.verify(token)
    return refusal.value.reason


def verifier_for(clock: ManualClock, *keys, **options) -> Verifier:
    return Verifier(IssuerRegistry([Issuer(name=ISSUER, keys=keys, **options)]), clock=clock)


def changed(claims: dict, **changes) -> dict:
    return {name: value for name, value in {**claims, **changes}.items() if value is not LEFT_OUT}


def test_a_good_token_becomes_its_principal(
    verifier: Verifier, forge: Forge, claims: dict, secret: SharedSecretKey
):
    assert verifier.verify(forge.token(claims)) == Principal(
        name="alice",
        subject="alice",
        issuer=ISSUER,
        display_name="Alice",
        email="alice@example.com",
        roles=("system.user",),
        groups=("dev",),
        token_id="token-1",
        expires_at=NOW + 3600,
        issued_at=NOW - 10,
        begun_at=NOW - 10,
        signed_with=secret.fingerprint,
    )
    assert "signed_with" not in repr(verifier.verify(forge.token(claims)))


def test_the_published_vector_verifies(clock: ManualClock):
    key = SharedSecretKey(SecretBytes(b"holdfast-test-secret"), allow_short_shared_secret=True)

    principal = verifier_for(clock, key).verify(VECTOR)

    assert (principal.name, principal.roles, principal.groups) == ("alice", ("system.user",), ("dev",))


class TestSignature:
    def test_a_token_of_another_secret_is_forged(self, verifier: Verifier, claims: dict):
        assert reason_for(verifier, Forge(OTHER_SECRET).token(claims)) == "bad_signature"

    def test_a_forged_token_is_not_told_that_it_is_expired(self, verifier: Verifier, claims: dict):
        assert reason_for(verifier, Forge(OTHER_SECRET).token(changed(claims, exp=0))) == "bad_signature"

    def test_claims_cannot_be_exchanged(self, verifier: Verifier, forge: Forge, claims: dict):
        header, _, signature = forge.token(claims).split(".")
        _, payload, _ = forge.token(changed(claims, roles=["system.admin"])).split(".")

        assert reason_for(verifier, f"{header}.{payload}.{signature}") == "bad_signature"

    @given(data=st.data())
    @settings(suppress_health_check=list(HealthCheck))
    def test_a_change_of_any_byte_is_refused(self, data, verifier: Verifier, forge: Forge, claims: dict):
        token = bytearray(forge.token(claims).encode())
        position = data.draw(st.integers(0, len(token) - 1))
        token[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != token[position]))

        with pytest.raises(TokenError):
            verifier.verify(bytes(token))

    @given(data=st.data())
    @settings(suppress_health_check=list(HealthCheck))
    def test_a_part_of_a_token_is_refused(self, data, verifier: Verifier, forge: Forge, claims: dict):
        token = forge.token(claims)
        start, end = sorted(data.draw(st.tuples(st.integers(0, len(token)), st.integers(0, len(token)))))
        if (start, end) != (0, len(token)):
            with pytest.raises(TokenError):
                verifier.verify(token[start:end])

    def test_an_unsigned_token_is_refused(self, verifier: Verifier, forge: Forge, claims: dict):
        signed, _, _ = forge.token(claims, {"alg": "none", "typ": "JWT"}).rpartition(".")

        assert reason_for(verifier, f"{signed}.") == "unsupported_algorithm"

    @pytest.mark.parametrize("family", [RsaSigningKey, EcSigningKey])
    def test_a_public_key_is_never_taken_for_a_secret(self, family, clock: ManualClock, claims: dict):
        published = family.generate().verifying_key()
        for secret in (published.pem(), published.pem().strip(), _der(published.pem())):
            token = Forge(_RawHmac(secret)).token(claims)

            assert reason_for(verifier_for(clock, published), token) == "unsupported_algorithm"

    def test_a_header_cannot_choose_another_hash(self, verifier: Verifier, forge: Forge, claims: dict):
        token = forge.token(claims, {"alg": "HS512", "typ": "JWT"})

        assert reason_for(verifier, token) == "unsupported_algorithm"

    def test_configuration_narrows_the_algorithms(self, clock: ManualClock, claims: dict):
        key = SharedSecretKey(SecretBytes(b"s" * 64))
        narrow = verifier_for(clock, key, algorithms=frozenset({Algorithm.HS512}))

        assert reason_for(narrow, Forge(key).token(claims)) == "unsupported_algorithm"

    def test_one_issuer_may_hold_a_key_of_every_family(self, clock: ManualClock, claims: dict):
        signing = (OTHER_SECRET, RsaSigningKey.generate(), EcSigningKey.generate())
        verifier = verifier_for(clock, OTHER_SECRET, signing[1].verifying_key(), signing[2].verifying_key())

        for key in signing:
            assert verifier.verify(Forge(key).token(claims)).name == "alice"


class _RawHmac:
    """What the classic attack uses: the bytes of a public key as an HMAC secret."""

    signing_algorithm = Algorithm.HS256
    key_id = ""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.secret, message, "sha256")


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


class TestIssuer:
    @pytest.mark.parametrize(
        ("issuer", "reason"),
        [
            pytest.param(LEFT_OUT, "missing_claim", id="missing"),
            pytest.param("", "missing_claim", id="empty"),
            pytest.param(None, "missing_claim", id="null"),
            pytest.param(1, "missing_claim", id="number"),
            pytest.param([ISSUER], "missing_claim", id="list"),
            pytest.param("someone.else", "unknown_issuer", id="another"),
            pytest.param(ISSUER.upper(), "unknown_issuer", id="capitals"),
            pytest.param(ISSUER + " ", "unknown_issuer", id="trailing-blank"),
            pytest.param(ISSUER + "/", "unknown_issuer", id="trailing-slash"),
            pytest.param("x" * 4000, "unknown_issuer", id="huge"),
        ],
    )
    def test_the_issuer_is_matched_exactly(self, issuer, reason, verifier, forge, claims):
        assert reason_for(verifier, forge.token(changed(claims, iss=issuer))) == reason

    def test_a_key_counts_for_its_own_issuer_only(self, secret, clock, claims):
        verifier = Verifier(
            IssuerRegistry(
                [Issuer(name=ISSUER, keys=(secret,)), Issuer(name="apps.example", keys=(OTHER_SECRET,))]
            ),
            clock=clock,
        )

        assert verifier.verify(Forge(OTHER_SECRET).token(changed(claims, iss="apps.example")))
        assert reason_for(verifier, Forge(OTHER_SECRET).token(claims)) == "bad_signature"

    def test_without_issuers_every_token_is_refused(self, forge, clock, claims):
        assert reason_for(Verifier(IssuerRegistry(), clock=clock), forge.token(claims)) == "unknown_issuer"


class TestClaims:
    @pytest.mark.parametrize("name", ["sub", "exp", "iat", "name", "email"])
    def test_required_claims_are_required(self, name, verifier, forge, claims):
        assert reason_for(verifier, forge.token(changed(claims, **{name: LEFT_OUT}))) == "missing_claim"

    @pytest.mark.parametrize("nothing", [LEFT_OUT, None, []], ids=["left-out", "null", "empty-list"])
    def test_roles_and_groups_that_are_not_there_grant_nothing(self, nothing, verifier, forge, claims):
        principal = verifier.verify(forge.token(changed(claims, roles=nothing, groups=nothing)))

        assert (principal.roles, principal.groups) == ((), ())

    @pytest.mark.parametrize("nothing", [None, ""], ids=["null", "empty"])
    def test_texts_beside_the_user_name_may_be_empty(self, nothing, verifier, forge, claims):
        principal = verifier.verify(forge.token(changed(claims, name=nothing, email=nothing)))

        assert (principal.name, principal.display_name, principal.email) == ("alice", "", "")

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"sub": 7}, id="number-for-sub"),
            pytest.param({"name": ["Alice"]}, id="list-for-name"),
            pytest.param({"email": {}}, id="object-for-email"),
            pytest.param({"roles": "system.admin"}, id="text-for-roles"),
            pytest.param({"roles": ["system.user", 7]}, id="number-among-roles"),
            pytest.param({"roles": [None]}, id="null-among-roles"),
            pytest.param({"groups": {"*": True}}, id="object-for-groups"),
            pytest.param({"groups": ["g"] * 257}, id="too-many-groups"),
            pytest.param({"exp": str(NOW + 60)}, id="text-for-exp"),
            pytest.param({"exp": True}, id="boolean-for-exp"),
            pytest.param({"exp": None}, id="null-for-exp"),
            pytest.param({"exp": [NOW + 60]}, id="list-for-exp"),
            pytest.param({"exp": 2**53}, id="exp-beyond-all-clocks"),
            pytest.param({"exp": 1e300}, id="exp-beyond-all-clocks-as-a-fraction"),
            pytest.param({"exp": -1}, id="negative-exp"),
            pytest.param({"iat": "now"}, id="text-for-iat"),
            pytest.param({"iat": None}, id="null-for-iat"),
            pytest.param({"nbf": None}, id="null-for-nbf"),
            pytest.param({"nbf": "0"}, id="text-for-nbf"),
            pytest.param({"aud": None}, id="null-for-aud"),
            pytest.param({"jti": 5}, id="number-for-jti"),
            pytest.param({"sub": "x" * 1025}, id="huge-sub"),
            pytest.param({"sub": "alice\n"}, id="newline-in-the-user-name"),
            pytest.param({"sub": " alice"}, id="blank-before-the-user-name"),
            pytest.param({"sub": "al\u202eice"}, id="bidi-mark-in-the-user-name"),
            pytest.param({"sub": "al\u200bice"}, id="invisible-character-in-the-user-name"),
        ],
    )
    def test_a_claim_of_the_wrong_kind_is_refused(self, changes, verifier, forge, claims):
        assert reason_for(verifier, forge.token(changed(claims, **changes))) == "invalid_claim"

    def test_a_refusal_names_the_claim_and_not_its_value(self, verifier, forge, claims):
        with pytest.raises(TokenError, match=r"\$\.roles\[1\]") as refusal:
            verifier.verify(forge.token(changed(claims, roles=["canary-role", 12345])))

        assert "canary" not in str(refusal.value)
        assert "12345" not in str(refusal.value)

    def test_a_claim_nobody_listed_has_no_effect(self, verifier, forge, claims):
        plain = verifier.verify(forge.token(claims))

        assert verifier.verify(forge.token(changed(claims, role="system.admin", admin=True))) == plain

    @pytest.mark.parametrize(
        ("claim", "name"),
        [
            (UserNameClaim.SUB, "alice"),
            (UserNameClaim.EMAIL, "alice@example.com"),
            (UserNameClaim.NAME, "Alice"),
        ],
    )
    def test_the_configured_claim_becomes_the_user_name(self, claim, name, secret, clock, claims):
        verifier = verifier_for(clock, secret, user_name_claim=claim)

        assert verifier.verify(Forge(secret).token(claims)).name == name
        for empty in ("", None):
            token = Forge(secret).token(changed(claims, **{claim.value: empty}))
            assert reason_for(verifier, token) == "missing_claim"

    @pytest.mark.parametrize("said", [False, "false", None, 1, 0, "", [True]])
    def test_an_address_that_nobody_verified_is_no_user_name(self, said, secret, clock, claims):
        by_email = verifier_for(clock, secret, user_name_claim=UserNameClaim.EMAIL)
        by_subject = verifier_for(clock, secret)
        token = Forge(secret).token(changed(claims, email_verified=said))

        assert reason_for(by_email, token) == "invalid_claim"
        assert by_subject.verify(token).name == "alice"
        for good in (True, "true"):
            token = Forge(secret).token(changed(claims, email_verified=good))
            assert by_email.verify(token).name == "alice@example.com"


class TestTime:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            pytest.param({"exp": NOW}, "expired", id="at-its-end"),
            pytest.param({"exp": NOW - 1}, "expired", id="past-its-end"),
            pytest.param({"exp": NOW + 0.5}, None, id="half-a-second-left"),
            pytest.param({"exp": NOW + 1}, None, id="one-second-left"),
            pytest.param({"exp": 0}, "expired", id="zero-is-not-forever"),
            pytest.param({"exp": 0, "iat": 0}, "expired", id="all-zero"),
            pytest.param({"iat": 0}, None, id="issued-long-ago"),
            pytest.param({"iat": NOW}, None, id="issued-now"),
            pytest.param({"iat": NOW + 1}, "not_yet_valid", id="issued-in-the-future"),
            pytest.param({"nbf": NOW}, None, id="valid-from-now"),
            pytest.param({"nbf": NOW + 1}, "not_yet_valid", id="valid-from-later"),
            pytest.param({"nbf": 0}, None, id="valid-from-ever"),
            pytest.param({"nbf": 0, "iat": NOW + 1}, "not_yet_valid", id="nbf-does-not-excuse-iat"),
            pytest.param({"iat": NOW + 5, "exp": NOW - 5}, "expired", id="ends-before-it-begins"),
        ],
    )
    def test_own_tokens_have_no_leeway(self, changes, reason, verifier, forge, claims):
        token = forge.token(changed(claims, **changes))
        if reason is None:
            assert verifier.verify(token).name == "alice"
        else:
            assert reason_for(verifier, token) == reason

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            pytest.param({"exp": NOW - 29}, None, id="within-after-the-end"),
            pytest.param({"exp": NOW - 30}, "expired", id="beyond-after-the-end"),
            pytest.param({"iat": NOW + 30}, None, id="within-before-the-start"),
            pytest.param({"iat": NOW + 31}, "not_yet_valid", id="beyond-before-the-start"),
            pytest.param({"exp": 0}, "expired", id="zero"),
        ],
    )
    def test_leeway_reaches_as_far_as_configured(self, changes, reason, secret, clock, claims):
        verifier = verifier_for(clock, secret, clock_skew_seconds=30)
        token = Forge(secret).token(changed(claims, **changes))
        for _ in range(2):  # the second time from memory, if it were remembered
            if reason is None:
                assert verifier.verify(token).name == "alice"
            else:
                assert reason_for(verifier, token) == reason

    @pytest.mark.parametrize(("lifetime", "accepted"), [(3600, True), (3601, False)])
    def test_a_lifetime_may_be_capped(self, lifetime, accepted, secret, clock, claims):
        verifier = verifier_for(clock, secret, max_lifetime_seconds=3600)
        token = Forge(secret).token(changed(claims, iat=NOW, exp=NOW + lifetime))
        if accepted:
            assert verifier.verify(token).name == "alice"
        else:
            assert reason_for(verifier, token) == "lifetime_too_long"

    def test_a_remembered_token_still_expires(self, verifier, forge, clock, claims):
        token = forge.token(changed(claims, exp=NOW + 60))
        verifier.verify(token)
        clock.advance(59)
        verifier.verify(token)
        clock.advance(1)

        assert reason_for(verifier, token) == "expired"


class TestAudience:
    @pytest.mark.parametrize(
        ("expected", "audience", "accepted"),
        [
            pytest.param("", LEFT_OUT, True, id="none-expected-none-named"),
            pytest.param("", "node", False, id="named-but-none-expected"),
            pytest.param("", "", False, id="empty-but-none-expected"),
            pytest.param("", [], False, id="empty-list-but-none-expected"),
            pytest.param("node", "node", True, id="text"),
            pytest.param("node", ["other", "node"], True, id="one-of-a-list"),
            pytest.param("node", LEFT_OUT, False, id="expected-but-missing"),
            pytest.param("node", "other", False, id="another"),
            pytest.param("node", ["other"], False, id="list-of-others"),
            pytest.param("node", [], False, id="empty-list"),
            pytest.param("node", "Node", False, id="capitals"),
            pytest.param("node", "nodes", False, id="longer"),
        ],
    )
    def test_the_audience_must_be_us(self, expected, audience, accepted, secret, clock, claims):
        verifier = verifier_for(clock, secret, audience=expected)
        token = Forge(secret).token(changed(claims, aud=audience))
        if accepted:
            assert verifier.verify(token).name == "alice"
        else:
            assert reason_for(verifier, token) == "wrong_audience"


class TestKeyChange:
    old = SharedSecretKey(SecretBytes(b"old secret" * 4), key_id="old")
    new = SharedSecretKey(SecretBytes(b"new secret" * 4), key_id="new")

    def token(self, key, claims, key_id=None) -> str:
        header = {"alg": "HS256", "typ": "JWT"}
        return Forge(key).token(claims, header if key_id is None else {**header, "kid": key_id})

    def test_old_and_new_key_count_side_by_side(self, clock, claims):
        verifier = verifier_for(clock, self.new, self.old)

        assert verifier.verify(self.token(self.old, claims, "old"))
        assert verifier.verify(self.token(self.new, claims, "new"))

    def test_a_token_without_key_id_may_be_of_any_key(self, clock, claims):
        verifier = verifier_for(clock, self.new, self.old)

        assert verifier.verify(self.token(self.old, claims))

    def test_a_key_id_selects_exactly_its_key(self, clock, claims):
        verifier = verifier_for(clock, self.new, self.old)

        assert reason_for(verifier, self.token(self.old, claims, "new")) == "bad_signature"

    @pytest.mark.parametrize("key_id", ["third", "OLD", "old ", "../old", "o" * 4000])
    def test_an_unknown_key_id_is_refused(self, key_id, clock, claims):
        verifier = verifier_for(clock, self.new, self.old)

        assert reason_for(verifier, self.token(self.old, claims, key_id)) == "unknown_key"

    def test_dropping_a_key_ends_its_tokens_at_once(self, clock, claims):
        verifier = verifier_for(clock, self.new, self.old)
        token = self.token(self.old, claims, "old")
        verifier.verify(token)

        verifier.trust(issuers=IssuerRegistry([Issuer(name=ISSUER, keys=(self.new,))]))

        assert reason_for(verifier, token) == "unknown_key"


class TestRevocation:
    def test_a_remembered_token_is_revoked_at_once(self, verifier, forge, claims):
        token = forge.token(claims)
        verifier.verify(token)

        verifier.trust(revocations=Revocations().with_token(ISSUER, "token-1"))

        assert reason_for(verifier, token) == "revoked"

    def test_changing_the_issuers_keeps_what_was_revoked(self, verifier, forge, issuers, claims):
        verifier.trust(revocations=Revocations().with_token(ISSUER, "token-1"))
        verifier.trust(issuers=issuers)

        assert reason_for(verifier, forge.token(claims)) == "revoked"

    def test_changing_the_revocations_keeps_the_issuers(self, verifier, forge, claims):
        verifier.trust(revocations=Revocations().with_token(ISSUER, "another"))

        assert verifier.verify(forge.token(claims)).name == "alice"

    def test_a_verification_under_way_cannot_outlast_a_revocation(self, issuers, forge, claims):
        """The clock stops the verification half-way, in which time its token is revoked."""
        token = forge.token(claims)
        started, revoked = threading.Event(), threading.Event()

        class StoppingClock(ManualClock):
            def now(self) -> float:
                if threading.current_thread() is slow:
                    started.set()
                    revoked.wait(60)
                return super().now()

        verifier = Verifier(issuers, clock=StoppingClock(NOW))
        slow = threading.Thread(target=verifier.verify, args=(token,))
        slow.start()
        assert started.wait(60)
        verifier.trust(revocations=Revocations().with_token(ISSUER, "token-1"))
        revoked.set()
        slow.join(60)

        assert not slow.is_alive()
        assert reason_for(verifier, token) == "revoked"


@pytest.mark.parametrize("remembered", [0, 1, 100])
def test_the_size_of_the_memory_changes_no_answer(remembered, issuers, forge, clock, claims):
    verifier = Verifier(issuers, clock=clock, remembered_tokens=remembered)
    tokens = [forge.token(changed(claims, sub=f"user-{number}")) for number in range(5)]

    for _ in range(3):
        assert [verifier.verify(token).name for token in tokens] == [f"user-{n}" for n in range(5)]


def test_many_threads_get_the_right_principal(issuers, forge, clock, claims):
    verifier = Verifier(issuers, clock=clock, remembered_tokens=3)
    tokens = {f"user-{n}": forge.token(changed(claims, sub=f"user-{n}")) for n in range(8)}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(50):
            wrong.extend(name for name, token in tokens.items() if verifier.verify(token).name != name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_errors_never_repeat_a_token(verifier, claims):
    token = Forge(OTHER_SECRET).token(changed(claims, sub="canary-subject"))

    with pytest.raises(TokenError) as refusal:
        verifier.verify(token)

    shown = f"{refusal.value!r} {refusal.value} {refusal.value.detail}"
    assert "canary" not in shown
    assert not any(segment in shown for segment in token.split("."))
