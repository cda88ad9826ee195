"""Whose tokens a node believes: every spelling of each setting, several keys at once, no dangerous ones."""

import json
from pathlib import Path

import pytest
from tests.support.certificates import TestAuthority
from tests.support.provider import as_jwk, rsa_key

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.noded.authentication import APPS_ISSUER, DEFAULT_ISSUER, STORK_ISSUER, Authentication
from holdfast.noded.options import NodeOptions
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.errors import TokenError
from holdfast.tokens.generate import generate_token
from holdfast.tokens.key_files import load_named_signing_key, load_verifying_keys
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User
from holdfast.tokens.verify import Verifier

CLUSTER = "cluster-1"
USERS, OLD, SYSTEM, STORK, APPS = (letter * 40 for letter in "uosta")
EC = EcSigningKey.generate()


def authentication(environment=None, /, **options) -> Authentication:
    return Authentication(NodeOptions(**options), environment or {}, cluster_id=CLUSTER)


def names(*arguments, **options):
    return [issuer.name for issuer in authentication(*arguments, **options).read()]


def secret(text: str) -> SharedSecretKey:
    return SharedSecretKey(SecretBytes(text.encode()))


def token(key, issuer=DEFAULT_ISSUER, clock=None):
    user = User(name="Ann", sub="ann", email="ann@example.com", roles=("system.user",))
    now = (clock or ManualClock()).now()
    return generate_token(user, issuer=issuer, key=key, issued_at=now, lifetime_seconds=600)


def answer(auth: Authentication, text: str, clock=None) -> str:
    try:
        return Verifier(auth.read(), clock=clock or ManualClock()).verify(text).name
    except TokenError as error:
        return error.reason


@pytest.mark.parametrize(
    "variable",
    [
        "PORTWORX_AUTH_JWT_SHAREDSECRET",
        "HOLDFAST_AUTH_JWT_SHAREDSECRET",
        "OPENSTORAGE_AUTH_SHAREDSECRET",
        "OPENSTORAGE_AUTH_JWT_SHAREDSECRET",
    ],
)
def test_each_name_of_the_shared_secret_counts(variable):
    assert answer(authentication({variable: USERS}), token(secret(USERS))) == "ann"


def test_of_several_names_ours_counts_before_the_product_s_and_that_before_the_server_s():
    environment = {
        "OPENSTORAGE_AUTH_SHAREDSECRET": OLD,
        "PORTWORX_AUTH_JWT_SHAREDSECRET": APPS,
        "HOLDFAST_AUTH_JWT_SHAREDSECRET": USERS,
    }
    assert answer(authentication(environment), token(secret(USERS))) == "ann"
    del environment["HOLDFAST_AUTH_JWT_SHAREDSECRET"]
    assert answer(authentication(environment), token(secret(APPS))) == "ann"


@pytest.mark.parametrize(
    ("environment", "options", "name"),
    [
        pytest.param({}, {}, DEFAULT_ISSUER, id="default"),
        pytest.param({"PORTWORX_AUTH_JWT_ISSUER": "of.env"}, {}, "of.env", id="environment"),
        pytest.param({"PORTWORX_AUTH_JWT_ISSUER": "of.env"}, {"jwt_issuer": "of.arg"}, "of.arg", id="both"),
    ],
)
def test_the_name_of_the_users_issuer(environment, options, name):
    assert names({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, **environment}, **options) == [name]


def test_the_machinery_has_issuers_of_its_own():
    environment = {
        "PORTWORX_AUTH_JWT_SHAREDSECRET": USERS,
        "PORTWORX_AUTH_SYSTEM_KEY": SYSTEM,
        "PORTWORX_AUTH_STORK_KEY": STORK,
        "PORTWORX_AUTH_SYSTEM_APPS_KEY": APPS,
    }
    auth = authentication(environment)
    assert [issuer.name for issuer in auth.read()] == [DEFAULT_ISSUER, CLUSTER, STORK_ISSUER, APPS_ISSUER]
    for key, issuer in ((SYSTEM, CLUSTER), (STORK, STORK_ISSUER), (APPS, APPS_ISSUER)):
        assert answer(auth, token(secret(key), issuer)) == "ann"
        assert answer(auth, token(secret(key))) == "bad_signature"
        assert answer(auth, token(secret(USERS), issuer)) == "bad_signature"
        assert auth.read().select(issuer).signing_key(secret(key).fingerprint) is None
    assert auth.read().select(DEFAULT_ISSUER).signing_key(secret(USERS).fingerprint) is not None


def test_the_user_name_claim_is_for_users_only():
    environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, "PORTWORX_AUTH_SYSTEM_KEY": SYSTEM}
    auth = authentication(environment, username_claim="email")
    assert auth.rules.user_name_claim is UserNameClaim.EMAIL
    assert answer(auth, token(secret(USERS))) == "ann@example.com"
    assert answer(auth, token(secret(SYSTEM), CLUSTER)) == "ann"


@pytest.mark.parametrize(
    ("environment", "stork"),
    [
        pytest.param({"PX_SHARED_SECRET": STORK}, STORK, id="alone"),
        pytest.param({"PX_SHARED_SECRET": STORK, "PORTWORX_AUTH_STORK_KEY": STORK}, STORK, id="the same"),
        pytest.param({"PX_SHARED_SECRET": APPS, "PORTWORX_AUTH_SYSTEM_APPS_KEY": APPS}, "", id="the apps'"),
    ],
)
def test_stork_s_own_name_of_its_secret(environment, stork):
    auth = authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, **environment})
    expected = "ann" if stork else "unknown_issuer"
    assert answer(auth, token(secret(stork or STORK), STORK_ISSUER)) == expected


def test_a_secret_of_stork_that_is_another_than_the_node_s_is_told_at_the_start():
    environment = {"PX_SHARED_SECRET": "x" * 40, "PORTWORX_AUTH_STORK_KEY": STORK}
    with pytest.raises(InvalidInputError, match="PX_SHARED_SECRET"):
        authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, **environment})


class TestSeveralKeys:
    def test_secrets_from_a_file_are_read_again(self, tmp_path):
        file = tmp_path / "secrets"
        file.write_text(f"{OLD}\n")
        auth = authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET_FILE": str(file)})
        assert answer(auth, token(secret(OLD))) == "ann"
        file.write_text(f"{USERS}\r\n{OLD}\n\n")
        for each in (USERS, OLD):
            assert answer(auth, token(secret(each))) == "ann"
        file.write_text(USERS)
        assert answer(auth, token(secret(USERS))) == "ann"
        assert answer(auth, token(secret(OLD))) == "bad_signature"

    @pytest.mark.parametrize(
        ("content", "match"),
        [
            pytest.param("", "1 to 16 secrets", id="empty"),
            pytest.param("\n".join(f"{n:040}" for n in range(17)), "1 to 16 secrets", id="too many"),
            pytest.param("short\n", "at least 32 bytes", id="short"),
            pytest.param("-----BEGIN PUBLIC KEY-----\n", "not a PEM key", id="a public key"),
            pytest.param("non-secure-secret\n", "secret of your own", id="a published default"),
            pytest.param("x" * 70_000, "at most", id="oversized"),
        ],
    )
    def test_a_file_without_good_secrets_is_refused(self, content, match, tmp_path):
        file = tmp_path / "secrets"
        file.write_text(content)
        with pytest.raises(InvalidInputError, match=match) as refusal:
            authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET_FILE": str(file)}).read()
        assert refusal.value.message.startswith("PORTWORX_AUTH_JWT_SHAREDSECRET_FILE")

    def test_a_secret_and_a_file_at_once_are_refused(self, tmp_path):
        environment = {
            "PORTWORX_AUTH_JWT_SHAREDSECRET": USERS,
            "HOLDFAST_AUTH_JWT_SHAREDSECRET_FILE": str(tmp_path),
        }
        with pytest.raises(InvalidInputError, match="one of both"):
            authentication(environment)

    def test_public_keys_from_several_files_several_in_one_and_a_key_set(self, tmp_path):
        signers = [EcSigningKey.generate() for _ in range(3)] + [rsa_key("k1")]
        first, second, rsa, keys = (tmp_path / name for name in ("1.pem", "2.pem", "rsa.pem", "keys.json"))
        first.write_bytes(signers[0].verifying_key().pem() + signers[1].verifying_key().pem())
        second.write_bytes(signers[2].verifying_key().pem())
        rsa.write_bytes(signers[3].verifying_key().pem())
        published = EcSigningKey.generate(key_id="in-the-set")
        keys.write_text(json.dumps({"keys": [as_jwk(published)]}))
        auth = authentication(
            {"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS},
            jwt_ecds_pubkey_file=(str(first), str(second)),
            jwt_rsa_pubkey_file=(str(rsa),),
            jwt_keys_file=(str(keys),),
        )
        for signer in (*signers, published, secret(USERS)):
            assert answer(auth, token(signer)) == "ann"
        assert answer(auth, token(EcSigningKey.generate())) == "bad_signature"
        second.write_bytes(EC.verifying_key().pem())
        assert answer(auth, token(EC)) == "ann"
        assert answer(auth, token(signers[2])) == "bad_signature"

    def test_a_variable_of_the_reference_server_names_the_file_before_the_argument(self, tmp_path):
        wanted, other = tmp_path / "wanted.pem", tmp_path / "other.pem"
        wanted.write_bytes(EC.verifying_key().pem())
        other.write_bytes(EcSigningKey.generate().verifying_key().pem())
        environment = {"OPENSTORAGE_AUTH_ECDS_PUBKEY": str(wanted)}
        auth = authentication(environment, jwt_ecds_pubkey_file=(str(other),))
        assert answer(auth, token(EC)) == "ann"

    def test_a_key_s_id_is_its_thumbprint_on_both_sides(self, tmp_path):
        named = load_named_signing_key(EC.pem().reveal())
        (verifying,) = load_verifying_keys(EC.verifying_key().pem())
        assert named.key_id == verifying.key_id != ""
        file = tmp_path / "key.pem"
        file.write_bytes(EC.verifying_key().pem() + EcSigningKey.generate().verifying_key().pem())
        auth = authentication(jwt_ecds_pubkey_file=(str(file),))
        assert answer(auth, token(named)) == "ann"

    def test_ids_that_other_generators_give_their_keys_do_not_matter(self, tmp_path):
        file = tmp_path / "key.pem"
        file.write_bytes(EC.verifying_key().pem())
        auth = authentication(jwt_ecds_pubkey_file=(str(file),))
        named = load_named_signing_key(EC.pem().reveal(), key_id="key-of-2024")
        assert answer(auth, token(named)) == "ann"

    def test_of_a_chain_of_certificates_only_the_first_signs_tokens(self, tmp_path):
        authority = TestAuthority("an authority")
        certificate, key = map(Path, authority.issue(tmp_path, "issuer"))
        chain = tmp_path / "chain.pem"
        ca = Path(authority.write_authority(tmp_path / "ca.pem"))
        chain.write_bytes(certificate.read_bytes() + ca.read_bytes())
        (only,) = load_verifying_keys(chain.read_bytes())
        signer = load_named_signing_key(key.read_bytes())
        assert only.fingerprint == signer.verifying_key().fingerprint

    def test_half_a_key_at_the_end_of_a_file_is_not_overlooked(self):
        whole = EC.verifying_key().pem()
        with pytest.raises(InvalidInputError, match="whole keys"):
            load_verifying_keys(whole + whole[:60])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("PORTWORX_AUTH_JWT_SHAREDSECRET", "PORTWORX_AUTH_SYSTEM_KEY"),
        ("PORTWORX_AUTH_JWT_SHAREDSECRET", "PORTWORX_AUTH_STORK_KEY"),
        ("PORTWORX_AUTH_STORK_KEY", "PORTWORX_AUTH_SYSTEM_APPS_KEY"),
        ("PORTWORX_AUTH_SYSTEM_KEY", "PORTWORX_AUTH_SYSTEM_APPS_KEY"),
    ],
)
def test_equal_keys_are_refused(first, second):
    environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, first: APPS, second: APPS}
    with pytest.raises(InvalidInputError, match=f"^{first}, {second}: expected keys of its own"):
        authentication(environment).read()


@pytest.mark.parametrize(("argument", "other"), [("rsa", "ecds"), ("ecds", "rsa")])
def test_a_key_of_another_kind_than_its_argument_is_told_where_it_belongs(tmp_path, argument, other):
    path = tmp_path / "key.pem"
    key = EC if argument == "rsa" else rsa_key("k1")
    path.write_bytes(key.verifying_key().pem())
    with pytest.raises(
        InvalidInputError, match=f"^-jwt_{argument}_pubkey_file: .* -jwt_{other}_pubkey_file$"
    ):
        authentication(**{f"jwt_{argument}_pubkey_file": (str(path),)}).read()
    authentication(**{f"jwt_{other}_pubkey_file": (str(path),)}).read()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        pytest.param({"jwt_issuer": "https://issuer"}, "plain name", id="an issuer that is a URL"),
        pytest.param({"clock_leeway": "61"}, "0 to 60", id="leeway"),
        pytest.param({"clock_leeway": "-1"}, "0 to 60", id="negative leeway"),
        pytest.param({"clock_leeway": "1m"}, "0 to 60", id="leeway with a unit"),
        pytest.param({"max_token_lifetime": "0s"}, "at least one second", id="no lifetime"),
        pytest.param({"max_token_lifetime": "11y"}, "at most 10y", id="endless lifetime"),
        pytest.param({"max_token_lifetime": "1w"}, "--max-token-lifetime", id="weeks"),
        pytest.param({"max_token_renewal": "soon"}, "--max-token-renewal", id="renewal"),
        pytest.param({"oidc_issuer": "https://p"}, "expected both", id="no client"),
        pytest.param({"oidc_client_id": "c"}, "expected both", id="no provider"),
        pytest.param({"oidc_custom_claim_namespace": "x/"}, "with the other", id="only a namespace"),
        pytest.param(
            {"oidc_issuer": "http://provider.example", "oidc_client_id": "c"}, "loopback", id="in clear"
        ),
        pytest.param(
            {"oidc_issuer": "https://p", "oidc_client_id": "c", "oidc_ca_file": "/none"},
            "cannot be read",
            id="no authority",
        ),
        pytest.param({"oidc_skip_client_id_check": True}, "refused", id="any client"),
        pytest.param({"jwt_shared_secret": "canary"}, "seen by every user", id="a secret as argument"),
        pytest.param({"jwt_system_shared_secret": "canary"}, "SYSTEM_KEY", id="another"),
    ],
)
def test_what_cannot_be_right_is_told_at_the_start(options, match):
    with pytest.raises(InvalidInputError, match=match) as refusal:
        authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS}, **options)
    assert "canary" not in refusal.value.message


def test_one_leeway_and_one_longest_lifetime_for_every_issuer():
    environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, "PORTWORX_AUTH_SYSTEM_KEY": SYSTEM}
    auth = authentication(
        environment,
        clock_leeway="30",
        max_token_lifetime="8h",
        oidc_issuer="https://provider.example",
        oidc_client_id="c",
    )
    rules = {(issuer.clock_skew_seconds, issuer.max_lifetime_seconds) for issuer in auth.read()}
    assert rules == {(30, 8 * 3600)}
    assert len(list(auth.read())) == 3


def test_a_year_is_the_longest_unless_said_otherwise():
    (issuer,) = authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS}).read()
    assert (issuer.clock_skew_seconds, issuer.max_lifetime_seconds) == (0, 365 * 86_400)


def test_keys_of_a_provider_stay_known_when_files_are_read_again():
    auth = authentication(oidc_issuer="https://provider.example", oidc_client_id="c")
    (first,), (second,) = auth.read(), auth.read()
    assert first.published is second.published is not None
    assert (first.audience, first.renews) == ("c", False)


def test_nodes_know_each_other_by_tokens_of_minutes():
    environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS, "PORTWORX_AUTH_SYSTEM_KEY": SYSTEM}
    auth, clock = authentication(environment), ManualClock()
    tokens = auth.system_tokens("node-7", clock)
    assert tokens is not None
    principal = Verifier(auth.read(), clock=clock).verify(tokens.token())
    assert (principal.issuer, principal.name) == (CLUSTER, "node-7")
    assert (principal.roles, principal.groups) == (("system.admin",), ("*",))
    assert 0 < principal.expires_at - clock.now() <= 600
    assert tokens.token() == tokens.token()
    clock.advance(301)
    assert tokens.token() != ""
    assert Verifier(auth.read(), clock=clock).verify(tokens.token()).expires_at > principal.expires_at
    assert authentication({"PORTWORX_AUTH_JWT_SHAREDSECRET": USERS}).system_tokens("n", clock) is None
    with pytest.raises(InvalidInputError, match="node id"):
        auth.system_tokens("", clock)


@pytest.mark.parametrize(
    "variable",
    [
        "PORTWORX_AUTH_JWT_ISSUER",
        "PORTWORX_AUTH_JWT_SHAREDSECRET",
        "PORTWORX_AUTH_JWT_SHAREDSECRET_FILE",
        "PORTWORX_AUTH_SYSTEM_KEY",
        "PORTWORX_AUTH_STORK_KEY",
        "PORTWORX_AUTH_SYSTEM_APPS_KEY",
        "OPENSTORAGE_AUTH_RSA_PUBKEY",
        "OPENSTORAGE_AUTH_ECDS_PUBKEY",
        "PX_SHARED_SECRET",
    ],
)
def test_an_empty_variable_is_refused_and_does_not_stand_for_a_default(tmp_path, variable):
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(EC.verifying_key().pem())
    with pytest.raises(InvalidInputError) as caught:
        authentication({variable: ""}, jwt_ecds_pubkey_file=(str(key_file),))
    assert caught.value.message.startswith(f"{variable}: expected a value that is not empty")
